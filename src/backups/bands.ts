import type { ForeignFolder } from '../world.ts'

/** The bands of a bundle. */
export interface Bands {
  count: number
  /** When they were counted. */
  countedAt: Date
  /** ctime of their folder at that time: it changes when a band is made or removed. */
  folderChanged: Date
  /** Whether none was made or removed since. */
  exact: boolean
  /** The newest ctime of the folder and of the first bands: by the server's clock when something was last written. */
  changed: Date
  /** The newest time of the folder and of the first bands, as the Mac may have set it. */
  lastWrite: Date
}

/** A count from before, to be used again. */
export type CountedBands = Pick<Bands, 'count' | 'countedAt' | 'folderChanged'>

/** Bands that are counted: 8 TiB at macOS' 8 MiB a band. */
const mostBands = 2 ** 20
/** An APFS volume writes its checkpoints near its beginning, so one of these changes with every backup. */
export const firstBands: readonly string[] = Array.from({ length: 16 }, (_none, index) => index.toString(16))
/** A change that came so shortly after the count, in ms, may have left the folder's time as it was (a tick is 4 ms). */
const tooClose = 1000
/** While a backup runs the folder changes all the time: an older count serves for so long, in ms. */
const recountAfter = 15 * 60_000

/** Looks at the open folder of the bands. All of them are walked only where `before` no longer tells their number. */
export async function readBands(folder: ForeignFolder, now: Date, before: CountedBands | undefined): Promise<Bands> {
  const reuse = before !== undefined && serves(before, folder.changed, now)
  const counted = reuse
    ? before
    : { count: await folder.count(/^[0-9a-f]{1,16}$/, mostBands), countedAt: now, folderChanged: folder.changed }
  let changed = folder.changed
  let lastWrite = folder.modified
  for (const name of firstBands) {
    const entry = await folder.stat(name)
    if (!entry) continue
    if (entry.changed > changed) changed = entry.changed
    if (entry.modified > lastWrite) lastWrite = entry.modified
  }
  const exact = counted.folderChanged.getTime() === folder.changed.getTime()
  return { ...counted, exact, changed, lastWrite }
}

function serves({ countedAt, folderChanged }: CountedBands, changed: Date, now: Date): boolean {
  const age = now.getTime() - countedAt.getTime()
  if (age < 0) return false
  const same = folderChanged.getTime() === changed.getTime()
  if (same && countedAt.getTime() - folderChanged.getTime() > tooClose) return true
  return !same && age < recountAfter
}
