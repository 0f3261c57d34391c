import type { BundleSeen, MacLook, ShareSeen } from '../observation/index.ts'
import { advanceBundle, bundleKey, day, lostBundle, rewoundBundle } from './advance-bundle.ts'
import type { BundleMemory, MacMemory } from './memory.ts'

/** Bundles that are remembered, gone ones too. */
const mostBundles = 8
/** What is lost is told for so long, in ms, once another backup is complete. */
const lostFor = 7 * day
/** Bands that were written so lately, in ms, say that a backup runs. */
const lately = 15 * 60_000
/** After a rest of so long, in ms, a write begins a new try. */
const rest = day

/** What a look is taken with. */
export interface Around {
  /** Time between two looks, ms. */
  every: number
  /** One of the person's machines is in reach; null: not known. */
  present: boolean | null
}

/** Adds one look at a Mac's share to what is remembered of those before. */
export function advance(before: MacMemory | undefined, look: MacLook, { every, present }: Around): MacMemory {
  const { at, share } = look
  const old = before && rewound(before, at)
  const seen = share.outcome === 'seen' ? share.bundles : []
  // What cannot be looked at says nothing of what is in it.
  const bundles = share.outcome === 'unreadable' ? (old?.bundles ?? []) : together(old?.bundles ?? [], share, at)
  const found = bundles.flatMap((bundle) => successOf(bundle, old, seen) ?? [])
  const success = found.reduce((last, one) => (last && last.at >= one.at ? last : one), old?.success ?? null)
  const isNew = success?.completed !== old?.success?.completed || success?.at !== old?.success?.at
  return {
    firstAt: old?.firstAt ?? at,
    lastAt: at,
    outcome: share.outcome,
    since: old?.outcome === share.outcome ? old.since : at,
    cause: share.outcome === 'unreadable' ? share.cause : '',
    bundles: kept(bundles, success?.at ?? 0, at),
    success,
    tries: isNew ? null : tries(old, bundles, at),
    reach: isNew ? 0 : (old?.reach ?? 0) + inReach(old, at, every, present),
    running: isRunning(look, bundles),
  }
}

/**
 * Bands were written lately, and Samba does not say that nothing is open. The look sees the times of the first bands only;
 * those that Samba has open it can be asked for. Files that are open and not written are no backup: a Mac fell asleep.
 */
function isRunning({ at, open, wrote }: MacLook, bundles: readonly BundleMemory[]): boolean {
  if (open === false) return false
  const times = [wrote, ...bundles.map(({ bandsChanged, lost }) => (lost === null ? bandsChanged : null))]
  return times.some((time) => time !== null && Math.abs(at - time) < lately)
}

function together(old: readonly BundleMemory[], share: ShareSeen, at: number): BundleMemory[] {
  const { bundles, partial } = share.outcome === 'seen' ? share : { bundles: [], partial: undefined }
  const here = bundles.map((bundle) => {
    const known = old.find(({ name }) => name === bundleKey(bundle.name))
    return advanceBundle(known, bundle, at)
  })
  const unseen = old.filter(({ name }) => !here.some((bundle) => bundle.name === name))
  // What was not looked for may be there.
  const isGone = ({ name }: BundleMemory) => partial === undefined || partial.gone.map(bundleKey).includes(name)
  return [...here, ...unseen.map((bundle) => (isGone(bundle) ? lostBundle(bundle, at) : bundle))]
}

/** A completion that this look shows first. It was complete between the last look and this one, whatever the Mac's clock. */
function successOf(bundle: BundleMemory, old: MacMemory | undefined, seen: readonly BundleSeen[]) {
  const { counted } = bundle
  if (counted === null || !seen.some(({ name }) => bundleKey(name) === bundle.name)) return undefined
  const known = old?.bundles.find(({ name }) => name === bundle.name)
  if (known?.counted?.completed === counted.completed) return undefined
  const at = known ? Math.min(Math.max(counted.completed, known.seenAt), bundle.seenAt) : counted.completed
  return { at, completed: counted.completed }
}

function tries(old: MacMemory | undefined, bundles: readonly BundleMemory[], at: number): MacMemory['tries'] {
  if (old === undefined) return null
  const written = bundles.filter((bundle) => {
    const known = old.bundles.find(({ name }) => name === bundle.name)
    return bundle.bandsChanged !== null && bundle.bandsChanged !== known?.bandsChanged
  })
  if (written.length === 0) return old.tries
  const last = Math.min(at, Math.max(...written.map((bundle) => bundle.bandsChanged ?? 0)))
  const isOn = old.tries !== null && last - old.tries.last < rest
  return { first: isOn && old.tries ? old.tries.first : last, last }
}

/**
 * Only what is known to be out of reach excuses: so time of which nothing is known counts as in reach, and what was counted
 * once is not taken back. Looks that did not take place count as one at most: this server may have been off itself.
 */
function inReach(old: MacMemory | undefined, at: number, every: number, present: boolean | null): number {
  if (old === undefined || present === false) return 0
  return Math.min(Math.max(at - old.lastAt, 0), 2 * every)
}

/** The server's clock went back: what was later than now is taken for now, and completions are counted anew. */
function rewound(memory: MacMemory, at: number): MacMemory {
  if (memory.lastAt <= at) return memory
  const back = (time: number) => Math.min(time, at)
  return {
    ...memory,
    firstAt: back(memory.firstAt),
    lastAt: at,
    since: back(memory.since),
    success: memory.success && { at: back(memory.success.at), completed: back(memory.success.completed) },
    tries: memory.tries && { first: back(memory.tries.first), last: back(memory.tries.last) },
    bundles: memory.bundles.map((bundle) => rewoundBundle(bundle, at)),
  }
}

/** Those that are there, and of the gone ones those whose loss is still to be told. */
function kept(bundles: readonly BundleMemory[], success: number, at: number): BundleMemory[] {
  return bundles
    .filter(({ lost }) => lost === null || success <= lost || at - lost < lostFor)
    .sort((a, b) => b.seenAt - a.seenAt)
    .slice(0, mostBundles)
}
