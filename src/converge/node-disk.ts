import * as fs from 'node:fs'
import { dirname } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { TmgenError } from '../errors.ts'
import { type Disk, type Entry, type Space, tempOf } from '../world.ts'
import { emptyFolder } from './node-empty.ts'
import { openForeign } from './node-foreign.ts'
import { withRoom } from './reserve.ts'

/** Largest file that is read without being told a limit, in bytes: generated files and build contexts are far smaller. */
const defaultMaxBytes = 64 * 1024 * 1024

const hints: Record<string, string> = {
  ENOSPC: 'the disk is full; nothing is half written: free some space and run the command again',
  EDQUOT: 'the disk quota is used up; nothing is half written: free some space and run the command again',
  EROFS: 'the filesystem is read-only; mount it writable and run the command again',
  EACCES: 'run tmgen as the owner of that folder',
  EPERM: 'run tmgen as the owner of that folder',
}

const reasons: Record<string, string> = {
  ENOSPC: 'no space left on the disk',
  EDQUOT: 'disk quota used up',
  EROFS: 'read-only filesystem',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  ENOTDIR: 'a part of the path is not a folder',
  EISDIR: 'is a folder',
  ENOENT: 'the folder does not exist',
  ELOOP: 'is a symbolic link',
  EIO: 'input/output error',
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? ''
}

function fault(verb: string, path: string, error: unknown): TmgenError {
  const code = codeOf(error)
  const hint = hints[code]
  return new TmgenError('disk', `cannot ${verb} ${path}: ${reasons[code] ?? (code || String(error))}`, {
    ...(hint === undefined ? {} : { hint }),
    cause: error,
  })
}

/** Runs `action`; the codes in `absent` become undefined, every other fault a TmgenError `disk`. */
function attempt<T>(verb: string, path: string, absent: string[], action: () => T): T | undefined {
  try {
    return action()
  } catch (error) {
    if (absent.includes(codeOf(error))) return undefined
    throw error instanceof TmgenError ? error : fault(verb, path, error)
  }
}

/** Runs `use` on an open file and closes it. */
function withFile<T>(path: string, flags: number, use: (fd: number) => T): T {
  const fd = fs.openSync(path, flags, 0o600)
  try {
    return use(fd)
  } finally {
    fs.closeSync(fd)
  }
}

const missing = ['ENOENT', 'ENOTDIR']
const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NONBLOCK, O_DIRECTORY } = fs.constants

function readFile(path: string, maxBytes = defaultMaxBytes): Uint8Array | undefined {
  return attempt('read', path, missing, () =>
    // O_NONBLOCK: opening a FIFO that somebody put there must not hang.
    withFile(path, O_RDONLY | O_NONBLOCK, (fd) => {
      const entry = fs.fstatSync(fd)
      if (!entry.isFile()) throw new TmgenError('disk', `cannot read ${path}: it is not a regular file`)
      if (entry.size > maxBytes) throw new TmgenError('disk', `cannot read ${path}: larger than ${maxBytes} bytes`)
      return fs.readFileSync(fd)
    }),
  )
}

function stat(path: string): Entry | undefined {
  const s = attempt('look at', path, missing, () => fs.lstatSync(path, { throwIfNoEntry: false }))
  if (s === undefined) return undefined
  const kind = s.isFile() ? 'file' : s.isDirectory() ? 'directory' : s.isSymbolicLink() ? 'symlink' : 'other'
  return { kind, mode: s.mode & 0o7777, uid: s.uid, gid: s.gid, size: s.size }
}

/** As root, what is made belongs to the owner of the folder it is made in: the gateway runs as that owner. */
function inherit(path: string): void {
  if (process.geteuid?.() !== 0) return
  const parent = fs.lstatSync(dirname(path))
  if (parent.uid !== 0 || parent.gid !== 0) fs.lchownSync(path, parent.uid, parent.gid)
}

function space(path: string): Space | undefined {
  return attempt('look at', path, missing, () => {
    const { type, bsize, blocks, bavail } = fs.statfsSync(path)
    return { type, total: bsize * blocks, free: bsize * bavail, device: fs.statSync(path).dev }
  })
}

const syncDir = (path: string): void => withFile(path, O_RDONLY | O_DIRECTORY, (fd) => fs.fsyncSync(fd))

function writeFile(path: string, content: Uint8Array | string, mode: number): void {
  const temp = tempOf(path)
  try {
    withRoom(path, () => {
      // What a killed run left there goes first; O_EXCL then follows no link.
      attempt('remove', temp, missing, () => fs.unlinkSync(temp))
      withFile(temp, O_WRONLY | O_CREAT | O_EXCL, (fd) => {
        fs.writeFileSync(fd, content)
        fs.fchmodSync(fd, mode)
        inherit(temp)
        fs.fsyncSync(fd)
      })
      fs.renameSync(temp, path)
    })
    syncDir(dirname(path))
  } catch (error) {
    try {
      fs.unlinkSync(temp)
    } catch {
      // It was not made, or is renamed already.
    }
    throw error instanceof TmgenError ? error : fault('write', path, error)
  }
}

function makeDir(path: string, mode: number): void {
  attempt('make', path, ['EEXIST'], () => {
    withRoom(path, () => fs.mkdirSync(path, { mode }))
    fs.chmodSync(path, mode)
    inherit(path)
    syncDir(dirname(path))
  })
  if (stat(path)?.kind !== 'directory') throw new TmgenError('disk', `cannot make ${path}: something else is there`)
}

function rename(from: string, to: string): boolean {
  if (stat(to) !== undefined) throw new TmgenError('disk', `cannot move ${from} to ${to}: something is there already`)
  const done = attempt('move', from, ['EXDEV', 'EBUSY'], () => {
    fs.renameSync(from, to)
    return true
  })
  if (done === undefined) return false
  attempt('move', from, [], () => {
    syncDir(dirname(to))
    syncDir(dirname(from))
  })
  return true
}

/**
 * The real disk. The calls are synchronous inside: tens of thousands of small ones (1,000 users) cost a tenth of what
 * they do through Node's thread pool. Each write lets signals and the progress display have their turn.
 */
export const nodeDisk: Disk = {
  readFile: async (path, maxBytes) => readFile(path, maxBytes),
  stat: async (path) => stat(path),
  list: async (path) => attempt('list', path, missing, () => fs.readdirSync(path).sort()),
  realpath: async (path) => attempt('resolve', path, missing, () => fs.realpathSync.native(path)),
  canWrite: async (directory) => {
    try {
      fs.accessSync(directory, fs.constants.W_OK | fs.constants.X_OK)
      return true
    } catch {
      return false
    }
  },
  writeFile: async (path, content, mode) => {
    await setImmediate()
    writeFile(path, content, mode)
  },
  makeDir: async (path, mode) => makeDir(path, mode),
  chmod: async (path, mode) => attempt('change the mode of', path, [], () => fs.chmodSync(path, mode)),
  chown: async (path, uid, gid) => attempt('give away', path, [], () => fs.lchownSync(path, uid, gid)),
  rename: async (from, to) => rename(from, to),
  removeFile: async (path) => attempt('remove', path, missing, () => fs.unlinkSync(path)),
  removeEmptyDir: async (path) =>
    attempt('remove', path, [...missing, 'ENOTEMPTY', 'EEXIST'], () => fs.rmdirSync(path)),
  space: async (path) => space(path),
  foreign: openForeign,
  empty: emptyFolder,
}
