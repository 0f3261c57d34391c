import { TmgenError } from '../../errors.ts'
import { printable } from '../../ui/printable.ts'
import { knownOf, type ShareSeen } from '../observation/index.ts'
import { type ScanLimits, scanShare } from './run.ts'
import { type Stamp, stampOf } from './stamp.ts'

/** A share as the deployment names it. */
export interface WatchedShare {
  user: string
  mac: string
  /** The user's storage folder. */
  storage: string
}

interface Remembered {
  stamp: Stamp
  seen: ShareSeen
}

/** Bands that were not counted anew amid a backup are counted once it rests. */
function isExact(seen: ShareSeen): boolean {
  return seen.outcome === 'seen' && seen.bundles.every(({ bands }) => bands === null || bands.exact)
}

/** A stamp younger than this, in ms, may hide a change that came within the same tick of the clock. */
const settled = 2_000

/**
 * Looks at shares again and again. A share whose stamp is as before is told as before, and no scanner is started for it:
 * so what rests costs some lstat, whatever its size.
 */
export class ShareWatcher {
  readonly #limits: ScanLimits
  readonly #known = new Map<string, Remembered>()
  /** Scanners that were started. */
  scans = 0

  constructor(limits: ScanLimits) {
    this.#limits = limits
  }

  async look({ user, mac, storage }: WatchedShare, now: number): Promise<ShareSeen> {
    const key = `${user}/${mac}`
    const known = this.#known.get(key)
    let stamp: Stamp | undefined
    try {
      stamp = await stampOf(storage, mac, knownOf(known?.seen))
    } catch (error) {
      if (!(error instanceof TmgenError)) throw error
      this.#known.delete(key)
      return { outcome: 'unreadable', cause: printable(error.message).slice(0, 400) }
    }
    if (stamp === undefined) {
      this.#known.delete(key)
      return { outcome: 'absent' }
    }
    if (known?.stamp.hash === stamp.hash) return known.seen
    this.scans++
    const seen = await scanShare({ storage, mac, now, ...(known && { before: known.seen }) }, this.#limits)
    const isSettled = now - stamp.newest > settled && isExact(seen)
    // What is not settled is looked at again next time, but its count of bands may serve.
    if (seen.outcome === 'seen') this.#known.set(key, { stamp: isSettled ? stamp : { hash: '', newest: 0 }, seen })
    else this.#known.delete(key)
    return seen
  }

  /** Forgets shares that are no longer watched. */
  keepOnly(shares: readonly WatchedShare[]): void {
    const kept = new Set(shares.map(({ user, mac }) => `${user}/${mac}`))
    for (const key of this.#known.keys()) if (!kept.has(key)) this.#known.delete(key)
  }
}
