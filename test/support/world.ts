import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { TmgenError } from '../../src/errors.ts'
import {
  type Disk,
  type Entry,
  type EntryKind,
  type ForeignFolder,
  type Mount,
  type RunResult,
  type Space,
  tempOf,
  type World,
} from '../../src/world.ts'

/** Thrown where a test ends the "process"; tmgen must not be able to handle it. */
export class Kill extends Error {}

/** A point at which the world changes: before it happens, half way, or after it. */
export type Moment = 'before' | 'half' | 'after'
export type Hook = (what: string, path: string, moment: Moment) => void

interface Node {
  kind: EntryKind
  mode: number
  content: Buffer
  target: string
}

const node = (kind: EntryKind, mode: number, content: Uint8Array | string = '', target = ''): Node => ({
  kind,
  mode,
  content: Buffer.from(content),
  target,
})

/** A disk in memory, shared by the "processes" of a test. */
export class MemoryDisk {
  readonly nodes = new Map<string, Node>([['/', node('directory', 0o755)]])
  /** Folders that rename cannot move. */
  readonly unmovable = new Set<string>()
  /** Run locks: file -> holder. */
  readonly locks = new Map<string, { command: string; isAlive: () => boolean }>()
  /** Every path's filesystem, and the time of every entry of a share. */
  space: Space = { type: 0xef53, total: 2 ** 46, free: 2 ** 45, device: 1 }
  /** Owners other than root, of a path and all below. */
  readonly owners = new Map<string, { uid: number; gid: number }>()
  /** Sizes of files that are too large to hold. */
  readonly sizes = new Map<string, number>()
  /** Filesystems other than that, by the folder they begin at. */
  readonly spaces = new Map<string, Space>()
  modified = new Date('2026-01-02T03:00:00Z')
  /** Folders that this process may not look into. */
  readonly closed = new Set<string>()

  /** Puts a file there, with the folders above it. */
  put(path: string, content: Uint8Array | string, mode = 0o644): void {
    this.mkdirs(dirname(path))
    this.nodes.set(path, node('file', mode, content))
  }

  mkdirs(path: string, mode = 0o755): void {
    if (this.nodes.has(path)) return
    this.mkdirs(dirname(path))
    this.nodes.set(path, node('directory', mode))
  }

  link(path: string, target: string): void {
    this.nodes.set(path, node('symlink', 0o777, '', target))
  }

  text(path: string): string | undefined {
    return this.nodes.get(path)?.content.toString('utf8')
  }

  /** Removes a path and all below. */
  remove(path: string): void {
    for (const key of [...this.nodes.keys()]) if (key === path || key.startsWith(`${path}/`)) this.nodes.delete(key)
  }

  /** Files below a folder with mode and content, to compare before and after. */
  snapshot(folder: string, without = /(?!)/): Record<string, string> {
    const files = [...this.nodes].filter(
      ([p, n]) => n.kind !== 'directory' && p.startsWith(`${folder}/`) && !without.test(p),
    )
    return Object.fromEntries(
      files.map(([p, n]) => [p, `${n.mode.toString(8)} ${n.content.toString('latin1')}`]).sort(),
    )
  }

  copy(): MemoryDisk {
    const copy = new MemoryDisk()
    for (const [path, one] of this.nodes) copy.nodes.set(path, { ...one })
    for (const [file, holder] of this.locks) copy.locks.set(file, holder)
    for (const [path, owner] of this.owners) copy.owners.set(path, owner)
    for (const [path, space] of this.spaces) copy.spaces.set(path, space)
    return copy
  }

  resolve(path: string, hops = 0): string | undefined {
    if (hops > 40) return undefined
    let at = '/'
    const parts = path.split('/').filter((part) => part !== '')
    for (const [index, part] of parts.entries()) {
      at = join(at, part)
      const found = this.nodes.get(at)
      if (found?.kind !== 'symlink') continue
      return this.resolve(
        join(
          dirname(at),
          found.target.startsWith('/') ? `/../..${found.target}` : found.target,
          ...parts.slice(index + 1),
        ),
        hops + 1,
      )
    }
    return this.nodes.has(at) ? at : undefined
  }
}

/** The Disk interface over a MemoryDisk, for one "process". */
export function diskOf(memory: MemoryDisk, hook: Hook = () => undefined): Disk {
  const at = (path: string) => memory.nodes.get(path)
  const change = (what: string, path: string, action: () => void) => {
    hook(what, path, 'before')
    action()
    hook(what, path, 'after')
  }
  const parentOf = (path: string) => {
    const parent = memory.resolve(dirname(path))
    if (parent === undefined || at(parent)?.kind !== 'directory')
      throw new TmgenError('disk', `cannot write ${path}: the folder does not exist`)
    return join(parent, basename(path))
  }
  return {
    async readFile(path, maxBytes) {
      hook('read', path, 'before')
      const found = at(memory.resolve(path) ?? '')
      if (found === undefined) return undefined
      if (found.kind !== 'file') throw new TmgenError('disk', `cannot read ${path}: it is not a regular file`)
      if (found.content.length > (maxBytes ?? Number.POSITIVE_INFINITY))
        throw new TmgenError('disk', `cannot read ${path}: too large`)
      return Buffer.from(found.content)
    },
    async stat(path): Promise<Entry | undefined> {
      const found = at(join(memory.resolve(dirname(path)) ?? '/?', basename(path)))
      const owner = [...memory.owners.keys()]
        .filter((top) => path === top || path.startsWith(`${top}/`))
        .sort()
        .at(-1)
      const { uid, gid } = memory.owners.get(owner ?? '') ?? { uid: 0, gid: 0 }
      return (
        found && { kind: found.kind, mode: found.mode, uid, gid, size: memory.sizes.get(path) ?? found.content.length }
      )
    },
    async list(path) {
      const real = memory.resolve(path)
      if (real === undefined) return undefined
      return [...memory.nodes.keys()]
        .filter((key) => key !== '/' && dirname(key) === real)
        .map((key) => basename(key))
        .sort()
    },
    realpath: async (path) => memory.resolve(path),
    canWrite: async (path) => ((at(memory.resolve(path) ?? '')?.mode ?? 0) & 0o200) !== 0,
    async writeFile(path, content, mode) {
      const real = parentOf(path)
      change('write', path, () => {
        memory.nodes.set(tempOf(real), node('file', mode, content))
        hook('write', path, 'half')
        memory.nodes.delete(tempOf(real))
        memory.nodes.set(real, node('file', mode, content))
      })
    },
    async makeDir(path, mode) {
      const real = parentOf(path)
      change('mkdir', path, () => {
        if (!at(real)) memory.nodes.set(real, node('directory', mode))
      })
    },
    async chmod(path, mode) {
      change('chmod', path, () => void Object.assign(at(path) ?? {}, { mode }))
    },
    async chown(path, uid, gid) {
      change('chown', path, () => void memory.owners.set(path, { uid, gid }))
    },
    async rename(from, to) {
      const [source, target] = [memory.resolve(from), parentOf(to)]
      if (source === undefined || at(target)) throw new TmgenError('disk', `cannot move ${from} to ${to}`)
      if (memory.unmovable.has(source)) return false
      change('rename', from, () => {
        for (const [path, one] of [...memory.nodes])
          if (path === source || path.startsWith(`${source}/`)) {
            memory.nodes.delete(path)
            memory.nodes.set(target + path.slice(source.length), one)
          }
      })
      return true
    },
    async removeFile(path) {
      if (at(path)) change('remove', path, () => memory.nodes.delete(path))
    },
    async removeEmptyDir(path) {
      const isEmpty = ![...memory.nodes.keys()].some((key) => key.startsWith(`${path}/`))
      if (at(path) && isEmpty) change('rmdir', path, () => memory.nodes.delete(path))
    },
    space: async (path) => {
      const real = memory.resolve(path)
      if (real === undefined) return undefined
      const at = [...memory.spaces.keys()]
        .filter((top) => real === top || real.startsWith(`${top}/`))
        .sort()
        .at(-1)
      return at === undefined ? memory.space : memory.spaces.get(at)
    },
    async empty(path, { isOurs, last, onCount }) {
      if (at(path)?.kind !== 'directory' || !(await isOurs(foreignOf(memory, path))))
        throw new TmgenError('storage', `${path} is not marked as what tmgen may delete: left alone`)
      const isLast = (key: string) => last.some((name) => key === `${path}/${name}`)
      const below = () => [...memory.nodes.keys()].filter((key) => key.startsWith(`${path}/`) && !isLast(key))
      // The deepest first, as a folder goes after what is in it.
      for (const key of below().sort((a, b) => b.split('/').length - a.split('/').length))
        change('remove', key, () => memory.nodes.delete(key))
      for (const name of last)
        if (at(`${path}/${name}`)) change('remove', name, () => memory.nodes.delete(`${path}/${name}`))
      onCount?.(1)
    },
    foreign: async (path, use) => (at(path)?.kind === 'directory' ? use(foreignOf(memory, path)) : undefined),
  }
}

/** A folder of a MemoryDisk as others write it; times are all the same. */
function foreignOf(memory: MemoryDisk, path: string): ForeignFolder {
  if (memory.closed.has(path)) throw new TmgenError('disk', `cannot look at ${path}: permission denied`)
  const modified = memory.modified
  const names = [...memory.nodes.keys()]
    .filter((key) => key !== '/' && dirname(key) === path)
    .map((key) => basename(key))
  const at = (name: string) => memory.nodes.get(join(path, name))
  return {
    modified,
    changed: modified,
    names: async (most) => ({ names: names.slice(0, most), more: names.length > most }),
    count: async (pattern, most) => Math.min(most, names.filter((name) => pattern.test(name)).length),
    stat: async (name) => {
      const found = at(name)
      return found && { kind: found.kind, size: found.content.length, modified, changed: modified }
    },
    read: async (name, maxBytes) => {
      const found = at(name)
      return found?.kind === 'file' && found.content.length <= maxBytes ? found.content : undefined
    },
    digest: async (name, maxBytes) => {
      const found = at(name)
      if (found === undefined) return { outcome: 'gone' }
      const size = found.content.length
      if (size > maxBytes) return { outcome: 'over', size }
      const hash = createHash('sha256').update(found.content).digest()
      return { outcome: 'read', size, changed: modified, stamp: `${size}:${+modified}`, hash }
    },
    folder: async (name, use) =>
      at(name)?.kind === 'directory' ? use(foreignOf(memory, join(path, name))) : undefined,
  }
}

/** A package folder like the installed one, with the real templates and tiny build contexts. */
export function putPackage(memory: MemoryDisk): void {
  const root = join(import.meta.dirname, '../..')
  for (const name of readdirSync(join(root, 'templates')))
    memory.put(`/package/templates/${name}`, readFileSync(join(root, 'templates', name)))
  memory.put('/package/docker-compose.base.yml', readFileSync(join(root, 'docker-compose.base.yml')))
  memory.put('/package/gateway/main.go', 'package main\n')
  memory.put('/package/gateway/main_test.go', 'package main\n')
  memory.put('/package/images/samba/Dockerfile', 'FROM scratch\n')
  memory.put('/package/images/samba/entrypoint', '#!/bin/sh\n', 0o755)
  memory.put('/package/images/headscale/Dockerfile', 'FROM scratch\n')
  memory.put('/package/images/monitor/Dockerfile', 'FROM scratch\n')
}

export interface MemoryHost {
  isRoot: boolean
  addresses: string[]
  routes: { cidr: string; name: string }[]
  udpTaken: number[]
  mounts: Mount[]
  dockerRoot: string | undefined
  usersOf: { pid: number; command: string }[]
  /** Lines of files below /proc. */
  proc: Record<string, string>
  machineId: string
  certificate: { validTo: Date; fault: string | undefined }
}

export interface MemoryWorldOptions {
  hook?: Hook
  host?: Partial<MemoryHost>
  env?: Record<string, string>
  /** What docker commands answer; without it there is none. */
  docker?: (args: string[]) => RunResult
  /** Programs: what each answers, `undefined` where it is not installed. Without arguments it is only looked for. */
  tools?: (name: string, args: string[]) => RunResult | undefined
  now?: Date
  version?: string
  /** First byte of a deterministic stream; other seeds give other secrets. */
  seed?: number
}

/** A whole world in memory; one call is one "process" on the shared disk. */
export function memoryWorld(memory: MemoryDisk, options: MemoryWorldOptions = {}): World {
  let state = (options.seed ?? 1) * 2654435761
  const hook = options.hook ?? (() => undefined)
  let isAlive = true
  const guarded: Hook = (...args) => {
    try {
      hook(...args)
    } catch (error) {
      if (error instanceof Kill) isAlive = false
      throw error
    }
  }
  return {
    disk: diskOf(memory, guarded),
    docker: {
      run: async (args) => {
        const { docker = () => ({ exitCode: 1, stdout: '', stderr: 'no docker here' }) } = options
        const what = `docker ${args[0]}`
        const changes = args[0] === 'stop' || args[0] === 'rm'
        if (changes) guarded(what, '', 'before')
        const answer = docker(args)
        if (changes) guarded(what, '', 'after')
        return answer
      },
    },
    tools: {
      has: async (name) => options.tools?.(name, []) !== undefined,
      run: async (name, args) => {
        guarded(`tool ${name}`, '', 'before')
        const answer = options.tools?.(name, [...args]) ?? { exitCode: 127, stdout: '', stderr: 'not here' }
        guarded(`tool ${name}`, '', 'after')
        return answer
      },
    },
    host: {
      addresses: () => options.host?.addresses ?? ['127.0.0.1', '192.168.1.5'],
      isRoot: () => options.host?.isRoot ?? false,
      routes: async () => ({ found: options.host?.routes ?? [], notes: [] }),
      udpPortsTaken: async (ports) => ports.filter((port) => options.host?.udpTaken?.includes(port)),
      mounts: async () => options.host?.mounts ?? [],
      usersOf: async () => ({ found: options.host?.usersOf ?? [], hidden: false }),
      dockerRoot: async () => options.host?.dockerRoot ?? '/var/lib/docker',
      procLine: async (path) => options.host?.proc?.[path],
      machineId: async () => options.host?.machineId,
      certificate: async () => options.host?.certificate ?? { validTo: new Date('2026-03-31Z'), fault: undefined },
    },
    fetch: async () => {
      throw new Error('a unit test reached for the network')
    },
    now: () => options.now ?? new Date('2026-01-02T03:04:05Z'),
    randomBytes(length) {
      return Uint8Array.from({ length }, () => {
        state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x297a2d39) >>> 0
        return state >>> 24
      })
    },
    env: options.env ?? {},
    version: options.version ?? '0.1.0',
    packageDir: '/package',
    async holdLock(file, command) {
      const holder = memory.locks.get(file)
      if (holder?.isAlive()) throw new TmgenError('busy', `another tmgen works in this workspace: "${holder.command}"`)
      memory.locks.set(file, { command, isAlive: () => isAlive })
      return async () => {
        if (isAlive) memory.locks.delete(file)
      }
    },
  }
}
