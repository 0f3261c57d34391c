import { z } from 'zod'
import { controlSchema } from './control-schema.ts'
import { monitorSchema, userMonitorSchema } from './monitor-schema.ts'
import { absolutePath, image, label, login, loginOrTag, macName, quota, tag, userName } from './values.ts'

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
  monitor: userMonitorSchema,
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
  control: controlSchema,
  storage: z
    .strictObject({ root: absolutePath.describe('Folder on the Docker host that holds a folder per user') })
    .describe('Where the backups go'),
  overcommit: z
    .boolean()
    .default(false)
    .describe('true: quotas may be larger than the disk that they lie on, less a reserve of 5 %; else that is refused'),
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
      ipv6: z
        .boolean()
        .default(false)
        .describe('Give the gateway’s uplink IPv6 as well; the UDP ports are published for IPv6 only then'),
    })
    .describe('Addresses, ports and UIDs that tmgen deals out'),
  images: z
    .strictObject({
      debian: image.optional().describe('Base image for builds, in place of the pinned Debian'),
      golang: image.optional().describe('Base image for builds, in place of the pinned Go'),
      gateway: image.optional().describe('Ready gateway image, in place of a build'),
      samba: image.optional().describe('Ready Samba image, in place of a build'),
      headscale: image.optional().describe('Ready Headscale image, in place of a build'),
      monitor: image.optional().describe('Ready monitor image, in place of a build'),
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
  monitor: monitorSchema,
  dashboard: z
    .strictObject({
      operators: z
        .array(loginOrTag)
        .min(1)
        .describe('Who may open it: logins in the tailnet, and tags of managed Macs'),
    })
    .optional()
    .describe(
      'The monitor’s page on a node of its own, http://tm-dashboard/; without it the page is on its socket alone',
    ),
  users: z.array(userSchema).default([]).describe('The people'),
})

export type Config = z.output<typeof configSchema>
export type ConfigUser = Config['users'][number]
/** A user as a command adds it: name and macs, the rest optional. */
export type NewUser = z.input<typeof userSchema>
/** A Mac as a command adds it. */
export type NewMac = NewUser['macs'][number]
export type NewControl = z.input<typeof configSchema>['control']
/** Images as a new config names them: debian and golang are bases for builds, the others ready images. */
export type NewImages = NonNullable<z.input<typeof configSchema>['images']>
