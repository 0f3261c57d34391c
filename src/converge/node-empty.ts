import * as fs from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { TmgenError } from '../errors.ts'
import type { EmptyOptions } from '../world.ts'
import { openForeign } from './node-foreign.ts'

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = fs.constants
const folderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK
/** Names taken at a time; between two such pieces signals and the progress display have their turn. */
const piece = 512
/** Folders deeper than this are moved up first: each open one costs a file descriptor, and depth is the writer's choice. */
const maxDepth = 32

interface Run {
  /** The folder that is emptied, open. */
  top: number
  /** Id of its mount: bind mounts of one filesystem have the same device, and never the same mount. */
  mount: string
  options: EmptyOptions
  deleted: number
  moved: number
}

/** See Disk.empty. Every name is looked up below an open folder, so that no exchange on the way leads elsewhere. */
export async function emptyFolder(path: string, options: EmptyOptions): Promise<void> {
  if (process.platform !== 'linux') throw new TmgenError('disk', `cannot delete ${path}: that needs Linux`)
  const top = attempt(path, () => fs.openSync(path, folderFlags))
  try {
    // A link on the way there.
    if (fs.readlinkSync(`/proc/self/fd/${top}`) !== path) throw notOurs(path)
    const isOurs = await openForeign(`/proc/self/fd/${top}/.`, options.isOurs)
    if (isOurs !== true) throw notOurs(path)
    const run: Run = { top, mount: mountOf(top), options, deleted: 0, moved: 0 }
    await emptyOne(run, top, path, 0)
    for (const name of options.last) remove(run, top, path, name)
  } finally {
    fs.closeSync(top)
  }
}

const notOurs = (path: string) =>
  new TmgenError('storage', `${path} is not marked as what tmgen may delete: left alone`)

const at = (fd: number, name: string) => `/proc/self/fd/${fd}/${name}`

function mountOf(fd: number): string {
  return /^mnt_id:\s*(\d+)$/m.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? ''
}

/** Deletes what lies in an open folder, but for what goes last; what is moved up meanwhile is met in the next piece. */
async function emptyOne(run: Run, fd: number, shown: string, depth: number): Promise<void> {
  for (;;) {
    const names = attempt(shown, () => someNames(fd, fd === run.top ? run.options.last : []))
    if (names.length === 0) return
    for (const name of names) {
      if (!isFolder(fd, shown, name)) remove(run, fd, shown, name)
      else if (depth < maxDepth) await removeFolder(run, fd, shown, name, depth)
      else moveUp(run, fd, shown, name)
    }
    run.options.onCount?.(run.deleted)
    await setImmediate()
  }
}

function someNames(fd: number, without: readonly string[]): string[] {
  const open = fs.opendirSync(`/proc/self/fd/${fd}`, { bufferSize: piece })
  const names: string[] = []
  try {
    for (let entry = open.readSync(); entry !== null && names.length < piece; entry = open.readSync())
      if (!without.includes(entry.name)) names.push(entry.name)
  } finally {
    open.closeSync()
  }
  return names
}

const isFolder = (fd: number, shown: string, name: string) =>
  attempt(`${shown}/${name}`, () => fs.lstatSync(at(fd, name), { throwIfNoEntry: false })?.isDirectory() ?? false)

function remove(run: Run, fd: number, shown: string, name: string): void {
  attempt(`${shown}/${name}`, () => {
    try {
      fs.unlinkSync(at(fd, name))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  })
  run.deleted++
}

async function removeFolder(run: Run, parent: number, shown: string, name: string, depth: number): Promise<void> {
  const path = `${shown}/${name}`
  const fd = attempt(path, () => fs.openSync(at(parent, name), folderFlags))
  try {
    if (mountOf(fd) !== run.mount) throw mounted(path)
    await emptyOne(run, fd, path, depth + 1)
  } finally {
    fs.closeSync(fd)
  }
  attempt(path, () => fs.rmdirSync(at(parent, name)))
  run.deleted++
}

function moveUp(run: Run, fd: number, shown: string, name: string): void {
  let free: string
  do free = `.tmgen-deep-${run.moved++}`
  while (fs.lstatSync(at(run.top, free), { throwIfNoEntry: false }) !== undefined)
  attempt(`${shown}/${name}`, () => fs.renameSync(at(fd, name), at(run.top, free)))
}

const mounted = (path: string) =>
  new TmgenError('storage', `${path} is mounted there: it is not deleted`, {
    hint: 'unmount it, then run the same command again: it goes on where it stopped',
  })

function attempt<T>(path: string, action: () => T): T {
  try {
    return action()
  } catch (cause) {
    if (cause instanceof TmgenError) throw cause
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause)
    if (code === 'EBUSY' || code === 'EXDEV') throw mounted(path)
    if (code === 'ELOOP' || code === 'ENOTDIR') throw notOurs(path)
    const isDenied = code === 'EACCES' || code === 'EPERM'
    throw new TmgenError('disk', `cannot delete ${path}: ${isDenied ? 'permission denied' : code}`, {
      hint: `${isDenied ? 'the files belong to another UID: run the same command as root; it' : 'run the same command again: it'} goes on where it stopped`,
      cause,
    })
  }
}
