import type { BundleSeen } from '../observation/index.ts'
import type { BundleMemory } from './memory.ts'

/** ms */
export const day = 24 * 3600_000
/** The Mac's clock may run ahead of the server's by this much, in ms, and its completions still fit their bands. */
const skew = day
/** A Mac's clock may run ahead by this much, in ms, before that is noted. */
const drift = 10 * 60_000
/** The most bands are remembered for so long, in ms: what a Mac frees over a longer time is no loss. */
const peakFor = 7 * day
/** A change of what must not change is told for so long, in ms. */
const changeFor = 7 * day

/** A bundle keeps its memory when its first backup is complete and it gets its name. */
export const bundleKey = (name: string) => name.replace(/\.incomplete$/i, '')

/** Adds one look at a bundle to what is remembered of it. */
export function advanceBundle(known: BundleMemory | undefined, seen: BundleSeen, at: number): BundleMemory {
  const { bands } = seen
  const count = bands?.count ?? null
  const peak = peakOf(known, count, at)
  const isBelow = peak !== null && count !== null && count < peak.bands
  const unreadable = seen.listed === null && seen.notes.length > 0
  return {
    name: bundleKey(seen.name),
    seenAt: at,
    ...completions(known, seen, at),
    future: seen.future > 0 || seen.completed.some((time) => time > at + drift) ? (known?.future ?? at) : null,
    // What is not there for a moment is not changed: the last that was read stands.
    token: seen.token ?? known?.token ?? null,
    machine: seen.machine ?? known?.machine ?? null,
    bandSize: seen.bandSize ?? known?.bandSize ?? null,
    changed: changes(known, seen, at),
    bandsChanged: bands?.changed ?? known?.bandsChanged ?? null,
    bands: count ?? known?.bands ?? null,
    peak,
    fell: isBelow ? (known?.fell ?? at) : null,
    damaged: seen.verification === 2 ? (known?.damaged ?? at) : null,
    unread: unreadable ? { since: known?.unread?.since ?? at, note: seen.notes[0] ?? '' } : null,
    lost: null,
  }
}

export function lostBundle(known: BundleMemory, at: number): BundleMemory {
  return { ...known, lost: known.lost ?? at }
}

/** As it is after the server's clock went back to `at`: nothing is later. */
export function rewoundBundle(known: BundleMemory, at: number): BundleMemory {
  const back = <T extends number | null>(time: T) => (time === null ? time : Math.min(time, at)) as T
  const { counted, unproven, peak, unread } = known
  return {
    ...known,
    seenAt: back(known.seenAt),
    counted: counted && { ...counted, completed: back(counted.completed) },
    unproven: unproven && { completed: back(unproven.completed), since: back(unproven.since) },
    future: back(known.future),
    changed: known.changed.map((one) => ({ ...one, since: back(one.since) })),
    peak: peak && { ...peak, at: back(peak.at) },
    fell: back(known.fell),
    damaged: back(known.damaged),
    unread: unread && { ...unread, since: back(unread.since) },
    lost: back(known.lost),
  }
}

/**
 * A client writes the history, so it is not enough: a completion counts when it is not later than now and bands were
 * written for it, by the server's clock.
 */
function completions(known: BundleMemory | undefined, seen: BundleSeen, at: number) {
  const counted = known?.counted ?? null
  const newest = seen.completed.filter((time) => time <= at).at(-1)
  if (newest === undefined || (counted !== null && newest <= counted.completed))
    return { counted, unproven: known?.unproven ?? null }
  const proof = seen.bands?.changed
  const isProven = proof !== undefined && proof !== counted?.proof && proof >= newest - skew
  if (isProven) return { counted: { completed: newest, proof }, unproven: null }
  return { counted, unproven: { completed: newest, since: known?.unproven?.since ?? at } }
}

function peakOf(known: BundleMemory | undefined, count: number | null, at: number): BundleMemory['peak'] {
  const peak = known?.peak ?? null
  if (count === null) return peak
  if (peak !== null && peak.bands > count && at - peak.at <= peakFor) return peak
  return { bands: count, at }
}

function changes(known: BundleMemory | undefined, seen: BundleSeen, at: number): BundleMemory['changed'] {
  const changed = (known?.changed ?? []).filter(({ since }) => at - since < changeFor)
  if (known === undefined) return changed
  const pairs = [
    { what: 'token', old: known.token, now: seen.token },
    { what: 'band-size', old: known.bandSize, now: seen.bandSize },
    { what: 'machine', old: known.machine, now: seen.machine },
  ] as const
  for (const { what, old, now } of pairs) {
    if (old === null || now === null || old === now) continue
    const index = changed.findIndex((one) => one.what === what)
    if (index >= 0) changed.splice(index, 1)
    changed.push({ what, since: at })
  }
  return changed
}
