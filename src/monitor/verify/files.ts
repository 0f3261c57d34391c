import { historyFile, isIncomplete, machineFile, maxHistory, maxSmall } from '../../backups/bundle.ts'
import { historyOf, machineOf, soundInfoOf } from '../../backups/contents.ts'
import { type Plist, PlistFault, parsePlist } from '../../backups/plist.ts'
import { TmgenError } from '../../errors.ts'
import { printable } from '../../ui/printable.ts'
import type { ForeignFolder } from '../../world.ts'
import { most } from '../observation/bounds.ts'

/** What the property lists and the token of a bundle say. */
export interface Files {
  /** What is wrong with them, a line each. */
  notes: string[]
  /** Bytes; `undefined`: Info.plist does not say. */
  bandSize: number | undefined
  size: number | undefined
}

/** A Mac that is just writing has a plist half-written, or gone for a moment: asked again so often, after so long (ms). */
const again = { times: 5, after: 1000 }

/** Reads a bundle's property lists and token to their end. @param pause waits, in ms */
export async function checkFiles(
  folder: ForeignFolder,
  name: string,
  pause: (ms: number) => Promise<unknown>,
): Promise<Files> {
  let files = await look(folder, name)
  for (let time = 0; time < again.times && files.notes.length > 0; time++) {
    await pause(again.after)
    files = await look(folder, name)
  }
  return files
}

async function look(folder: ForeignFolder, name: string): Promise<Files> {
  const notes: string[] = []
  const note = (file: string, why: string) => notes.push(printable(`${file}: ${why}`).slice(0, most.noteLength))
  const read = async <T>(file: string, maxBytes: number, use: (bytes: Uint8Array) => T, isNeeded: boolean) => {
    try {
      if ((await folder.stat(file)) === undefined) {
        if (isNeeded) note(file, 'it is not there')
        return undefined
      }
      const bytes = await folder.read(file, maxBytes)
      if (bytes === undefined) throw new PlistFault('no regular file of a sensible size')
      return use(bytes)
    } catch (error) {
      if (!(error instanceof PlistFault || error instanceof TmgenError)) throw error
      note(file, error instanceof PlistFault ? error.message : 'it cannot be read')
      return undefined
    }
  }
  const plist =
    <T>(use: (value: Plist) => T) =>
    (bytes: Uint8Array) =>
      use(parsePlist(bytes))
  // A bundle whose first backup is not complete may be in the making.
  const isNeeded = !isIncomplete(name)
  const info = await read('Info.plist', maxSmall, plist(soundInfoOf), isNeeded)
  await read('token', maxSmall, () => undefined, isNeeded)
  await read(machineFile, maxSmall, plist(machineOf), false)
  await read(
    historyFile,
    maxHistory,
    plist((value) => historyOf(value, new Date(0))),
    false,
  )
  return { notes, bandSize: info?.bandSize, size: info?.size }
}
