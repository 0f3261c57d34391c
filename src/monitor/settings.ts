import { z } from 'zod'
import { channelKinds, mailTls } from '../config/rules.ts'

const ms = z.number().int().min(0)
const percent = z.number().min(0).max(100)

const policySchema = z.object({
  enabled: z.boolean(),
  every: ms,
  stale: ms,
  first: ms,
  failing: ms,
  online: ms,
  away: ms,
  shrunk: percent,
})

const hostPolicySchema = z.object({ every: ms, node: ms, diskFree: percent, remind: ms, keep: ms })

/** A round at each Mac as often as `every`: so many bytes and ms at most. What was read in `within` counts as covered. */
const verifySchema = z.object({ every: ms, bytes: ms, ms, within: ms })
export type VerifySettings = z.output<typeof verifySchema>

/** generated/monitor/settings.json: what tmgen tells the monitor. No secret is in it. Times in ms. */
export const settingsSchema = z.object({
  version: z.literal(1),
  workspace: z.object({ id: z.string(), name: z.string() }),
  host: hostPolicySchema,
  /** Reading back what was written; null: off. */
  verify: verifySchema.nullable(),
  /** How the operator is told. The address of each lies in a file of that name in secrets/monitor/, for it may be a secret. */
  alerts: z.array(z.enum(channelKinds)),
  mail: z
    .object({
      host: z.string(),
      port: z.number(),
      tls: z.enum(mailTls),
      account: z.string().nullable(),
      from: z.string(),
      /** The operator's. */
      to: z.array(z.string()),
    })
    .nullable(),
  /** A watch off the host is told that the monitor looks. */
  ping: z.boolean(),
  /** The node that serves the operators' page; null: none does, and it is on its socket alone. */
  dashboard: z.object({ name: z.string(), hostname: z.string() }).nullable().default(null),
  /** Those that are served, by name. */
  users: z.array(
    z.object({
      name: z.string(),
      id: z.string(),
      /** Path on the Docker host, to be shown; the scanner has it at `inside(name)`. */
      storage: z.string(),
      macs: z.array(z.string()),
      /** Bytes, by Mac. */
      quotas: z.record(z.string(), z.number().int().min(0)).default({}),
      policy: policySchema,
      /** How this person is told; the addresses lie in secrets/monitor/users/NAME/. */
      tell: z.object({ alerts: z.array(z.enum(channelKinds)), mail: z.string().nullable(), ping: z.boolean() }),
      /** The name of the node that serves this person's own page; null: none does. */
      page: z.object({ hostname: z.string() }).nullable().default(null),
    }),
  ),
})
export type MailSettings = NonNullable<z.output<typeof settingsSchema>['mail']>
export type Settings = z.output<typeof settingsSchema>

/** Where the services find things; the compose file mounts them there. */
export const places = {
  settings: '/etc/tmgen',
  shares: '/srv/tmgen',
  /** What each person's Samba tells, in a folder of that name. */
  samba: '/run/tmgen-samba',
  looks: '/run/tmgen-looks',
  gateway: '/run/tmgen-gateway',
  secrets: '/run/secrets/tmgen',
  state: '/var/lib/tmgen',
  page: '/run/tmgen-page',
  /** What is remembered of bands: the reporter writes it, the scanner reads it. */
  bands: '/var/lib/tmgen/bands',
} as const

/** @throws SyntaxError or ZodError where it is not what tmgen writes */
export function parseSettings(text: string): Settings {
  return settingsSchema.parse(JSON.parse(text))
}
