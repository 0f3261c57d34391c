import type { BundleSeen, MacLook, ShareSeen } from '../../../src/monitor/observation/index.ts'
import { advance, judge, type MacMemory, type MacState, type Policy } from '../../../src/monitor/rules/index.ts'

export const minute = 60_000
export const hour = 60 * minute
export const day = 24 * hour
/** Day 0 of every story. */
export const start = Date.parse('2026-03-02T00:00:00Z')

export const policy: Policy = {
  enabled: true,
  every: 5 * minute,
  stale: 72 * hour,
  first: 7 * day,
  failing: 24 * hour,
  online: 8 * hour,
  away: 30 * day,
  shrunk: 40,
}

/** A Mac's bundle and the clock, moved on by a story. */
export class Story {
  now = start
  present: boolean | null = true
  /** What Samba says. */
  open: boolean | null = null
  wrote: number | null = null
  share: ShareSeen = { outcome: 'seen', bundles: [], notes: [] }
  memory: MacMemory | undefined
  /** Looks as they were taken. */
  readonly looks: { look: MacLook; present: boolean | null }[] = []
  readonly states: MacState[] = []
  readonly lines: string[] = []
  #label: string | undefined

  get bundle(): BundleSeen {
    if (this.share.outcome !== 'seen') throw new Error('no bundle is seen')
    const [bundle] = this.share.bundles
    if (!bundle) throw new Error('no bundle')
    return bundle
  }

  begin(name = 'Alice.sparsebundle.incomplete', bands = 100): this {
    const fresh: BundleSeen = {
      name,
      incomplete: name.endsWith('.incomplete'),
      listed: null,
      completed: [],
      future: 0,
      bands: { count: bands, countedAt: this.now, folderChanged: this.now, exact: true, changed: this.now },
      bandSize: 8 * 1024 * 1024,
      size: 2 ** 40,
      encrypted: false,
      token: '0'.repeat(16),
      machine: '1'.repeat(16),
      verification: 1,
      lastWrite: this.now,
      notes: [],
    }
    const others = this.share.outcome === 'seen' ? this.share.bundles : []
    this.share = { outcome: 'seen', bundles: [fresh, ...others], notes: [] }
    return this
  }

  edit(change: Partial<BundleSeen>): this {
    if (this.share.outcome === 'seen')
      this.share = { ...this.share, bundles: [{ ...this.bundle, ...change }, ...this.share.bundles.slice(1)] }
    return this
  }

  /** Bands are written now. */
  write(more = 1): this {
    const bands = this.bundle.bands!
    return this.edit({ bands: { ...bands, count: bands.count + more, changed: this.now } })
  }

  /** A backup completes now; the Mac's clock is off by `skew` ms. */
  complete(skew = 0): this {
    this.write()
    return this.claim(this.now + skew)
  }

  /** The history tells of a backup that ended at `time`. */
  claim(time: number): this {
    const completed = [...this.bundle.completed, time].sort((a, b) => a - b).slice(-64)
    return this.edit({
      name: this.bundle.name.replace('.incomplete', ''),
      incomplete: false,
      completed,
      listed: completed.length,
    })
  }

  look(): MacState {
    const look: MacLook = { at: this.now, share: this.share, open: this.open, wrote: this.wrote }
    this.looks.push({ look, present: this.present })
    this.memory = advance(this.memory, look, { every: policy.every, present: this.present })
    return this.judge()
  }

  /** Without a look. */
  judge(own: Partial<Policy> = {}): MacState {
    const who = { user: 'alice', mac: 'macbook', watchedSince: start }
    const state = judge(who, this.memory, { ...policy, ...own }, this.now)
    const line = ['ok', 'running'].includes(state.state) ? 'well' : `${state.state}: ${state.reason}`
    const label = line.split(':')[0]
    if (label !== this.#label) this.lines.push(`${this.at()}  ${line}`)
    this.#label = label
    this.states.push(state)
    return state
  }

  /** Goes on by `ms`, with a look each `step` and `each` done before it. */
  pass(
    ms: number,
    { step = policy.every, each = () => {} }: { step?: number; each?: (story: Story) => void } = {},
  ): this {
    for (let left = ms; left > 0; left -= step) {
      this.now += step
      each(this)
      this.look()
    }
    return this
  }

  at(): string {
    const since = this.now - start
    return `day ${String(Math.floor(since / day)).padStart(2)} ${new Date(this.now).toISOString().slice(11, 16)}`
  }
}
