import { z } from 'zod'
import { problemKinds, severities } from '../rules/index.ts'

/** All that a Mac's state can be, worst first. */
export const macStates = [...problemKinds, 'waiting', 'running', 'ok'] as const

/** Snapshots of a Mac that are told: the newest. */
export const mostSnapshots = 48

/**
 * The parts of a report. Times are numbers in ms since 1970 on the disk, and text (RFC 3339, UTC) in the JSON that is
 * shown; sizes are bytes.
 */
function parts<T extends z.ZodType>(time: T) {
  const when = time.nullable()
  const bytes = z.number().int().min(0)
  const problem = z.object({
    kind: z.enum(problemKinds),
    severity: z.enum(severities),
    since: time,
    reason: z.string().describe('A sentence. It may hold names that a Mac wrote: escape what shows it'),
    todo: z.string().describe('What to do about it; empty: nothing'),
  })
  const channel = z.object({
    name: z.string(),
    waiting: z.number().describe('Notifications that wait for it'),
    lost: z.number().describe('Notifications that were given up'),
    sentAt: when,
    failedAt: when,
    error: z.string().describe('Why it last failed; empty: it did not'),
  })
  const mac = z.object({
    user: z.string(),
    mac: z.string(),
    state: z.enum(macStates).describe('The worst problem, or that there is none'),
    since: time,
    reason: z.string(),
    todo: z.string(),
    problems: z.array(problem).describe('Worst first'),
    lastSuccess: when.describe('The last backup that counts'),
    running: z.boolean().describe('A backup runs'),
    quotaBytes: bytes.nullable(),
    snapshots: z
      .array(time)
      .max(mostSnapshots)
      .describe('Complete backups that the Mac’s history lists, oldest first: the newest of them'),
    seen: z
      .object({
        usedBytes: bytes.nullable(),
        lastWrite: when,
        lastBackup: when,
        backups: z.number().nullable(),
        bundles: z.number(),
        notes: z.array(z.string()),
      })
      .nullable()
      .describe('What the last look saw; null: nothing'),
    connection: z
      .object({
        sessions: z.number().describe('Connections to the share'),
        since: when.describe('Since when the oldest of them stands; null: there is none'),
        openFiles: z.number().describe('Files and folders that are open'),
      })
      .nullable()
      .default(null)
      .describe('What Samba said at the last look; null: not known'),
    verified: z
      .object({
        at: when.describe('When a round ended last'),
        bands: z.number(),
        covered: z.number().describe('Bands that were read well lately'),
        percent: z.number().describe('The same in percent of all bands, rounded down'),
        faults: z.object({ rot: z.number(), unreadable: z.number(), oversize: z.number() }),
        failed: z.string().describe('Why the last round did not end; empty: it did'),
      })
      .nullable()
      .describe('What was read back; null: nothing yet'),
  })
  const node = z.object({
    user: z.string(),
    told: z.boolean().describe('Somebody is told of what is wrong with this person’s backups'),
    problems: z.array(problem),
    seen: z
      .object({
        at: time,
        state: z.string().nullable().describe('As the gateway says; null: it does not answer'),
        sessions: z.number().describe('Open connections'),
        present: z.boolean().nullable().describe('One of the person’s machines is in reach; null: not known'),
        path: z.enum(['direct', 'relay']).nullable(),
        bytesIn: bytes.describe('From the Macs, since the gateway started'),
        bytesOut: bytes,
      })
      .nullable(),
  })
  const disk = z.object({
    path: z.string(),
    users: z.number(),
    people: z.array(z.string()).default([]).describe('Whose shares lie on it'),
    totalBytes: bytes,
    freeBytes: bytes,
  })
  return { problem, channel, mac, node, disk }
}

const time = z.number()
const numbers = parts(time)

/** state/monitor/report.json: how everybody did when the monitor last thought about it. */
export const reportSchema = z.object({
  version: z.literal(1),
  workspace: z.string(),
  at: time,
  /** When the scanner last looked; null: never. */
  lookedAt: time.nullable(),
  every: time,
  macs: z.array(numbers.mac),
  nodes: z.array(numbers.node),
  host: z.array(numbers.problem),
  disks: z.array(numbers.disk),
  channels: z.array(numbers.channel),
  /** What went wrong with the monitor's own keeping. */
  notes: z.array(z.string()),
})
export type Report = z.output<typeof reportSchema>
export type MacReport = Report['macs'][number]
export type NodeReport = Report['nodes'][number]

const text = z.iso.datetime()
const texts = parts(text)
export const macJsonSchema = texts.mac
export const nodeJsonSchema = texts.node

/** What `tmgen monitor show --json` prints, and the API's overview. */
export const reportJsonSchema = z.object({
  workspace: z.string(),
  at: text.describe('When the monitor last thought about it: each minute'),
  lookedAt: text.nullable().describe('When it last looked at the shares; null: never'),
  macs: z.array(texts.mac),
  nodes: z.array(texts.node),
  host: z.array(texts.problem).describe('Problems of this server'),
  disks: z.array(texts.disk).describe('Filesystems that hold shares'),
  channels: z.array(texts.channel).describe('How alerts are delivered'),
  notes: z.array(z.string()).describe('What went wrong with the monitor’s own keeping'),
})
export type ReportJson = z.output<typeof reportJsonSchema>
