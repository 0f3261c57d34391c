import type { ForeignFolder } from '../../world.ts'
import type { Round } from './bundle.ts'
import { type BandRecord, type Ledger, short, unread } from './ledger.ts'

/** What came of one band. */
export interface BandFound {
  outcome: 'told' | 'busy' | 'gone'
  /** What is to be remembered of it. */
  record?: BandRecord
  /** What is wrong with it; `''`: nothing. */
  why: string
  /** Bytes that were read. */
  bytes: number
}

/** Two writes within a tick of the kernel's clock leave the same ctime: what is younger than this, in ms, is not hashed. */
const settled = 2_000
/** That it is alive is told as often as this, in ms, while one band is read. */
const beat = 5_000

/**
 * Reads one band to its end. Its hash is compared with the last one only where size, mtime and ctime are as they were:
 * clients can set mtime over SMB, and Samba does when a file is closed, so that mtime alone is no witness.
 */
export async function checkBand(
  bands: ForeignFolder,
  band: number,
  ledger: Ledger,
  { day, clock, say, maxBytes, bundle }: Pick<Round, 'day' | 'clock' | 'say'> & { maxBytes: number; bundle: string },
): Promise<BandFound> {
  const name = band.toString(16)
  const at = ledger.find(band)
  const known = at === undefined ? undefined : ledger.record(at)
  const begun = clock()
  say({ reading: { bundle, band: name } })
  let last = begun
  const found = await bands.digest(name, maxBytes, () => {
    if (clock() - last < beat) return
    last = clock()
    say({ reading: { bundle, band: name } })
  })
  const faulty = (fault: 'rot' | 'unreadable' | 'oversize', why: string, bytes = 0): BandFound => ({
    outcome: 'told',
    // What was known stays: it tells when the band is well again.
    record: { ...(known ?? unread(band)), day: fault },
    why,
    bytes,
  })
  switch (found.outcome) {
    case 'gone':
      return { outcome: 'gone', why: '', bytes: 0 }
    case 'busy':
      return { outcome: 'busy', why: '', bytes: 0 }
    case 'over':
      return faulty('oversize', `it has ${found.size} bytes, and a band has ${maxBytes} at most`)
    case 'faulty':
      return faulty('unreadable', found.why)
  }
  const { size: bytes, hash } = found
  if (Math.abs(begun - found.changed.getTime()) <= settled) return { outcome: 'busy', why: '', bytes }
  const record: BandRecord = { band, day, stamp: short(found.stamp), hash: short(hash) }
  if (known && same(known.stamp, record.stamp) && !same(known.hash, record.hash))
    return faulty('rot', 'nobody wrote to it since it was last read, and its content is another', bytes)
  return { outcome: 'told', record, why: '', bytes }
}

const same = (one: Uint8Array, other: Uint8Array) => Buffer.compare(one, other) === 0
