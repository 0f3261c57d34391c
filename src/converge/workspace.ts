import { join } from 'node:path'
import { type ParsedConfig, parseConfig } from '../config/index.ts'
import { TmgenError } from '../errors.ts'
import { checkMirror, formatLock, type Lock, lockFormat, newLock, readLock } from '../resolve/index.ts'
import { isBefore, versionOf } from '../version.ts'
import type { World } from '../world.ts'
import { sha256 } from './hash.ts'
import { readControl, readMirror, stateText } from './state-files.ts'
import type { AllocationMirror, ControlState } from './types.ts'

/** One byte more than any file that parseConfig and parseLock take: they say what is too large, with a hint. */
const maxTextBytes = 16 * 1024 * 1024

/** A workspace as it lies on the disk. */
export interface Workspace {
  /** Real path. */
  dir: string
  parsed: ParsedConfig
  /** tmgen.yaml as it lies there. */
  yamlText: string
  /** Hex SHA-256 of tmgen.yaml. */
  yamlHash: string
  /** As on disk, and its text; undefined in a workspace that has none yet. */
  lock: Lock | undefined
  lockText: string | undefined
  /** The format that the lock on disk has; today's where there is none. */
  lockVersion: number
  mirror: AllocationMirror | undefined
  mirrorText: string | undefined
  control: ControlState | undefined
}

/**
 * The real path of the workspace `dir`.
 * @throws TmgenError `config-missing` when there is no tmgen.yaml; `disk` when it is a link
 */
export async function findWorkspace(world: World, dir: string): Promise<string> {
  const real = await world.disk.realpath(dir)
  const entry = real === undefined ? undefined : await world.disk.stat(join(real, 'tmgen.yaml'))
  if (real === undefined || entry === undefined)
    throw new TmgenError('config-missing', `no tmgen.yaml in ${dir}`, {
      hint: 'go to the workspace, name it with --workspace DIR, or make one: tmgen init DIR',
    })
  if (entry.kind !== 'file')
    throw new TmgenError('disk', `${join(real, 'tmgen.yaml')} is no regular file`, {
      hint: 'tmgen does not write through links',
    })
  return real
}

/**
 * Reads tmgen.yaml, the lock and what mirrors it; a lock that is missing or older than the state beside it is refused.
 * @throws TmgenErrors `config-*`, `lock-invalid`; TmgenError `config-missing`, `lock-lost`, `disk`
 */
export async function openWorkspace(world: World, from: string): Promise<Workspace> {
  const dir = await findWorkspace(world, from)
  const yaml = await world.disk.readFile(join(dir, 'tmgen.yaml'), maxTextBytes)
  if (yaml === undefined) throw new TmgenError('config-missing', `no tmgen.yaml in ${from}`)
  const parsed = parseConfig(yaml, 'tmgen.yaml')
  const lockBytes = await world.disk.readFile(join(dir, 'tmgen.lock.json'), maxTextBytes)
  const read = lockBytes === undefined ? undefined : readLock(lockBytes, 'tmgen.lock.json')
  const lock = read?.lock
  const mirror = await readMirror(world, dir)
  const control = await readControl(world, dir)
  if (lock !== undefined) refuseNewer(lock.tmgen, world.version, 'tmgen.lock.json')
  checkMirror(lock, mirror)
  if (lock === undefined && control !== undefined)
    throw new TmgenError('lock-lost', 'tmgen.lock.json is missing, but state/control.json knows users', {
      hint: 'restore tmgen.lock.json from git or a backup; where there is none: tmgen lock rebuild',
    })
  return {
    dir,
    parsed,
    yamlText: parsed.older?.text ?? parsed.text,
    yamlHash: sha256(yaml),
    lock,
    lockText: lockBytes === undefined ? undefined : new TextDecoder().decode(lockBytes),
    lockVersion: read?.version ?? lockFormat.version,
    mirror,
    mirrorText: mirror === undefined ? undefined : stateText(mirror),
    control,
  }
}

/** Refuses what a newer tmgen wrote: it may say things that this one would lose. Throws TmgenError `lock-invalid`. */
export function refuseNewer(wrote: string | undefined, version: string, what: string): void {
  if (wrote === undefined || !isBefore(versionOf(version) ?? [], versionOf(wrote) ?? [])) return
  throw new TmgenError('lock-invalid', `${what} was written by tmgen ${wrote}; this is tmgen ${version}`, {
    hint: `install tmgen ${wrote} or newer`,
  })
}

/** The lock to resolve with: the one on disk, or a fresh one with a random workspace id (16 hex digits). */
export function startLock(world: World, workspace: Workspace): Lock {
  return workspace.lock ?? newLock(Buffer.from(world.randomBytes(8)).toString('hex'))
}

/**
 * Text of the lock as it is to be; a lock without any change keeps its bytes, and the version that wrote it.
 * @param sign whether this version is put in all the same
 */
export function lockTextAfter(workspace: Workspace, lock: Lock, version: string, sign: boolean): string {
  const isToday = workspace.lockVersion === lockFormat.version
  const isSame = isToday && workspace.lock !== undefined && formatLock(workspace.lock) === formatLock(lock)
  if (isSame && (!sign || lock.tmgen === version)) return workspace.lockText ?? formatLock(lock)
  return formatLock({ ...lock, tmgen: version })
}
