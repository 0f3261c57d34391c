import { bandSizes } from '../../backups/contents.ts'
import { TmgenError } from '../../errors.ts'
import type { ForeignFolder } from '../../world.ts'
import { type BandFound, checkBand } from './band.ts'
import { checkFiles } from './files.ts'
import { type Ledger, mostRecords } from './ledger.ts'
import type { Line } from './part.ts'
import { pick } from './pick.ts'
import { Tally } from './tally.ts'

/** What a round may use, and what it has at hand. */
export interface Round {
  /** Today, and the day from which on a band counts as read lately: days since 1970. */
  day: number
  since: number
  /** Bytes that may be read; a round reads one band at least. */
  bytes: number
  /** ms by `clock`: when it is to end. */
  until: number
  /** ms since 1970, of the server. */
  clock: () => number
  pause: (ms: number) => Promise<unknown>
  say: (line: Line) => void
}

/** Of bytes and time, what bands that had a fault may have at the end: they may take long. */
const forFaulty = 0.25

/** Reads files and bands of the open bundle `folder`, those bands first that were read longest ago. @returns bytes read */
export async function checkBundle(
  folder: ForeignFolder,
  bundle: string,
  ledger: Ledger,
  round: Round,
): Promise<number> {
  const { clock, say, since } = round
  const files = await checkFiles(folder, bundle, round.pause)
  const tally = new Tally({ bundle, ledger, since, clock, say }, files.notes)
  const ended = await folder.folder('bands', async (bands) => {
    const { names, more } = await bands.names(mostRecords)
    tally.listed = names.flatMap(numberOf)
    const { fresh, faulty, gone } = pick(tally.listed, ledger, !more)
    for (const band of gone) tally.gone.add(band)
    tally.files.push(...beyond(tally.listed, files))
    const begun = clock()
    const part = 1 - (faulty.length > 0 ? forFaulty : 0)
    const first = { ...round, bytes: round.bytes * part, until: begun + (round.until - begun) * part }
    const maxBytes = files.bandSize ?? bandSizes.to
    const one = (band: number) => checkBand(bands, band, ledger, { ...round, maxBytes, bundle })
    const end = await readSome(bands, fresh, first, tally, one)
    // What had a fault may end the reader.
    if (faulty.length > 0) tally.flush()
    const last = await readSome(bands, faulty, round, tally, one)
    return end === 'whole' ? last : end
  })
  if (ended === undefined && files.bandSize !== undefined) tally.files.push('bands: the folder is not there')
  tally.tell(ended ?? 'whole')
  return tally.bytes
}

/** Reads bands in this order, within bytes and time; @returns why it ended */
async function readSome(
  bands: ForeignFolder,
  wanted: readonly number[],
  { bytes, until, clock }: Pick<Round, 'bytes' | 'until' | 'clock'>,
  tally: Tally,
  one: (band: number) => Promise<BandFound>,
): Promise<'whole' | 'bytes' | 'time'> {
  for (const band of wanted) {
    if (clock() >= until) return 'time'
    if (tally.bytes > 0 && tally.bytes + (await sizeOf(bands, band)) > bytes) return 'bytes'
    tally.add(band, await one(band))
  }
  return 'whole'
}

/** What cannot even be looked at is told when it is to be read. */
async function sizeOf(bands: ForeignFolder, band: number): Promise<number> {
  try {
    return (await bands.stat(band.toString(16)))?.size ?? 0
  } catch (error) {
    if (error instanceof TmgenError) return 0
    throw error
  }
}

/** The number of a band; names that no Mac writes are none. */
function numberOf(name: string): number[] {
  return /^(0|[1-9a-f][0-9a-f]{0,7})$/.test(name) ? [Number.parseInt(name, 16)] : []
}

function beyond(
  listed: readonly number[],
  { size, bandSize }: { size: number | undefined; bandSize: number | undefined },
) {
  if (size === undefined || bandSize === undefined) return []
  const last = listed.reduce((most, band) => (band > most ? band : most), -1)
  return last * bandSize < size ? [] : [`Info.plist: band ${last.toString(16)} lies beyond the size that it tells`]
}
