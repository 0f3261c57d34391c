import { isDue, toLetGo } from '../monitor/rules/index.ts'
import { keptName, nameAt } from './name.ts'
import type { Snapshot } from './types.ts'

/** What the monitor recorded of one user, by the server's clock, ms since 1970. */
export interface Recorded {
  /** When a backup was complete last; null: never. */
  completedAt: number | null
  /** Since when something was lost: a bundle that is gone or has shrunk, or is another than it was. */
  losses: readonly number[]
}

/** What is to be done with one user's snapshots. */
export interface Decision {
  /** Name of a new one; `undefined`: none is due. */
  take: string | undefined
  /** Those that stay for good from now on, by their old and their new name. */
  keep: { from: string; to: string }[]
  letGo: string[]
}

/**
 * A snapshot when a backup completed since the last one, at most one in an hour; the last before a loss stays for good;
 * the rest goes by the rule. Only the server's clock counts: completions that are claimed push nothing out.
 */
export function decide(snapshots: readonly Snapshot[], { completedAt, losses }: Recorded, now: number): Decision {
  const newest = Math.max(...snapshots.map(({ takenAt }) => takenAt), 0)
  const isNew = completedAt !== null && completedAt <= now && completedAt > newest
  const take = isNew && isDue(snapshots, now) ? nameAt(now) : undefined
  const lastBefore = new Set(losses.map((since) => before(snapshots, since)?.id))
  const keep = snapshots
    .filter(({ id, beforeLoss }) => !beforeLoss && lastBefore.has(id))
    .map(({ id }) => ({ from: id, to: keptName(id) }))
  const after = snapshots.map((one) => (lastBefore.has(one.id) ? { ...one, beforeLoss: true } : one))
  const taken = take === undefined ? [] : [{ id: take, takenAt: now, beforeLoss: false }]
  return { take, keep, letGo: toLetGo([...after, ...taken], now) }
}

const before = (snapshots: readonly Snapshot[], time: number) =>
  [...snapshots].sort((a, b) => b.takenAt - a.takenAt).find(({ takenAt }) => takenAt <= time)
