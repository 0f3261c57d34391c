import { most } from '../observation/bounds.ts'
import type { BandFound } from './band.ts'
import { mostOfPart } from './bounds.ts'
import { type BandRecord, Ledger } from './ledger.ts'
import type { Line, Stand } from './part.ts'
import { standOf } from './stand.ts'

/** A part is told as often as this, in ms. */
const tellEvery = 10_000

/** What a round is about; see Round. */
export interface TallyOf {
  bundle: string
  ledger: Ledger
  since: number
  clock: () => number
  say: (line: Line) => void
}

/** What a round found at one bundle so far; tells it now and then. */
export class Tally {
  /** Numbers of the bands that lie there. */
  listed: readonly number[] = []
  /** Bands that are remembered and not there. */
  readonly gone = new Set<number>()
  /** What is wrong with plists and token. */
  readonly files: string[]
  bytes = 0
  #busy = 0
  #told: number
  #records: BandRecord[] = []
  readonly #newer = new Map<number, BandRecord>()
  readonly #why = new Map<number, string>()
  readonly #of: TallyOf

  constructor(of: TallyOf, files: string[]) {
    this.#of = of
    this.files = files
    this.#told = of.clock()
  }

  add(band: number, found: BandFound): void {
    this.bytes += found.bytes
    if (found.outcome === 'busy') this.#busy++
    if (found.outcome === 'gone') this.gone.add(band)
    if (found.record !== undefined) {
      this.#newer.set(band, found.record)
      this.#records.push(found.record)
      if (found.why !== '') this.#why.set(band, found.why)
    }
    if (this.#records.length >= mostOfPart || this.#of.clock() - this.#told >= tellEvery) this.tell(null)
  }

  /** Tells what was read and not told yet: a reader that is ended has told it. */
  flush(): void {
    if (this.#records.length > 0) this.tell(null)
  }

  /** @param ended why the round ended; null: it goes on */
  tell(ended: Stand['ended']): void {
    const { bundle, ledger, since, clock, say } = this.#of
    const known = { bundle, listed: this.listed, ledger, newer: this.#newer, why: this.#why, since }
    const own = { readBytes: this.bytes, busy: this.#busy, files: this.files.slice(0, most.notes), ended }
    const gone = ended === null ? [] : [...this.gone].slice(0, mostOfPart)
    const numbers = Buffer.alloc(gone.length * 4)
    for (const [at, band] of gone.entries()) numbers.writeUInt32BE(band, at * 4)
    const records = Ledger.of(this.#records).bytes.toString('base64')
    say({ part: { stand: { ...standOf(known), ...own }, records, gone: numbers.toString('base64') } })
    this.#records = []
    this.#told = clock()
  }
}
