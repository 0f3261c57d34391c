import { z } from 'zod'
import { withHint } from './fault.ts'
import { channelKinds, mailTls } from './rules.ts'
import { duration, quota } from './values.ts'

const percent = z.number().int().min(1).max(90)

const domain = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*'
/** What every mail server takes, in ASCII, without a name, a comment or quotes: nothing that could end a header. */
const address = z
  .string()
  .max(254)
  .regex(
    new RegExp(`^[A-Za-z0-9.!#$%&'*+/=?^_{}~-]{1,64}@${domain}$`),
    withHint('must be a mail address', 'write it like alice@example.com, without a name'),
  )

/** Ways to tell somebody, each once. */
const ways = z
  .array(z.enum(channelKinds))
  .max(channelKinds.length)
  .refine((kinds) => new Set(kinds).size === kinds.length, withHint('must name each way once', 'drop the second'))

/** `monitor.mail`: the server that takes what is told by mail. */
const mailSchema = z
  .strictObject({
    host: z
      .string()
      .max(253)
      .regex(
        new RegExp(`^(?:${domain}|[0-9A-Fa-f:.]{2,45})$`),
        withHint('must be the name or address of a mail server', 'write it like smtp.example.com'),
      )
      .describe('Mail server (SMTP)'),
    port: z
      .number()
      .int()
      .min(1)
      .max(65535)
      .optional()
      .describe('Without it 587; 465 with `tls: implicit`; 25 with `tls: none`'),
    tls: z
      .enum(mailTls)
      .default('starttls')
      .describe(
        'starttls: nothing is told before STARTTLS; implicit: TLS from the first byte; none: only for a relay beside the monitor',
      ),
    account: z
      .string()
      .regex(/^[^\p{Cc}]{1,254}$/u, withHint('must be the name of an account', 'write it like tmgen@example.com'))
      .optional()
      .describe('Account at the server; its password lies in secrets/monitor/mail-password'),
    from: address.describe('Address that the mail comes from'),
    to: z
      .array(address)
      .max(10)
      .refine((all) => new Set(all).size === all.length, withHint('must name each address once', 'drop the second'))
      .default([])
      .describe('The operator’s addresses; each gets a mail of its own'),
  })
  .optional()
  .describe('The mail server, for `alerts: [mail]`')

/** The values that hold where nothing else is written. */
export const monitorDefaults = {
  stale: '72h',
  first: '7d',
  failing: '24h',
  online: '8h',
  away: '30d',
  shrunk: 40,
} as const

/** What may differ from person to person. */
const personal = {
  stale: duration('2h', '365d', monitorDefaults.stale).describe(
    'Without a complete backup for so long, somebody is told',
  ),
  first: duration('2h', '90d', monitorDefaults.first).describe(
    'The first backup must be complete so long after the share was made',
  ),
  failing: duration('2h', '30d', monitorDefaults.failing).describe(
    'A Mac that writes for so long without completing a backup fails',
  ),
  online: duration('1h', '30d', monitorDefaults.online).describe(
    'A Mac that was away is given so long in reach before its missing backup is told',
  ),
  away: duration('1d', '365d', monitorDefaults.away).describe('A Mac that is away for so long is told all the same'),
  shrunk: percent.describe('Percent of its bands that a backup may lose within a week'),
}

const verifyDefaults = { enabled: true, every: '6h', bytes: '1G', time: '1m', within: '90d' } as const

/** `monitor.verify`: how much of the backups is read back. */
const verifySchema = z
  .strictObject({
    enabled: z.boolean().default(verifyDefaults.enabled).describe('false: nothing is read back but by tmgen verify'),
    every: duration('1h', '30d', verifyDefaults.every)
      .default(verifyDefaults.every)
      .describe('Time between two rounds at a Mac’s backup'),
    bytes: quota.default(verifyDefaults.bytes).describe('So much is read of each Mac in one round at most: 500M, 1G'),
    time: duration('1m', '12h', verifyDefaults.time)
      .default(verifyDefaults.time)
      .describe('One round at a Mac’s backup takes so long at most'),
    within: duration('7d', '365d', verifyDefaults.within)
      .default(verifyDefaults.within)
      .describe('What was read back in this time counts as covered'),
  })
  .default(verifyDefaults)
  .describe('How much of the backups is read back to see whether the disk still holds it')

/** `monitor` in tmgen.yaml: when backups count as missing. */
export const monitorSchema = z
  .strictObject({
    every: duration('1m', '1h', '5m').default('5m').describe('Time between two looks'),
    stale: personal.stale.default(monitorDefaults.stale),
    first: personal.first.default(monitorDefaults.first),
    failing: personal.failing.default(monitorDefaults.failing),
    online: personal.online.default(monitorDefaults.online),
    away: personal.away.default(monitorDefaults.away),
    shrunk: percent.default(monitorDefaults.shrunk).describe(personal.shrunk.description ?? ''),
    diskFree: percent
      .default(5)
      .describe('Percent of a disk with shares that must be free; a full quota is normal and is not told'),
    node: duration('1m', '7d', '30m')
      .default('30m')
      .describe('Trouble of a node, its key or its container is told after so long'),
    remind: duration('1h', '30d', '3d').default('3d').describe('What lasts is told again after so long'),
    keep: duration('7d', '3650d', '400d').default('400d').describe('How long what was seen is kept'),
    verify: verifySchema,
    alerts: ways
      .default([])
      .describe(
        'How the operator is told; the address of each but mail lies in a file of its name in secrets/monitor/',
      ),
    mail: mailSchema,
    ping: z
      .boolean()
      .default(false)
      .describe('Tell a watch off this host that the monitor looks; its address lies in secrets/monitor/ping'),
  })
  .default({
    every: '5m',
    ...monitorDefaults,
    diskFree: 5,
    node: '30m',
    remind: '3d',
    keep: '400d',
    verify: verifyDefaults,
    alerts: [],
    ping: false,
  })
  .describe('When a backup counts as missing, and when somebody is told')

/** `users[].monitor`: what differs for one person. */
export const userMonitorSchema = z
  .strictObject({
    enabled: z.boolean().default(true).describe('false: nobody is told anything of this person’s backups'),
    stale: personal.stale.optional(),
    first: personal.first.optional(),
    failing: personal.failing.optional(),
    online: personal.online.optional(),
    away: personal.away.optional(),
    shrunk: personal.shrunk.optional(),
    alerts: ways
      .optional()
      .describe(
        'How this person is told of their own Macs; the address of each but mail lies in secrets/monitor/users/NAME/',
      ),
    mail: address.optional().describe('This person’s address, for `alerts: [mail]`'),
    ping: z
      .boolean()
      .optional()
      .describe('Tell a watch off this host that they are backed up; its address is secrets/monitor/users/NAME/ping'),
    page: z
      .boolean()
      .default(false)
      .describe('true: this person sees how their own backups do, on their own node: http://HOSTNAME/'),
  })
  .optional()
  .describe('Where this person differs from `monitor` at the top')
