import type { ForeignFolder } from '../world.ts'
import { type Bands, type CountedBands, readBands } from './bands.ts'
import { historyOf, infoOf, machineOf, tokenOf } from './contents.ts'
import { type Plist, PlistFault, parsePlist } from './plist.ts'

/** A sparse bundle of Time Machine, as far as it can be told cheaply from the server. */
export interface Bundle {
  name: string
  /** Its name still says that the first backup is not complete. */
  incomplete: boolean
  /** Completed backups that its history lists; `undefined`: not known. */
  backups: number | undefined
  /** When the newest of them ended, oldest first. */
  completed: Date[]
  /** When the last complete backup ended. */
  lastBackup: Date | undefined
  /** Completed backups that are dated in the future, and count for nothing. */
  future: number
  /** Bands times band size: an estimate, as Time Machine itself counts; the last band may be shorter. */
  usedBytes: number | undefined
  bands: Bands | undefined
  /** Bytes. */
  bandSize: number | undefined
  /** Bytes of the disk that the Mac sees in it. */
  size: number | undefined
  /** `undefined`: its token was not read. */
  encrypted: boolean | undefined
  /** Fingerprints of the token and of the Mac that it belongs to. */
  token: string | undefined
  machine: string | undefined
  /** VerificationState of the Mac's last check. */
  verification: number | undefined
  /** The newest time of its own files, of the folder of its bands and of the first of them. */
  lastWrite: Date
  /** The Mac found the backup damaged (VerificationState 2). */
  damaged: boolean
  /** What could not be read, and why. */
  notes: string[]
}

/** The name of a bundle's folder; until the first backup is complete it ends in `.incomplete`. Macs tell no case apart. */
export const isBundle = (name: string) => /\.(sparsebundle|backupbundle)(\.incomplete)?$/i.test(name)
export const isIncomplete = (name: string) => /\.incomplete(\.(sparsebundle|backupbundle))?$/i.test(name)

export const historyFile = 'com.apple.TimeMachine.SnapshotHistory.plist'
export const machineFile = 'com.apple.TimeMachine.MachineID.plist'
/** The property lists and the token, which alone are read. */
export const bundleFiles: readonly string[] = ['Info.plist', historyFile, machineFile, 'token']
/** Bytes: a snapshot takes some 300, and there are hundreds at most. */
export const maxHistory = 2 * 1024 * 1024
export const maxSmall = 64 * 1024

/**
 * Looks at the open bundle `folder`.
 * @param counted what is known of its bands from a look before
 */
export async function readBundle(
  folder: ForeignFolder,
  name: string,
  now: Date,
  counted?: CountedBands,
): Promise<Bundle> {
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
  const history = await read(historyFile, maxHistory, (value) => historyOf(value, now))
  if (history !== undefined && history.future > 0)
    notes.push(`${name}/${historyFile}: a backup is dated in the future, and was left out`)
  const info = await read('Info.plist', maxSmall, infoOf)
  const machine = await read(machineFile, maxSmall, machineOf)
  const token = await folder.read('token', maxSmall)
  const bands = await folder.folder('bands', (inner) => readBands(inner, now, counted))
  const own = await newest(folder, ['Info.plist', historyFile, machineFile, 'token', 'lock', 'mapped'])
  return {
    name,
    incomplete: isIncomplete(name),
    backups: history?.backups,
    completed: history?.completed ?? [],
    lastBackup: history?.lastBackup,
    future: history?.future ?? 0,
    usedBytes: bands && info && bands.count * info.bandSize,
    bands,
    bandSize: info?.bandSize,
    size: info?.size,
    encrypted: undefined,
    token: undefined,
    ...(token && tokenOf(token)),
    machine: machine?.machine,
    verification: machine?.verification,
    lastWrite: bands && bands.lastWrite > own ? bands.lastWrite : own,
    damaged: machine?.verification === 2,
    notes,
  }
}

async function newest(folder: ForeignFolder, names: readonly string[]): Promise<Date> {
  let at = folder.modified
  for (const name of names) {
    const entry = await folder.stat(name)
    if (entry && entry.modified > at) at = entry.modified
  }
  return at
}
