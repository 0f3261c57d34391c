import * as fs from 'node:fs'
import { TmgenError } from '../errors.ts'
import type { EntryKind, ForeignFolder } from '../world.ts'
import { digestFile } from './node-digest.ts'

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = fs.constants
/** Gone, or not what it was taken for (a link, a file, a socket): all the same to who looks. */
const absent = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'ESTALE']
/** Entries taken from the kernel at a time. */
const bufferSize = 1024

function unlessAbsent<T>(path: string, action: () => T): T | undefined {
  try {
    return action()
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (absent.includes(code)) return undefined
    const why = code === 'EACCES' || code === 'EPERM' ? 'permission denied' : code || String(error)
    throw new TmgenError('disk', `cannot look at ${path}: ${why}`, { cause: error })
  }
}

/** See Disk.foreign. Linux only: a name is looked up below the open folder itself, so that no exchange on the way counts. */
export async function openForeign<T>(path: string, use: (folder: ForeignFolder) => Promise<T>): Promise<T | undefined> {
  if (process.platform !== 'linux') throw new TmgenError('disk', `cannot look at ${path}: that needs Linux`)
  return within(path, path, use)
}

/** @param shown the path that messages name */
async function within<T>(path: string, shown: string, use: (folder: ForeignFolder) => Promise<T>) {
  const fd = unlessAbsent(shown, () => fs.openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK))
  if (fd === undefined) return undefined
  try {
    return await use(folderOf(fd, shown))
  } finally {
    fs.closeSync(fd)
  }
}

function folderOf(fd: number, shown: string): ForeignFolder {
  const base = `/proc/self/fd/${fd}`
  const at = (name: string) => {
    if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0'))
      throw new RangeError('a single name is wanted')
    return `${base}/${name}`
  }
  const below = (name: string) => `${shown}/${name}`
  /** Calls `take` with each name until it says `false`. */
  const each = (take: (name: string) => boolean) => {
    const open = unlessAbsent(shown, () => fs.opendirSync(base, { bufferSize }))
    if (!open) return
    try {
      for (let entry = open.readSync(); entry !== null; entry = open.readSync()) if (!take(entry.name)) return
    } finally {
      open.closeSync()
    }
  }
  const { mtime, ctime } = fs.fstatSync(fd)
  return {
    modified: mtime,
    changed: ctime,
    names: async (most) => {
      const names: string[] = []
      let more = false
      each((name) => {
        more = names.length >= most
        if (!more) names.push(name)
        return !more
      })
      return { names, more }
    },
    count: async (pattern, most) => {
      let count = 0
      each((name) => {
        if (pattern.test(name)) count++
        return count < most
      })
      return count
    },
    stat: async (name) => {
      const found = unlessAbsent(below(name), () => fs.lstatSync(at(name)))
      return found && { kind: kindOf(found), size: found.size, modified: found.mtime, changed: found.ctime }
    },
    read: async (name, maxBytes) =>
      unlessAbsent(below(name), () => {
        if (!fs.lstatSync(at(name)).isFile()) return undefined
        return readBounded(at(name), maxBytes)
      }),
    digest: async (name, maxBytes, onBytes) => digestFile(at(name), maxBytes, onBytes),
    folder: (name, use) => within(at(name), below(name), use),
  }
}

/** The file may be exchanged or grow meanwhile: only what is open counts, and no byte more than the bound. */
function readBounded(path: string, maxBytes: number): Uint8Array | undefined {
  const fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  try {
    const entry = fs.fstatSync(fd)
    if (!entry.isFile() || entry.size > maxBytes) return undefined
    const buffer = Buffer.alloc(maxBytes + 1 < entry.size + 4096 ? maxBytes + 1 : entry.size + 4096)
    let size = 0
    for (;;) {
      const got = fs.readSync(fd, buffer, size, buffer.length - size, null)
      size += got
      if (got === 0) return buffer.subarray(0, size)
      if (size > maxBytes || size === buffer.length) return undefined
    }
  } finally {
    fs.closeSync(fd)
  }
}

function kindOf(entry: fs.Stats): EntryKind {
  return entry.isFile() ? 'file' : entry.isDirectory() ? 'directory' : entry.isSymbolicLink() ? 'symlink' : 'other'
}
