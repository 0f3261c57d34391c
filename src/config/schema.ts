import { z } from 'zod'
import { checkPath, checkQuota, checkUrl, durationSeconds, reservedMacNames, reservedUserNames } from './rules.ts'

/** A string that `check` finds nothing wrong with; `pattern` is what the JSON Schema says of it, for editors. */
const checked = (check: (text: string) => string | undefined, pattern: string) =>
  z
    .string()
    .superRefine((text, ctx) => {
      const fault = check(text)
      if (fault !== undefined) ctx.addIssue({ code: 'custom', message: fault })
    })
    .meta({ pattern })

/** A DNS label short enough for Linux user names (32) and for `tm-NAME`. */
const label = z
  .string()
  .regex(
    /^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$/,
    'must be a DNS label: a-z, 0-9 and -, a letter first, no - last, at most 30 characters',
  )

const userName = label
  .refine((n) => !reservedUserNames.has(n), 'is reserved: it means something to Linux, Samba or the stack')
  .describe('Name of the person; the node is tm-NAME')
const macName = label
  .refine((n) => !reservedMacNames.has(n), 'is reserved: it means something to Samba')
  .describe('Name of the Mac; also the name of its share')

const quota = checked(checkQuota, '^[0-9]{1,15}[KMGTP]$').describe(
  'Size limit that Time Machine keeps: digits and one of K, M, G, T, P (powers of 1024), for example 1T',
)
const absolutePath = checked(checkPath, '^/.*[^/]$')
const url = checked(checkUrl, '^https?://[^\\s/?#@]+(/[^\\s?#]*)?$').overwrite((text) => text.replace(/\/+$/, ''))
const tag = z
  .string()
  .regex(/^tag:[a-z][a-z0-9-]{0,60}$/, 'must look like tag:name')
  .refine((t) => t !== 'tag:tmgen' && !t.startsWith('tag:tm-'), 'is reserved for the nodes that tmgen makes')
const login = z
  .string()
  .regex(
    /^[^\s\p{Cc}:*,"'\\-][^\s\p{Cc}:*,"'\\]{0,253}$/u,
    'must be a login of the tailnet, for example alice@example.com',
  )
  .describe('Login in the tailnet, for example alice@example.com')
const image = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._/:@-]{0,254}$/, 'must be an image reference, for example debian:trixie-slim')

/** Tailscale's longest expiry of an auth key is 90 days. */
const keyExpiry = z
  .string()
  .regex(/^[1-9]\d{0,3}[hd]$/, 'must be hours or days, for example 72h or 3d')
  .refine((text) => durationSeconds(text) <= 90 * 86_400, 'must be at most 90d')
  .default('72h')
  .describe('How long a new auth key can be used to enrol its node; at most 90d')

const controlServer = url
  .default('https://controlplane.tailscale.com')
  .describe('Control server that the nodes register with')

const tls = z
  .discriminatedUnion('mode', [
    z.strictObject({
      mode: z.literal('own').describe('Files of your own on the Docker host'),
      cert: absolutePath.describe('Certificate chain, PEM'),
      key: absolutePath.describe('Private key, PEM'),
    }),
    z.strictObject({
      mode: z.literal('acme').describe('Let’s Encrypt; needs port 443 reachable from the internet'),
      email: z
        .string()
        .regex(/^[^\s@]+@[^\s@]+$/, 'must be an e-mail address')
        .describe('Address for notices of the certificate authority'),
    }),
  ])
  .optional()
  .describe('Certificate of an https URL')

const control = z
  .discriminatedUnion('provider', [
    z.strictObject({
      provider: z.literal('tailscale').describe('Tailscale; keys are minted through its API'),
      api: url.default('https://api.tailscale.com').describe('Base URL of the API'),
      url: controlServer,
      tailnet: z
        .string()
        .regex(/^[A-Za-z0-9._@-]{1,253}$/, 'must be the name of a tailnet, or -')
        .default('-')
        .describe('Tailnet name; - is the one that the credential belongs to'),
      keyExpiry,
    }),
    z.strictObject({
      provider: z.literal('headscale').describe('A Headscale server of your own, 0.28 or 0.29'),
      url: url.describe('URL of the Headscale server'),
      keyExpiry,
    }),
    z.strictObject({
      provider: z.literal('embedded').describe('A Headscale that tmgen runs in the same compose stack'),
      url: url.describe('URL under which Macs reach this Headscale; http only inside a LAN (no relay then)'),
      tls,
      baseDomain: z
        .string()
        .max(200)
        .regex(/^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]+$/, 'must be a domain name of at least two labels')
        .default('tailnet.internal')
        .describe('MagicDNS domain of the tailnet'),
      keyExpiry,
    }),
    z.strictObject({
      provider: z.literal('manual').describe('You make the auth keys; tmgen takes them with --auth-key-file'),
      url: controlServer,
      keyExpiry,
    }),
  ])
  .describe('Who hands out auth keys')

const mac = z.strictObject({
  name: macName,
  quota: quota.optional().describe('Quota of this Mac; without it defaults.quota'),
})

/** One entry of `users`. */
export const userSchema = z.strictObject({
  name: userName,
  logins: z.array(login).default([]).describe('Who may connect: logins in the tailnet'),
  tags: z.array(tag).default([]).describe('Who may connect: tags of managed Macs'),
  macs: z.array(mac).min(1).describe('The person’s Macs, a share for each'),
  storage: absolutePath.optional().describe('Storage folder of this user; without it storage.root/NAME'),
  enabled: z.boolean().default(true).describe('false: no access, everything is kept'),
})

const port = z.number().int().min(1024).max(65535)
const uid = z.number().int().min(1000).max(60000)

/** tmgen.yaml, before the checks that span several values (see check.ts). */
export const configSchema = z.strictObject({
  version: z.literal(1).describe('Version of this format'),
  workspace: label.describe('Name of the workspace; also the compose project name'),
  host: z
    .enum(['local', 'remote'])
    .default('local')
    .describe('local: tmgen runs on the Docker host; remote: elsewhere, for example on a laptop'),
  control,
  storage: z
    .strictObject({ root: absolutePath.describe('Folder on the Docker host that holds a folder per user') })
    .describe('Where the backups go'),
  network: z
    .strictObject({
      subnet: z.string().describe('Private IPv4 subnet of the internal bridge, /28 to /22, for example 10.77.0.0/22'),
      udp: z
        .strictObject({
          from: port.default(21000).describe('First port'),
          to: port.default(22023).describe('Last port, below 32768'),
        })
        .default({ from: 21000, to: 22023 })
        .describe('UDP ports for the nodes, one each, published in blocks of 32; the default is enough for a full /22'),
      uid: z
        .strictObject({ from: uid.default(20001).describe('First UID'), to: uid.default(29999).describe('Last UID') })
        .default({ from: 20001, to: 29999 })
        .describe('UIDs that own the data, one per user, never used again'),
      ipv6: z.boolean().default(false).describe('Give the gateway’s uplink IPv6 as well'),
    })
    .describe('Addresses, ports and UIDs that tmgen deals out'),
  images: z
    .strictObject({
      debian: image.optional().describe('Base image for builds, in place of the pinned Debian'),
      golang: image.optional().describe('Base image for builds, in place of the pinned Go'),
      gateway: image.optional().describe('Ready gateway image, in place of a build'),
      samba: image.optional().describe('Ready Samba image, in place of a build'),
      headscale: image.optional().describe('Ready Headscale image, in place of a build'),
    })
    .default({})
    .describe('Images, where the defaults do not fit'),
  gateway: z
    .strictObject({
      memory: quota
        .optional()
        .describe('Soft memory limit, at least 64M; without it it grows with the number of nodes'),
    })
    .default({})
    .describe('The gateway process'),
  defaults: z
    .strictObject({ quota: quota.default('1T') })
    .default({ quota: '1T' })
    .describe('Used where a Mac names no value of its own'),
  users: z.array(userSchema).default([]).describe('The people'),
})

export type Config = z.output<typeof configSchema>
export type ConfigUser = Config['users'][number]
/** A user as a command adds it: name and macs, the rest optional. */
export type NewUser = z.input<typeof userSchema>
/** A Mac as a command adds it. */
export type NewMac = NewUser['macs'][number]
export type NewControl = z.input<typeof configSchema>['control']
