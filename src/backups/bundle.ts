import type { ForeignFolder } from '../world.ts'
import { type Plist, PlistFault, parsePlist } from './plist.ts'

/** A sparse bundle of Time Machine, as far as it can be told cheaply from the server. */
export interface Bundle {
  name: string
  /** Completed backups that its history lists; `undefined`: not known. */
  backups: number | undefined
  /** When the last complete backup ended. */
  lastBackup: Date | undefined
  /** Bands times band size: an estimate, as Time Machine itself counts; the last band may be shorter. */
  usedBytes: number | undefined
  /** The newest time of its own files, of the folder of its bands and of the first of them. */
  lastWrite: Date
  /** The Mac found the backup damaged (VerificationState 2). */
  damaged: boolean
  /** What could not be read, and why. */
  notes: string[]
}

/** The name of a bundle's folder. */
export const isBundle = (name: string) => /\.(sparsebundle|backupbundle)$/.test(name)

const historyFile = 'com.apple.TimeMachine.SnapshotHistory.plist'
const machineFile = 'com.apple.TimeMachine.MachineID.plist'
/** Bytes: a snapshot takes some 300, and there are hundreds at most. */
const maxHistory = 2 * 1024 * 1024
const maxSmall = 64 * 1024
/** Bands that are counted: 8 TiB at macOS' 8 MiB a band. */
const mostBands = 2 ** 20
/** Band sizes that are believed: macOS has 8 MiB and more, tests less. */
const bandSizes = { from: 4096, to: 2 ** 32 }
/** An APFS volume writes its checkpoints near its beginning, so one of these changes with every backup. */
const firstBands = Array.from({ length: 16 }, (_none, index) => index.toString(16))
/** A Mac's clock may run ahead by this much, in ms; a later date is not believed. */
const ahead = 24 * 3600_000

/** Looks at the open bundle `folder`. */
export async function readBundle(folder: ForeignFolder, name: string, now: Date): Promise<Bundle> {
  const notes: string[] = []
  const read = async <T>(file: string, maxBytes: number, use: (value: Plist) => T): Promise<T | undefined> => {
    // macOS writes FILE.tmp, deletes the old one and renames: for a moment only the .tmp is there.
    for (const path of [file, `${file}.tmp`]) {
      const entry = await folder.stat(path)
      if (entry === undefined) continue
      const bytes = await folder.read(path, maxBytes)
      try {
        if (bytes === undefined) throw new PlistFault('no regular file of a sensible size')
        return use(parsePlist(bytes))
      } catch (error) {
        if (!(error instanceof PlistFault)) throw error
        notes.push(`${name}/${path}: ${error.message}`)
        return undefined
      }
    }
    return undefined
  }
  const { backups, lastBackup, future } = (await read(historyFile, maxHistory, (value) => history(value, now))) ?? none
  if (future) notes.push(`${name}/${historyFile}: a backup is dated in the future, and was left out`)
  const bandSize = await read('Info.plist', maxSmall, bandSizeOf)
  const state = await read(machineFile, maxSmall, (value) => dictOf(value).get('VerificationState'))
  const bands = await folder.folder('bands', async (inner) => ({
    count: await inner.count(/^[0-9a-f]{1,16}$/, mostBands),
    lastWrite: await newest(inner, firstBands),
  }))
  const own = await newest(folder, ['Info.plist', historyFile, machineFile, 'token', 'lock', 'mapped'])
  return {
    name,
    backups,
    lastBackup,
    usedBytes: bands && bandSize !== undefined ? bands.count * bandSize : undefined,
    lastWrite: bands && bands.lastWrite > own ? bands.lastWrite : own,
    damaged: state === 2,
    notes,
  }
}

const none = { backups: undefined, lastBackup: undefined, future: false }

async function newest(folder: ForeignFolder, names: readonly string[]): Promise<Date> {
  let at = folder.modified
  for (const name of names) {
    const entry = await folder.stat(name)
    if (entry && entry.modified > at) at = entry.modified
  }
  return at
}

function dictOf(value: Plist): Map<string, Plist> {
  if (value instanceof Map) return value
  throw new PlistFault('no dictionary')
}

function bandSizeOf(value: Plist): number {
  const size = dictOf(value).get('band-size')
  if (typeof size === 'number' && Number.isInteger(size) && size >= bandSizes.from && size <= bandSizes.to) return size
  throw new PlistFault('no sensible band-size')
}

function history(value: Plist, now: Date) {
  const snapshots = dictOf(value).get('Snapshots')
  if (!Array.isArray(snapshots)) throw new PlistFault('no list of snapshots')
  const dates = snapshots.map((one) => dictOf(one).get('com.apple.backupd.SnapshotCompletionDate'))
  const times = dates.filter((one) => one instanceof Date).map((one) => one.getTime())
  const sound = times.filter((time) => time <= now.getTime() + ahead)
  const last = sound.reduce((max, time) => Math.max(max, time), Number.NEGATIVE_INFINITY)
  return {
    backups: sound.length,
    lastBackup: sound.length === 0 ? undefined : new Date(last),
    future: sound.length < times.length,
  }
}
