/** A snapshot of a share that the host took. */
export interface Kept {
  id: string
  /** By the server's clock, ms since 1970. */
  takenAt: number
  /** Bands were lost after it, and it is the last before that. */
  beforeLoss: boolean
}

const hour = 3600_000
const day = 24 * hour

/** A slot keeps one snapshot: those of the last day by the hour, of the last month by the day, of the last year by the week. */
const slots = [
  { within: day, each: hour },
  { within: 31 * day, each: day },
  { within: 366 * day, each: 7 * day },
] as const

/** Whether a snapshot is due when a backup completed: at most one in an hour, however many completions are claimed. */
export function isDue(kept: readonly Kept[], now: number): boolean {
  return kept.every(({ takenAt }) => takenAt > now || Math.floor(takenAt / hour) !== Math.floor(now / hour))
}

/**
 * The snapshots to let go of. Of each slot the oldest is kept, so that later ones never push it out; how many
 * completions a client claims, and how it dates them, is of no account. The last before a loss stays, and so does the
 * newest.
 */
export function toLetGo(kept: readonly Kept[], now: number): string[] {
  const sorted = [...kept].sort((a, b) => a.takenAt - b.takenAt)
  const stay = new Set(sorted.filter(({ beforeLoss }) => beforeLoss).map(({ id }) => id))
  const newest = sorted.at(-1)
  if (newest) stay.add(newest.id)
  for (const { within, each } of slots) {
    const taken = new Set<number>()
    for (const { id, takenAt } of sorted) {
      // Later than now: the clock went back. It is no reason to let go.
      if (takenAt > now) stay.add(id)
      const slot = Math.floor(takenAt / each)
      if (now - takenAt > within || taken.has(slot)) continue
      taken.add(slot)
      stay.add(id)
    }
  }
  return sorted.filter(({ id }) => !stay.has(id)).map(({ id }) => id)
}
