import { constants } from 'node:fs'
import * as fs from 'node:fs/promises'
import { dirname } from 'node:path'
import { TmgenError } from '../errors.ts'
import { type Disk, type Entry, tempOf } from '../world.ts'

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
async function attempt<T>(verb: string, path: string, absent: string[], action: () => Promise<T>) {
  try {
    return await action()
  } catch (error) {
    if (absent.includes(codeOf(error))) return undefined
    throw error instanceof TmgenError ? error : fault(verb, path, error)
  }
}

const missing = ['ENOENT', 'ENOTDIR']

async function readFile(path: string, maxBytes = defaultMaxBytes): Promise<Uint8Array | undefined> {
  return attempt('read', path, missing, async () => {
    // O_NONBLOCK: opening a FIFO that somebody put there must not hang.
    const handle = await fs.open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const stat = await handle.stat()
      if (!stat.isFile()) throw new TmgenError('disk', `cannot read ${path}: it is not a regular file`)
      if (stat.size > maxBytes) throw new TmgenError('disk', `cannot read ${path}: larger than ${maxBytes} bytes`)
      return await handle.readFile()
    } finally {
      await handle.close()
    }
  })
}

async function stat(path: string): Promise<Entry | undefined> {
  return attempt('look at', path, missing, async () => {
    const s = await fs.lstat(path)
    const kind = s.isFile() ? 'file' : s.isDirectory() ? 'directory' : s.isSymbolicLink() ? 'symlink' : 'other'
    return { kind, mode: s.mode & 0o7777, uid: s.uid, gid: s.gid, size: s.size }
  })
}

/** As root, what is made belongs to the owner of the folder it is made in: the gateway runs as that owner. */
async function inherit(path: string): Promise<void> {
  if (process.geteuid?.() !== 0) return
  const parent = await fs.lstat(dirname(path))
  if (parent.uid !== 0 || parent.gid !== 0) await fs.lchown(path, parent.uid, parent.gid)
}

async function syncDir(path: string): Promise<void> {
  const handle = await fs.open(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** A new file, 0600; what a killed run left there goes first. */
async function openNew(path: string): Promise<fs.FileHandle> {
  try {
    return await fs.open(path, 'wx', 0o600)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    await fs.unlink(path)
    return fs.open(path, 'wx', 0o600)
  }
}

async function writeFile(path: string, content: Uint8Array | string, mode: number): Promise<void> {
  const temp = tempOf(path)
  try {
    const handle = await openNew(temp)
    try {
      await handle.writeFile(content)
      await handle.chmod(mode)
      await inherit(temp)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await fs.rename(temp, path)
    await syncDir(dirname(path))
  } catch (error) {
    await fs.unlink(temp).catch(() => undefined)
    throw fault('write', path, error)
  }
}

async function makeDir(path: string, mode: number): Promise<void> {
  await attempt('make', path, ['EEXIST'], async () => {
    await fs.mkdir(path, { mode })
    await fs.chmod(path, mode)
    await inherit(path)
    await syncDir(dirname(path))
  })
  if ((await stat(path))?.kind !== 'directory')
    throw new TmgenError('disk', `cannot make ${path}: something else is there`)
}

/** The real disk. */
export const nodeDisk: Disk = {
  readFile,
  stat,
  list: (path) => attempt('list', path, missing, async () => (await fs.readdir(path)).sort()),
  realpath: (path) => attempt('resolve', path, missing, () => fs.realpath(path)),
  canWrite: (directory) =>
    fs.access(directory, constants.W_OK | constants.X_OK).then(
      () => true,
      () => false,
    ),
  writeFile,
  makeDir,
  chmod: async (path, mode) => void (await attempt('change the mode of', path, [], () => fs.chmod(path, mode))),
  removeFile: async (path) => void (await attempt('remove', path, missing, () => fs.unlink(path))),
  removeEmptyDir: async (path) =>
    void (await attempt('remove', path, [...missing, 'ENOTEMPTY', 'EEXIST'], () => fs.rmdir(path))),
}
