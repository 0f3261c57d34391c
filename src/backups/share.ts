import type { ForeignFolder, World } from '../world.ts'
import type { CountedBands } from './bands.ts'
import { type Bundle, isBundle, readBundle } from './bundle.ts'

/** What lies in the share of one Mac. */
export interface ShareLook {
  bundles: Bundle[]
  /** The newest time of its bundles and of the share itself; `undefined` while it is empty. */
  lastWrite: Date | undefined
  notes: string[]
}

/** Entries of a share that are looked through for bundles, and bundles that are looked at; a Mac makes one. */
const mostNames = 1000
export const mostBundles = 4

/** The names of the bundles in an open share that are looked at, and what is left out. */
export async function bundleNames(share: ForeignFolder): Promise<{ names: string[]; empty: boolean; notes: string[] }> {
  const { names, more } = await share.names(mostNames)
  const found = names.filter(isBundle).sort()
  const notes: string[] = []
  if (more) notes.push(`more than ${mostNames} entries: bundles among the others were not looked for`)
  if (found.length > mostBundles) notes.push(`${found.length} bundles, of which ${mostBundles} were looked at`)
  return { names: found.slice(0, mostBundles), empty: names.length === 0, notes }
}

/**
 * Looks at an open share, bounded in everything: what lies there was written by others.
 * @param counted what is known of the bands of each bundle, by name
 */
export async function readShare(
  share: ForeignFolder,
  now: Date,
  counted: ReadonlyMap<string, CountedBands> = new Map(),
): Promise<ShareLook> {
  const { names, empty, notes: left } = await bundleNames(share)
  const bundles: Bundle[] = []
  for (const name of names) {
    const bundle = await share.folder(name, (inner) => readBundle(inner, name, now, counted.get(name)))
    if (bundle) bundles.push(bundle)
  }
  const notes = [...bundles.flatMap((bundle) => bundle.notes), ...left]
  const times = [share.modified, ...bundles.map((bundle) => bundle.lastWrite)]
  const lastWrite = new Date(Math.max(...times.map((time) => time.getTime())))
  return { bundles, lastWrite: empty ? undefined : lastWrite, notes }
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
