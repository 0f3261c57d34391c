import { basename, dirname, join } from 'node:path'
import type { Secret } from './secret.ts'

/** What a directory entry is; `other` is a socket, FIFO or device. */
export type EntryKind = 'file' | 'directory' | 'symlink' | 'other'

export interface Entry {
  kind: EntryKind
  /** Permission bits, for example 0o600. */
  mode: number
  uid: number
  gid: number
  /** Bytes. */
  size: number
}

/** The disk as tmgen uses it. Paths are absolute. Missing things are `undefined`; everything else throws TmgenError `disk`. */
export interface Disk {
  /** Whole content; longer than `maxBytes`: TmgenError `disk`. */
  readFile(path: string, maxBytes?: number): Promise<Uint8Array | undefined>
  /** lstat: links are not followed. */
  stat(path: string): Promise<Entry | undefined>
  /** Names in a directory, sorted. */
  list(path: string): Promise<string[] | undefined>
  realpath(path: string): Promise<string | undefined>
  /** Whether this process may make entries in the directory. */
  canWrite(directory: string): Promise<boolean>
  /** Writes beside the target (see tempOf), syncs, then renames: the old content or the new, never half. */
  writeFile(path: string, content: Uint8Array | string, mode: number): Promise<void>
  /** Makes one directory below an existing one; an existing directory is fine and keeps its mode. */
  makeDir(path: string, mode: number): Promise<void>
  chmod(path: string, mode: number): Promise<void>
  /** Gives a file or folder itself to others; needs root. */
  chown(path: string, uid: number, gid: number): Promise<void>
  /**
   * Moves a file or folder by one rename(2) and never by a copy; `to` must not exist yet.
   * @returns false where the kernel does not do that: another filesystem, a mount point
   */
  rename(from: string, to: string): Promise<boolean>
  /** Removes one file; absent is fine. */
  removeFile(path: string): Promise<void>
  /** Removes one empty directory; absent or not empty is fine. */
  removeEmptyDir(path: string): Promise<void>
  /** The filesystem that a path lies on; `undefined` where nothing lies there. */
  space(path: string): Promise<Space | undefined>
  /**
   * Opens a folder whose content others write, for the time of `use`; `undefined` where none is there. The path itself
   * must be real: a link at its end is refused.
   */
  foreign<T>(path: string, use: (folder: ForeignFolder) => Promise<T>): Promise<T | undefined>
  /**
   * Deletes all that lies in a folder which others wrote: no link is followed and no other mount entered, whatever
   * happens there meanwhile. Stopped half way, it can be called again.
   * @throws TmgenError `storage` where `isOurs` says no or something is mounted below, before or while deleting
   */
  empty(path: string, options: EmptyOptions): Promise<void>
}

export interface EmptyOptions {
  /** Asked of the folder as it was opened, before anything is deleted. */
  isOurs: (folder: ForeignFolder) => Promise<boolean>
  /** Files that prove whose it is: they go at the very end, in this order. */
  last: readonly string[]
  /** Told now and then how many entries are gone. */
  onCount?: (deleted: number) => void
}

/** A filesystem. */
export interface Space {
  /** Magic number of its kind, as statfs tells it (0xef53: ext4). */
  type: number
  /** Bytes in all, and free for those who are not root. */
  total: number
  free: number
  /** Tells filesystems apart. */
  device: number
}

/** An entry of a folder that others write. */
export interface ForeignEntry {
  kind: EntryKind
  size: number
  modified: Date
  /** ctime: by the server's clock, and not for clients to set. */
  changed: Date
}

/**
 * A folder whose content others write, now and while it is looked at. No link in it is followed, nothing but regular
 * files is opened, and all is bounded. Names are single ones, without a slash.
 */
export interface ForeignFolder {
  /** When an entry was last made, renamed or removed in it; clients can set it. */
  modified: Date
  /** ctime: the same by the server's clock, and not for clients to set. */
  changed: Date
  /** At most `most` names, in no order; `more`: there are others. */
  names(most: number): Promise<{ names: string[]; more: boolean }>
  /** How many entries have such names, counted up to `most`. */
  count(name: RegExp, most: number): Promise<number>
  stat(name: string): Promise<ForeignEntry | undefined>
  /** A regular file of at most `maxBytes`, whole; anything else is `undefined`. */
  read(name: string, maxBytes: number): Promise<Uint8Array | undefined>
  /**
   * Reads a regular file of at most `maxBytes` to its end, and keeps nothing of it but its hash. What goes wrong is told,
   * never thrown.
   * @param onBytes called now and then while it reads
   */
  digest(name: string, maxBytes: number, onBytes: () => void): Promise<Digest>
  /** As Disk.foreign, one level down. */
  folder<T>(name: string, use: (folder: ForeignFolder) => Promise<T>): Promise<T | undefined>
}

/** What came of reading a file to its end. */
export type Digest =
  | {
      outcome: 'read'
      size: number
      /** ctime. */
      changed: Date
      /** Size, mtime and ctime, to the nanosecond: while it is the same nobody wrote to the file. */
      stamp: string
      /** SHA-256. */
      hash: Uint8Array
    }
  /** It is not there, or it was written meanwhile. */
  | { outcome: 'gone' | 'busy' }
  /** Larger than it may be; not read. */
  | { outcome: 'over'; size: number }
  /** It is no regular file, or the disk does not give it back. */
  | { outcome: 'faulty'; why: string }

/** Where writeFile keeps the new content until it is whole; a killed run may leave it behind. */
export function tempOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.tmgen-tmp`)
}

export interface RunResult {
  exitCode: number
  stdout: string
  stderr: string
}

export interface RunOptions {
  cwd?: string
  input?: Secret | string
  /** 0: no limit. */
  timeoutMs?: number
  /** Takes each line of stdout as it comes; the result's stdout is empty then. */
  onLine?: (line: string) => void
  /** Ends the command early; that is no fault. */
  signal?: AbortSignal
}

/** Runs the `docker` CLI; arguments never hold a secret, `input` may. */
export interface Docker {
  run(args: string[], options?: RunOptions): Promise<RunResult>
}

/** A line of /proc/self/mountinfo: `root` within the filesystem `device` is seen at `path`. */
export interface Mount {
  /** major:minor */
  device: string
  root: string
  path: string
  /** Kind of filesystem as the kernel names it: ext4, btrfs, zfs. */
  type?: string
  /** What was mounted: /dev/sda1, or the name of a ZFS dataset. */
  source?: string
  /** Options of the filesystem as a whole: prjquota. */
  options?: readonly string[]
}

/**
 * Programs of this host beside Docker (mount, btrfs, zfs). They get arguments as a list, never a shell's line, and speak
 * English, so that what they print can be read.
 */
export interface Tools {
  /** Whether a program of that name is on the PATH, /usr/sbin and /sbin included. */
  has(name: string): Promise<boolean>
  /** A program that ran and failed is a result. @throws TmgenError `storage` where it could not run */
  run(name: string, args: readonly string[], options?: Pick<RunOptions, 'timeoutMs'>): Promise<RunResult>
}

/** Host facts that only observe may ask for. */
export interface Host {
  /** Whether this process may do what root may. */
  isRoot(): boolean
  /**
   * IPv4 CIDRs of the host's routes and Docker networks, with a name to show; those of the compose project `own` are
   * left out. `notes` says what could not be looked at.
   */
  routes(own: string): Promise<{ found: { cidr: string; name: string }[]; notes: string[] }>
  /** IPv4 addresses of this host. */
  addresses(): string[]
  /** UDP ports of the list that something on this host holds, other than containers of the compose project `own`. */
  udpPortsTaken(ports: number[], own: string): Promise<number[]>
  /** What is mounted where, in the order of mounting. */
  mounts(): Promise<Mount[]>
  /**
   * Processes of this host that have a file or folder at or below the real path open, work there, or are rooted there.
   * `hidden`: some processes of other users could not be looked at.
   */
  usersOf(path: string): Promise<{ found: { pid: number; command: string }[]; hidden: boolean }>
  /** Docker's root directory; `undefined` where Docker does not answer. */
  dockerRoot(): Promise<string | undefined>
  /** The first line of a file below /proc; `undefined` where there is none (elsewhere than on Linux). */
  procLine(path: `/proc/${string}`): Promise<string | undefined>
  /** This machine's id, 32 hex digits (machine-id(5)), which is not to be shown; `undefined` where there is none. */
  machineId(): Promise<string | undefined>
  /**
   * The certificate that an https server shows, whoever signed it.
   * @throws TmgenError `control-unreachable` when none is shown within some seconds
   */
  certificate(url: string): Promise<{ validTo: Date; fault: string | undefined }>
}

/** Everything outside the pure core, passed in. */
export interface World {
  disk: Disk
  docker: Docker
  tools: Tools
  host: Host
  fetch: typeof globalThis.fetch
  /** The clock, in UTC. */
  now(): Date
  randomBytes(length: number): Uint8Array
  /** Environment variables: read here and nowhere else. */
  env: Readonly<Record<string, string | undefined>>
  /** Version of this tmgen, as package.json has it. */
  version: string
  /** The package's own folder: templates/, gateway/, images/ lie below it. */
  packageDir: string
  /**
   * Takes the run lock `file` for `command` and resolves to its release. The lock of a dead process is taken over.
   * @throws TmgenError `busy` with who holds it and since when
   */
  holdLock(file: string, command: string): Promise<() => Promise<void>>
}
