import { z } from 'zod'
import { checkQuota, reservedMacNames, reservedUserNames } from './rules.ts'

/** A DNS label short enough for Linux user names (32) and for `tm-NAME`. */
const label = z
  .string()
  .regex(/^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$/, 'must be a DNS label: a-z, 0-9 and -, starting with a letter, at most 30')

const userName = label
  .refine((n) => !reservedUserNames.has(n), 'is reserved')
  .describe('Name of the person; the node is tm-NAME')
const macName = label
  .refine((n) => !reservedMacNames.has(n), 'is reserved')
  .describe('Name of the Mac; also the name of its share')

const quota = z
  .string()
  .superRefine((text, ctx) => {
    const fault = checkQuota(text)
    if (fault !== undefined) ctx.addIssue({ code: 'custom', message: fault })
  })
  .describe('Size limit that Time Machine keeps: digits and one of K, M, G, T, P (powers of 1024), for example 1T')

const absolutePath = z.string().regex(/^\/[^\0\n]*$/, 'must be an absolute path')
const httpUrl = z
  .string()
  .regex(/^https?:\/\/[^\s/?#]+(\/[^\s?#]*)?$/, 'must be a URL that starts with https:// or http://')
const httpsUrl = z.string().regex(/^https:\/\/[^\s/?#]+(\/[^\s?#]*)?$/, 'must be a URL that starts with https://')
const tag = z.string().regex(/^tag:[a-z0-9]([a-z0-9-]{0,60}[a-z0-9])?$/, 'must look like tag:name')
const login = z
  .string()
  .regex(/^[^\s:*,"'\\]{1,254}$/, 'must be a login of the tailnet, for example alice@example.com')
  .describe('Login in the tailnet, for example alice@example.com')
const keyExpiry = z
  .string()
  .regex(/^[1-9]\d{0,3}[hd]$/, 'must be hours or days, for example 72h or 3d')
  .default('72h')
  .describe('How long a new auth key can be used to enrol its node')

const control = z.discriminatedUnion('provider', [
  z.strictObject({
    provider: z.literal('tailscale').describe('Tailscale; keys are minted through its API'),
    api: httpsUrl.or(httpUrl).default('https://api.tailscale.com').describe('Base URL of the API'),
    url: httpUrl.default('https://controlplane.tailscale.com').describe('Control server that the nodes register with'),
    tailnet: z.string().min(1).default('-').describe('Tailnet name; - is the one that the credential belongs to'),
    keyExpiry,
  }),
  z.strictObject({
    provider: z.literal('headscale').describe('A Headscale server of your own, 0.28 or 0.29'),
    url: httpUrl.describe('URL of the Headscale server'),
    keyExpiry,
  }),
  z.strictObject({
    provider: z.literal('embedded').describe('A Headscale that tmgen runs in the same compose stack'),
    url: httpUrl.describe('URL under which Macs reach this Headscale; http only inside a LAN (no relay then)'),
    tls: z
      .discriminatedUnion('mode', [
        z.strictObject({ mode: z.literal('own'), cert: absolutePath, key: absolutePath }),
        z.strictObject({
          mode: z.literal('acme'),
          email: z.string().regex(/^[^\s@]+@[^\s@]+$/, 'must be an e-mail address'),
        }),
      ])
      .optional()
      .describe('Certificate for https: files of your own, or ACME (Let’s Encrypt)'),
    baseDomain: z
      .string()
      .regex(/^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]+$/, 'must be a domain name')
      .default('tailnet.internal')
      .describe('MagicDNS domain of the tailnet'),
    keyExpiry,
  }),
  z.strictObject({
    provider: z.literal('manual').describe('You make the auth keys; tmgen takes them with --auth-key-file'),
    url: httpUrl.default('https://controlplane.tailscale.com').describe('Control server that the nodes register with'),
    keyExpiry,
  }),
])

const mac = z.strictObject({
  name: macName,
  quota: quota.optional().describe('Quota of this Mac; default: defaults.quota'),
})

const user = z.strictObject({
  name: userName,
  logins: z.array(login).default([]).describe('Who may connect: logins in the tailnet'),
  tags: z.array(tag).default([]).describe('Who may connect: tags of managed Macs'),
  macs: z.array(mac).min(1).describe('The person’s Macs, a share for each'),
  storage: absolutePath.optional().describe('Storage folder of this user; default: storage.root/NAME'),
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
  storage: z.strictObject({ root: absolutePath.describe('Folder on the Docker host that holds a folder per user') }),
  network: z.strictObject({
    subnet: z.string().describe('Private IPv4 subnet of the internal bridge, /28 to /22'),
    udp: z
      .strictObject({ from: port.default(21000), to: port.default(21999) })
      .default({ from: 21000, to: 21999 })
      .describe('UDP ports for the nodes, one each, published in blocks of 32'),
    uid: z
      .strictObject({ from: uid.default(20001), to: uid.default(29999) })
      .default({ from: 20001, to: 29999 })
      .describe('UIDs that own the data, one per user, never used again'),
    ipv6: z.boolean().default(false).describe('Give the gateway’s uplink IPv6 as well'),
  }),
  images: z
    .strictObject({
      debian: z.string().min(1).optional().describe('Base image for builds, in place of the pinned Debian'),
      golang: z.string().min(1).optional().describe('Base image for builds, in place of the pinned Go'),
      gateway: z.string().min(1).optional().describe('Ready gateway image, in place of a build'),
      samba: z.string().min(1).optional().describe('Ready Samba image, in place of a build'),
      headscale: z.string().min(1).optional().describe('Ready Headscale image, in place of a build'),
    })
    .default({})
    .describe('Images, where the defaults do not fit'),
  gateway: z
    .strictObject({
      memory: quota.optional().describe('Soft memory limit; default: grows with the number of nodes'),
    })
    .default({})
    .describe('The gateway process'),
  defaults: z
    .strictObject({ quota: quota.default('1T') })
    .default({ quota: '1T' })
    .describe('Used where a Mac names no value of its own'),
  users: z.array(user).default([]).describe('The people'),
})

export type Config = z.output<typeof configSchema>
export type ConfigUser = Config['users'][number]
