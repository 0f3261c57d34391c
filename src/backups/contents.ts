import { createHash } from 'node:crypto'
import { type Plist, PlistFault } from './plist.ts'

/** What the history of a bundle says. */
export interface HistorySaid {
  /** Completed backups, those dated in the future left out. */
  backups: number
  /** When they ended, oldest first: 64 at most. */
  completed: Date[]
  lastBackup: Date | undefined
  /** Backups that are dated in the future. */
  future: number
}

/**
 * Completions that are kept: the newest up to now, and the next after it, which a clock that runs ahead gave. However many
 * are dated ahead, they do not push out the others.
 */
const most = { past: 48, ahead: 16 }
/** A Mac's clock may run ahead by this much, in ms; a later date is not believed. */
const ahead = 24 * 3600_000
/** Band sizes that are believed: macOS has 8 MiB and more, tests less. */
export const bandSizes = { from: 4096, to: 2 ** 32 }
const sector = 512

function dictOf(value: Plist): Map<string, Plist> {
  if (value instanceof Map) return value
  throw new PlistFault('no dictionary')
}

/** com.apple.TimeMachine.SnapshotHistory.plist */
export function historyOf(value: Plist, now: Date): HistorySaid {
  const snapshots = dictOf(value).get('Snapshots')
  if (!Array.isArray(snapshots)) throw new PlistFault('no list of snapshots')
  const dates = snapshots.map((one) => dictOf(one).get('com.apple.backupd.SnapshotCompletionDate'))
  const times = dates.filter((one) => one instanceof Date).map((one) => one.getTime())
  const sound = times.filter((time) => time <= now.getTime() + ahead).sort((a, b) => a - b)
  const past = sound.filter((time) => time <= now.getTime())
  const next = sound.slice(past.length, past.length + most.ahead)
  const last = sound.at(-1)
  return {
    backups: sound.length,
    completed: [...past.slice(-most.past), ...next].map((time) => new Date(time)),
    lastBackup: last === undefined ? undefined : new Date(last),
    future: times.length - sound.length,
  }
}

/** Info.plist; the size is that of the disk that the Mac sees, in bytes. */
export function infoOf(value: Plist): { bandSize: number; size: number | undefined } {
  const info = dictOf(value)
  const bandSize = info.get('band-size')
  const size = info.get('size')
  if (!isWhole(bandSize) || bandSize < bandSizes.from || bandSize > bandSizes.to)
    throw new PlistFault('no sensible band-size')
  return { bandSize, size: isWhole(size) && size > 0 ? size : undefined }
}

/**
 * Info.plist as it has to be for the Mac to open the bundle.
 * @throws PlistFault with what is not consistent
 */
export function soundInfoOf(value: Plist): { bandSize: number; size: number } {
  const { bandSize, size } = infoOf(value)
  const version = dictOf(value).get('bundle-backingstore-version')
  if (bandSize % sector !== 0) throw new PlistFault('a band-size that is no multiple of 512')
  if (size === undefined) throw new PlistFault('no sensible size')
  if (!isWhole(version) || version < 1 || version > 16) throw new PlistFault('no known bundle-backingstore-version')
  return { bandSize, size }
}

/** com.apple.TimeMachine.MachineID.plist; the machine is told by a hash, which is enough to see it change. */
export function machineOf(value: Plist): { machine: string | undefined; verification: number | undefined } {
  const dict = dictOf(value)
  const host = dict.get('com.apple.backupd.HostUUID')
  const state = dict.get('VerificationState')
  return {
    machine: typeof host === 'string' && host !== '' ? fingerprint(host) : undefined,
    verification: isWhole(state) && state >= 0 && state <= 1000 ? state : undefined,
  }
}

/** The token: empty in a bundle that is not encrypted; told by a hash, for it holds the wrapped key. */
export function tokenOf(bytes: Uint8Array): { encrypted: boolean; token: string } {
  return { encrypted: bytes.length > 0, token: fingerprint(bytes) }
}

function isWhole(value: Plist | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value)
}

/** 16 hex digits. */
function fingerprint(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 16)
}
