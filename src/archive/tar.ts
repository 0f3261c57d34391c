import { packTar, unpackTar } from 'modern-tar'
import { TmgenError } from '../errors.ts'
import { printable } from '../ui/printable.ts'
import { isPlace } from './places.ts'
import type { ArchivedFile } from './types.ts'

/** Largest backup, in bytes: 1,000 nodes have some 20 MiB, an embedded Headscale's database some more. */
export const mostBytes = 256 * 1024 * 1024
/** Most files: 1,000 people have about 10,000. */
export const mostFiles = 50_000
/** Name of the entry that tells what the backup is. */
export const aboutName = 'tmgen-backup.json'

/**
 * The files as a tar archive, so that `age -d FILE | tar t` can read it without tmgen. The same files give the same
 * bytes.
 * @param about text of the first entry
 */
export async function pack(about: string, files: readonly ArchivedFile[]): Promise<Uint8Array> {
  const text = Buffer.from(about)
  const entries = [{ path: aboutName, content: text }, ...files]
  return packTar(
    entries.map(({ path, content }) => ({
      header: { name: path, size: content.length, type: 'file', mode: 0o600, uid: 0, gid: 0, mtime: new Date(0) },
      body: content,
    })),
  )
}

const refuse = (why: string, cause?: unknown) =>
  new TmgenError('backup', `the backup is not as tmgen writes it: ${why}`, {
    hint: 'nothing was written; take another backup file',
    ...(cause === undefined ? {} : { cause }),
  })

/**
 * The entries of a tar archive, which may be anybody's: regular files alone, each once, at places that a workspace has,
 * none of them the folder of another.
 * @returns the text of the first entry, and the files
 * @throws TmgenError `backup`
 */
export async function unpack(bytes: Uint8Array): Promise<{ about: string; files: ArchivedFile[] }> {
  if (bytes.length > mostBytes + mostFiles * 1024) throw refuse('it is too large')
  const entries = await unpackTar(bytes, { strict: true }).catch((cause) => {
    throw refuse('it is no tar archive, or cut short', cause)
  })
  if (entries.length > mostFiles) throw refuse(`it has more than ${mostFiles} files`)
  const [first, ...rest] = entries
  if (first?.header.name !== aboutName || first.header.type !== 'file' || first.data === undefined)
    throw refuse(`it does not begin with ${aboutName}`)
  const seen = new Set<string>()
  const files = rest.map(({ header, data }) => {
    const { name, size, type } = header
    if (type !== 'file') throw refuse(`${printable(name)} is no regular file`)
    if (!isPlace(name)) throw refuse(`${printable(name)} has no place in a workspace`)
    if (seen.has(name)) throw refuse(`${printable(name)} is there twice`)
    const content = data ?? new Uint8Array()
    if (content.length !== size) throw refuse(`${printable(name)} is cut short`)
    seen.add(name)
    return { path: name, content }
  })
  for (const { path } of files)
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1))
      if (seen.has(path.slice(0, at))) throw refuse(`${printable(path.slice(0, at))} is a file and a folder`)
  return { about: new TextDecoder().decode(first.data), files }
}
