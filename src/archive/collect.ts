import { basename, join } from 'node:path'
import { TmgenError } from '../errors.ts'
import type { Disk, ForeignFolder } from '../world.ts'
import { deepest, folders, isLeftOut, isPlace, topFiles } from './places.ts'
import { mostBytes, mostFiles } from './tar.ts'
import type { ArchivedFile } from './types.ts'

/** SQLite's database and the log of what is not in it yet: only the two of one moment belong together. */
const database = ['db.sqlite', 'db.sqlite-wal'].map((name) => `state/headscale/${name}`)
/** Readings of both until nothing was written in between; a quiet Headscale writes every few seconds. */
const tries = 20

/**
 * All that a backup holds, read while the stack runs; no link is followed, for the gateway and Headscale write some of
 * it. Files that are written by a rename are whole at any time; the embedded Headscale's database is read until two
 * readings in a row are the same.
 * @returns the files by path, and notes of what was left out
 * @throws TmgenError `disk`; `busy` where the database does not stand still
 */
export async function collect(disk: Disk, dir: string): Promise<{ files: ArchivedFile[]; notes: string[] }> {
  const found: ArchivedFile[] = []
  const notes: string[] = []
  let left = mostBytes
  const keep = (path: string, content: Uint8Array | undefined) => {
    if (content === undefined) return // gone since it was listed
    left -= content.length
    if (left < 0 || found.length >= mostFiles) throw tooLarge()
    found.push({ path, content })
  }
  const visit = async (folder: ForeignFolder, at: string): Promise<void> => {
    if (at.split('/').length > deepest) return void notes.push(`not in the backup: ${at}, which is no folder of tmgen`)
    const { names } = await folder.names(mostFiles)
    for (const name of names.sort()) {
      const path = `${at}/${name}`
      const kind = isLeftOut(path) || database.includes(path) ? undefined : (await folder.stat(name))?.kind
      if (kind === 'directory') await folder.folder(name, (inner) => visit(inner, path))
      else if (kind === 'file' && isPlace(path)) keep(path, await readWhole(folder, name))
      else if (kind !== undefined) notes.push(`not in the backup: ${path}, which is no file of tmgen`)
    }
  }
  for (const path of topFiles)
    if ((await disk.stat(join(dir, path)))?.kind === 'file') keep(path, await disk.readFile(join(dir, path), mostBytes))
  for (const path of folders) await disk.foreign(join(dir, path), (folder) => visit(folder, path))
  const headscale = await disk.foreign(join(dir, 'state/headscale'), readDatabase)
  headscale?.forEach((content, i) => {
    keep(database[i] as string, content)
  })
  return { files: found.sort((a, b) => (a.path < b.path ? -1 : 1)), notes }
}

const tooLarge = () =>
  new TmgenError(
    'disk',
    `secrets/ and state/ hold too much for one backup: over ${mostBytes / 1024 ** 2} MiB, or ${mostFiles} files`,
  )

/** A file as it is at one moment; `undefined` where it is gone. Throws TmgenError `busy` for one that only grows. */
async function readWhole(folder: ForeignFolder, name: string): Promise<Uint8Array | undefined> {
  for (let left = tries; left > 0; left--) {
    const content = await folder.read(name, mostBytes)
    const entry = content ?? (await folder.stat(name))
    if (entry === undefined || content !== undefined) return content
    if ('size' in entry && Number(entry.size) > mostBytes) throw tooLarge()
  }
  throw new TmgenError('busy', `${name} grows while it is read`, { hint: 'run the backup again' })
}

/** Both files as they were at one moment: nothing was written between the last reading of the one and the next. */
export async function readDatabase(folder: ForeignFolder): Promise<(Uint8Array | undefined)[]> {
  const read = async () => {
    const contents: (Uint8Array | undefined)[] = []
    for (const path of database) contents.push(await readWhole(folder, basename(path)))
    return contents
  }
  const equal = (a: Uint8Array | undefined, b: Uint8Array | undefined) =>
    a === b || (a !== undefined && b !== undefined && Buffer.compare(a, b) === 0)
  let before = await read()
  for (let left = tries; left > 0; left--) {
    const now = await read()
    if (now.every((content, i) => equal(content, before[i]))) return now
    before = now
  }
  throw new TmgenError('busy', "the embedded Headscale's database changes all the time", {
    hint: 'docker compose stop headscale, then the backup, then docker compose start headscale',
  })
}
