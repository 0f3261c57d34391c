import type { ForeignFolder, World } from '../world.ts'
import type { CountedBands } from './bands.ts'
import { type Bundle, isBundle, readBundle } from './bundle.ts'

/** What lies in the share of one Mac. */
export interface ShareLook {
  bundles: Bundle[]
  /** The newest time of its bundles and of the share itself; `undefined` while it is empty. */
  lastWrite: Date | undefined
  notes: string[]
  partial?: PartialLook
}

/** There is, or may be, more than was looked at. */
export interface PartialLook {
  /** Bundles that were known before and are not there any more; of others that are not seen nobody knows. */
  gone: string[]
}

/** Entries of a share that are looked through for bundles, and bundles that are looked at; a Mac makes one. */
const mostNames = 1000
export const mostBundles = 4

/** What of a share is looked at, and what is left out. */
interface Chosen {
  names: string[]
  empty: boolean
  notes: string[]
  partial?: PartialLook
}

/**
 * The names of the bundles in an open share that are looked at: of too many those that were written last.
 * @param known names from a look before: they are found however much lies beside them
 */
export async function bundleNames(share: ForeignFolder, known: readonly string[] = []): Promise<Chosen> {
  const { names, more } = await share.names(mostNames)
  const listed = names.filter(isBundle).sort()
  const empty = names.length === 0
  if (!more && listed.length <= mostBundles) return { names: listed, empty, notes: [] }
  const written = await writtenAt(share, [...listed, ...known.filter(isBundle).flatMap((name) => [name, whole(name)])])
  const found = [...written.keys()].sort((a, b) => (written.get(b) ?? 0) - (written.get(a) ?? 0))
  if (!more && found.length <= mostBundles) return { names: found.sort(), empty, notes: [] }
  const notes: string[] = []
  if (more) notes.push(`more than ${mostNames} entries: bundles among the others were not looked for`)
  if (found.length > mostBundles) notes.push(`${found.length} bundles, of which ${mostBundles} were looked at`)
  const gone = known.filter((name) => !written.has(name) && !written.has(whole(name)))
  return { names: found.slice(0, mostBundles).sort(), empty, notes, partial: { gone } }
}

/** What a bundle is called once its first backup is complete. */
const whole = (name: string) => name.replace(/\.incomplete$/, '')

/** When each of those that are there was written last, by the server's clock. */
async function writtenAt(share: ForeignFolder, names: readonly string[]): Promise<Map<string, number>> {
  const written = new Map<string, number>()
  for (const name of new Set(names)) {
    const at = await share.folder(name, async (bundle) => {
      const bands = await bundle.stat('bands')
      return Math.max(bundle.changed.getTime(), bands?.changed.getTime() ?? 0)
    })
    if (at !== undefined) written.set(name, at)
  }
  return written
}

/**
 * Looks at an open share, bounded in everything: what lies there was written by others.
 * @param counted what is known of the bands of each bundle, by name
 * @param known names from a look before
 */
export async function readShare(
  share: ForeignFolder,
  now: Date,
  counted: ReadonlyMap<string, CountedBands> = new Map(),
  known: readonly string[] = [],
): Promise<ShareLook> {
  const { names, empty, notes: left, partial } = await bundleNames(share, known)
  const bundles: Bundle[] = []
  for (const name of names) {
    const bundle = await share.folder(name, (inner) => readBundle(inner, name, now, counted.get(name)))
    if (bundle) bundles.push(bundle)
  }
  const notes = [...bundles.flatMap((bundle) => bundle.notes), ...left]
  const times = [share.modified, ...bundles.map((bundle) => bundle.lastWrite)]
  const lastWrite = new Date(Math.max(...times.map((time) => time.getTime())))
  return { bundles, lastWrite: empty ? undefined : lastWrite, notes, ...(partial && { partial }) }
}

/**
 * Looks at the share of one Mac.
 * @param storage the user's storage folder
 * @returns `undefined` where the share is not made yet
 * @throws TmgenError `disk` where it may not be read
 */
export async function lookAtShare(
  world: World,
  storage: string,
  mac: string,
  now: Date,
): Promise<ShareLook | undefined> {
  const real = await world.disk.realpath(storage)
  if (real === undefined) return undefined
  return world.disk.foreign(real, (folder) => folder.folder(mac, (share) => readShare(share, now)))
}
