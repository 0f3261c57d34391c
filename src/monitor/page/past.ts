import { z } from 'zod'
import type { History } from '../history/index.ts'
import { type ShareSeen, seenNode, shareSchema } from '../observation/index.ts'
import {
  isoOf,
  macJson,
  macJsonSchema,
  macStates,
  type NodeReport,
  nodeJson,
  nodeJsonSchema,
  type Report,
  type StateChange,
  stateChanges,
} from '../report/index.ts'
import { shortDays, startOfDay } from './days.ts'

const day = 24 * 3600_000
/** How far the charts go back, ms. */
export const reach = { size: 90 * day, backups: shortDays * day, connections: 14 * day } as const
/** Rows of the history that are read for one chart, and what of them is told. */
const most = { rows: 3000, spans: 200, events: 50 } as const
/** Of the sizes of half a day the last one is told: 180 at most. */
const bucket = day / 2

/** What was, of one Mac. Times in ms since 1970. */
export interface MacPast {
  sizes: { at: number; bytes: number }[]
  /** Complete backups by day (UTC), as the Mac dates them; days without one are left out. */
  backups: { day: number; count: number }[]
}

/** What was, of one person. */
export interface Past {
  macs: Record<string, MacPast>
  connections: { from: number; to: number; path: 'direct' | 'relay' | null }[]
  /** Newest first. `about`: a Mac, or '' for the node. */
  events: (StateChange & { about: string })[]
}

/** Reads what the history knows of one person. */
export function pastOf(history: History, report: Report, user: string): Past {
  const macs = report.macs.filter((one) => one.user === user).map(({ mac }) => mac)
  const events = ['', ...macs].flatMap((about) =>
    stateChanges(history, about === '' ? user : `${user}/${about}`, most.events).map((one) => ({ ...one, about })),
  )
  return {
    macs: Object.fromEntries(macs.map((mac) => [mac, macPast(history, `mac:${user}/${mac}`, report.at)])),
    connections: connections(history, user, report),
    events: events.sort((a, b) => b.at - a.at).slice(0, most.events),
  }
}

function macPast(history: History, subject: string, now: number): MacPast {
  const sizes = new Map<number, { at: number; bytes: number }>()
  const completed = new Set<number>()
  const bodySchema = z.object({ share: shareSchema })
  for (const { first, body } of history.runs(subject, now - reach.size, most.rows)) {
    const share = bodySchema.safeParse(body).data?.share
    const bytes = share && sizeOf(share)
    const at = Math.max(first, now - reach.size)
    if (bytes !== undefined) sizes.set(Math.floor(at / bucket), { at, bytes })
    if (share?.outcome === 'seen')
      for (const one of share.bundles) for (const time of one.completed) completed.add(time)
  }
  const days = new Map<number, number>()
  for (const time of completed) {
    const start = startOfDay(time)
    if (time <= now && start > now - reach.backups) days.set(start, (days.get(start) ?? 0) + 1)
  }
  return {
    sizes: [...sizes.values()].sort((a, b) => a.at - b.at),
    backups: [...days].map(([start, count]) => ({ day: start, count })).sort((a, b) => a.day - b.day),
  }
}

function sizeOf(share: ShareSeen): number | undefined {
  if (share.outcome !== 'seen') return undefined
  const sizes = share.bundles.flatMap(({ bands, bandSize }) => (bands && bandSize ? bands.count * bandSize : []))
  return sizes.length === 0 ? undefined : sizes.reduce((sum, one) => sum + one, 0)
}

/** Looks that follow each other and saw a connection are one. */
function connections(history: History, user: string, { at: now, every }: Report): Past['connections'] {
  const spans: Past['connections'] = []
  for (const { first, last, body, latest } of history.runs(`node:${user}`, now - reach.connections, most.rows)) {
    const seen = seenNode(body, latest, last)
    if (!seen || seen.sessions === 0) continue
    const before = spans.at(-1)
    if (before && before.path === seen.path && first - before.to <= 2 * every) before.to = last
    else spans.push({ from: Math.max(first, now - reach.connections), to: last, path: seen.path })
  }
  return spans.slice(-most.spans)
}

const time = z.iso.datetime()
/** One person with what was, as the API tells it. */
export const userJsonSchema = z.object({
  user: z.string(),
  at: time,
  node: nodeJsonSchema,
  macs: z.array(
    z.object({
      ...macJsonSchema.shape,
      sizes: z.array(z.object({ at: time, bytes: z.number() })).describe('90 days; each holds until the next'),
      backups: z
        .array(z.object({ day: z.iso.date(), count: z.number() }))
        .describe(`${shortDays} days, as the Mac dates them`),
    }),
  ),
  connections: z
    .array(z.object({ from: time, to: time, path: z.enum(['direct', 'relay']).nullable() }))
    .describe('14 days'),
  events: z
    .array(z.object({ at: time, about: z.string(), state: z.enum(macStates), reason: z.string() }))
    .describe('Changes of state, newest first; about is a Mac, or empty for the node'),
})
export type UserJson = z.output<typeof userJsonSchema>

export function userJson(report: Report, past: Past, node: NodeReport): UserJson {
  const { user } = node
  return {
    user,
    at: isoOf(report.at),
    node: nodeJson(node),
    macs: report.macs
      .filter((one) => one.user === user)
      .map((one) => {
        const { sizes, backups } = past.macs[one.mac] ?? { sizes: [], backups: [] }
        return {
          ...macJson(one),
          sizes: sizes.map(({ at, bytes }) => ({ at: isoOf(at), bytes })),
          backups: backups.map((each) => ({ day: isoOf(each.day).slice(0, 10), count: each.count })),
        }
      }),
    connections: past.connections.map((one) => ({ from: isoOf(one.from), to: isoOf(one.to), path: one.path })),
    events: past.events.map((one) => ({ ...one, at: isoOf(one.at) })),
  }
}
