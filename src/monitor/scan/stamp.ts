import { createHash } from 'node:crypto'
import { bundleFiles, bundleNames, firstBands } from '../../backups/index.ts'
import { openForeign } from '../../converge/node-foreign.ts'
import type { ForeignFolder } from '../../world.ts'

/** What tells whether a share is as it was, without reading a byte of it. */
export interface Stamp {
  /** Over the ctimes, sizes and kinds of all that a look depends on. */
  hash: string
  /** The newest of those ctimes, ms since 1970. */
  newest: number
}

/** Files of a bundle whose times a look tells. */
const watched = [...bundleFiles, ...bundleFiles.map((name) => `${name}.tmp`), 'lock', 'mapped']

/**
 * Takes the stamp of a share: some thirty lstat a bundle, however many bands it has.
 * @param known names of bundles from the look before
 * @returns `undefined` where the share is not there
 * @throws TmgenError `disk` where it may not be looked at
 */
export async function stampOf(storage: string, mac: string, known: readonly string[] = []): Promise<Stamp | undefined> {
  return openForeign(storage, (folder) =>
    folder.folder(mac, async (share) => {
      const parts: (string | number)[] = [share.changed.getTime(), String(share.modified.getTime())]
      const { names } = await bundleNames(share, known)
      for (const name of names) {
        parts.push(name)
        await share.folder(name, async (bundle) => {
          parts.push(bundle.changed.getTime(), String(bundle.modified.getTime()))
          parts.push(...(await timesOf(bundle, watched)))
          await bundle.folder('bands', async (bands) => {
            parts.push(bands.changed.getTime(), String(bands.modified.getTime()), ...(await timesOf(bands, firstBands)))
          })
        })
      }
      const hash = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)
      return { hash, newest: Math.max(...parts.filter((part) => typeof part === 'number')) }
    }),
  )
}

async function timesOf(folder: ForeignFolder, names: readonly string[]): Promise<(string | number)[]> {
  const parts: (string | number)[] = []
  for (const name of names) {
    const entry = await folder.stat(name)
    // The modified time is in the future where the Mac's clock is; as a string it is not taken for the newest.
    if (entry)
      parts.push(name, entry.kind, String(entry.size), String(entry.modified.getTime()), entry.changed.getTime())
  }
  return parts
}
