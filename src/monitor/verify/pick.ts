import { faultOf, type Ledger } from './ledger.ts'

/** Which bands are to be read, in this order. */
export interface Picked {
  /** Those never read first, then those read longest ago: so all have their turn, whatever was missed between. */
  fresh: number[]
  /** Those with a fault, to see whether they are well again; they come last, for they may take long. */
  faulty: number[]
  /** Numbers that are remembered and no longer there. */
  gone: number[]
}

/**
 * @param listed numbers of the bands that lie there
 * @param isWhole whether those are all
 */
export function pick(listed: readonly number[], ledger: Ledger, isWhole: boolean): Picked {
  const fresh: { band: number; day: number }[] = []
  const faulty: number[] = []
  for (const band of listed) {
    const at = ledger.find(band)
    const day = at === undefined ? -1 : ledger.day(at)
    if (faultOf(day)) faulty.push(band)
    else fresh.push({ band, day })
  }
  fresh.sort((a, b) => a.day - b.day || a.band - b.band)
  const gone: number[] = []
  if (isWhole) {
    const here = new Set(listed)
    for (let at = 0; at < ledger.count; at++) if (!here.has(ledger.band(at))) gone.push(ledger.band(at))
  }
  return { fresh: fresh.map(({ band }) => band), faulty, gone }
}
