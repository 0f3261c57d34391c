import { z } from 'zod'
import type { MacState, Problem } from '../rules/index.ts'
import { problemKinds, severities } from '../rules/index.ts'

const time = z.number()
const problemSchema = z.object({
  kind: z.enum(problemKinds),
  severity: z.enum(severities),
  since: time,
  reason: z.string(),
  todo: z.string(),
}) satisfies z.ZodType<Problem>

const channelSchema = z.object({
  name: z.string(),
  /** Notifications that wait for it, and those that were given up. */
  waiting: z.number(),
  lost: z.number(),
  sentAt: time.nullable(),
  failedAt: time.nullable(),
  /** Why it last failed; `''`: it did not. */
  error: z.string(),
})

const macSchema = z.object({
  user: z.string(),
  mac: z.string(),
  state: z.enum([...problemKinds, 'ok', 'running', 'waiting']),
  since: time,
  reason: z.string(),
  todo: z.string(),
  problems: z.array(problemSchema),
  lastSuccess: time.nullable(),
  running: z.boolean(),
  /** What the last look saw; null: nothing. Times in ms since 1970. */
  seen: z
    .object({
      usedBytes: z.number().nullable(),
      lastWrite: time.nullable(),
      lastBackup: time.nullable(),
      backups: z.number().nullable(),
      bundles: z.number(),
      notes: z.array(z.string()),
    })
    .nullable(),
  /** What was read back; null: nothing yet. */
  verified: z
    .object({
      /** When a round ended last. */
      at: time.nullable(),
      bands: z.number(),
      /** Of them those that were read well lately, also in percent, rounded down. */
      covered: z.number(),
      percent: z.number(),
      faults: z.object({ rot: z.number(), unreadable: z.number(), oversize: z.number() }),
      /** Why the last round did not end; `''`: it did. */
      failed: z.string(),
    })
    .nullable()
    .default(null),
})
export type MacReport = MacState & z.output<typeof macSchema>

/** state/monitor/report.json: how everybody did when the monitor last thought about it. */
export const reportSchema = z.object({
  version: z.literal(1),
  at: time,
  /** When the scanner last looked; null: never. */
  lookedAt: time.nullable(),
  every: time,
  macs: z.array(macSchema),
  nodes: z.array(z.object({ user: z.string(), problems: z.array(problemSchema) })),
  host: z.array(problemSchema),
  channels: z.array(channelSchema),
  /** What went wrong with the monitor's own keeping. */
  notes: z.array(z.string()),
})
export type Report = z.output<typeof reportSchema>
