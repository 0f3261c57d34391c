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
  readFile(path: string, maxBytes?: number): Promise<Uint8Array | undefined>
  /** lstat: links are not followed. */
  stat(path: string): Promise<Entry | undefined>
  /** Names in a directory, sorted. */
  list(path: string): Promise<string[] | undefined>
  realpath(path: string): Promise<string | undefined>
  /** Writes beside the target, syncs, then renames: the old content or the new, never half. */
  writeFile(path: string, content: Uint8Array | string, mode: number): Promise<void>
  makeDir(path: string, mode: number): Promise<void>
  chmod(path: string, mode: number): Promise<void>
  /** Removes one file; absent is fine. */
  removeFile(path: string): Promise<void>
  /** Removes one empty directory; absent or not empty is fine. */
  removeEmptyDir(path: string): Promise<void>
}

export interface RunResult {
  exitCode: number
  stdout: string
  stderr: string
}

/** Runs the `docker` CLI; arguments never hold a secret, `input` may. */
export interface Docker {
  run(args: string[], options?: { cwd?: string; input?: Secret | string; timeoutMs?: number }): Promise<RunResult>
}

/** Host facts that only observe may ask for. */
export interface Host {
  /** IPv4 CIDRs of the host's routes and interfaces, with a name to show. */
  routes(): Promise<{ cidr: string; name: string }[]>
  /** UDP ports of the list that something on this host holds. */
  udpPortsTaken(ports: number[]): Promise<number[]>
}

/** Everything outside the pure core, passed in. */
export interface World {
  disk: Disk
  docker: Docker
  host: Host
  fetch: typeof globalThis.fetch
  /** The clock, in UTC. */
  now(): Date
  randomBytes(length: number): Uint8Array
  /** Environment variables: read here and nowhere else. */
  env: Readonly<Record<string, string | undefined>>
  /** The package's own folder: templates/, gateway/, images/ lie below it. */
  packageDir: string
}
