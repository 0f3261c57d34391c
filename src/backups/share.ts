import type { World } from '../world.ts'
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
const mostBundles = 4

/**
 * Looks at the share of one Mac, bounded in everything: what lies there was written by others.
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
  return world.disk.foreign(real, (folder) =>
    folder.folder(mac, async (share) => {
      const { names, more } = await share.names(mostNames)
      const bundles: Bundle[] = []
      const found = names.filter(isBundle).sort()
      for (const name of found.slice(0, mostBundles)) {
        const bundle = await share.folder(name, (inner) => readBundle(inner, name, now))
        if (bundle) bundles.push(bundle)
      }
      const notes = bundles.flatMap((bundle) => bundle.notes)
      if (more) notes.push(`more than ${mostNames} entries: bundles among the others were not looked for`)
      if (found.length > mostBundles) notes.push(`${found.length} bundles, of which ${mostBundles} were looked at`)
      const times = [share.modified, ...bundles.map((bundle) => bundle.lastWrite)]
      const lastWrite = new Date(Math.max(...times.map((time) => time.getTime())))
      return { bundles, lastWrite: names.length === 0 ? undefined : lastWrite, notes }
    }),
  )
}
