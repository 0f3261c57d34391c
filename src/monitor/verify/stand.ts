import { mostExamples } from './bounds.ts'
import { type BandRecord, type Fault, faultKinds, faultOf, faults, type Ledger } from './ledger.ts'
import type { Stand } from './part.ts'

/** What is known of a bundle's bands now. */
export interface Known {
  bundle: string
  listed: readonly number[]
  ledger: Ledger
  /** Of this round. */
  newer: ReadonlyMap<number, BandRecord>
  why: ReadonlyMap<number, string>
  /** Day from which on a band counts as read lately. */
  since: number
}

const usual: Record<Fault, string> = {
  rot: 'its content is another than it was, and nobody wrote to it',
  unreadable: 'it cannot be read',
  oversize: 'it is larger than a band may be',
}

/** Counts them: how many were read lately, and what is wrong with the others. */
export function standOf({ bundle, listed, ledger, newer, why, since }: Known) {
  const counts = { rot: 0, unreadable: 0, oversize: 0 }
  const examples: Stand['examples'] = []
  let covered = 0
  for (const band of listed) {
    const day = dayOfBand(band, ledger, newer)
    if (day === undefined) continue
    const fault = faultOf(day)
    if (fault === undefined) {
      if (day >= since) covered++
      continue
    }
    counts[fault]++
    if (examples.length < mostExamples)
      examples.push({ band: band.toString(16), fault, why: why.get(band) ?? usual[fault] })
  }
  const read = [...newer.values()].filter(({ day }) => typeof day === 'number').length
  return { bundle, bands: listed.length, covered, read, faults: counts, examples }
}

function dayOfBand(band: number, ledger: Ledger, newer: Known['newer']): number | undefined {
  const record = newer.get(band)
  if (record) return typeof record.day === 'number' ? record.day : faults[record.day]
  const at = ledger.find(band)
  return at === undefined ? undefined : ledger.day(at)
}

/** Bands with a fault, of all kinds. */
export const faultyBands = ({ faults }: Pick<Stand, 'faults'>) =>
  faultKinds.reduce((sum, kind) => sum + faults[kind], 0)
