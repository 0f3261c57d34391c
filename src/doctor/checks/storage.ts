import { join } from 'node:path'
import { lookAtShare } from '../../backups/index.ts'
import { bytesText } from '../../bytes.ts'
import { observeStorage, type StorageState } from '../../converge/index.ts'
import { mountOf } from '../../converge/overlap.ts'
import { count } from '../../count.ts'
import { TmgenError } from '../../errors.ts'
import { type Measured, observeLimits, overcommitted, quotasOf, reserve, wholeDisks } from '../../limits/index.ts'
import { markerFile } from '../../render/index.ts'
import { placeOf, snapshotsIn } from '../../snapshots/index.ts'
import type { Space } from '../../world.ts'
import type { Patient } from '../patient.ts'
import { type Check, NotSeen, ok, warn, worst } from '../types.ts'

const wrong: Partial<Record<StorageState, string>> = {
  absent: 'does not exist: is its disk mounted?',
  empty: 'is empty and without our marker: is its disk mounted?',
  unmarked: 'holds files and no marker of ours',
  foreign: 'has the marker of another workspace or user',
}

const storage: Check = {
  name: 'storage',
  looks: 'whether each user’s storage is there with the right marker, and overlaps nothing else.',
  cause: 'Samba refuses to serve a folder without its marker, so that a Mac never starts over on an empty one.',
  remedy: 'mount the disk, then `docker compose up -d`; a new folder gets its marker by `tmgen generate`',
  test: async (patient) => {
    const users = await patient.served()
    const { dir, deployment } = await patient.inspection()
    const { seen: states, faults, notes } = await observeStorage(patient.world, dir, deployment)
    const fails = faults.map((fault) => fault.message)
    for (const user of users) {
      const why = wrong[states.get(user.id) ?? 'ours']
      if (why !== undefined) fails.push(`storage of ${user.name} (${user.storage}) ${why}`)
    }
    return worst(fails, notes, `all ${users.length} have their marker`)
  },
}

const owner: Check = {
  name: 'share-owner',
  looks: 'whether each share belongs to the UID of its user.',
  cause: 'Samba works as that UID and cannot write to a share of another (data copied by root, for example).',
  remedy: 'chown -R UID:UID the folder that is named, while no backup runs',
  test: async (patient) => {
    const fails: string[] = []
    let seen = 0
    for (const { name, uid, storage, macs } of await patient.served())
      for (const mac of macs) {
        const path = join(storage, mac.name)
        const entry = await patient.world.disk.stat(path)
        if (entry === undefined) continue
        seen++
        if (entry.kind !== 'directory') fails.push(`${path} is no folder`)
        else if (entry.uid !== uid) fails.push(`${path} belongs to UID ${entry.uid}, not to ${uid} (${name})`)
      }
    if (seen === 0) throw new NotSeen('no share is made yet')
    return worst(fails, [], count(seen, 'share'))
  },
}

/** Kinds of filesystems by their magic number (statfs(2)), and whether files can have extended attributes of users. */
const kinds: Record<number, { name: string; xattrs: 'yes' | 'no' | 'perhaps' }> = {
  61267: { name: 'ext4', xattrs: 'yes' }, // 0xef53
  1481003842: { name: 'XFS', xattrs: 'yes' }, // 0x58465342
  2435016766: { name: 'Btrfs', xattrs: 'yes' }, // 0x9123683e
  801189825: { name: 'ZFS', xattrs: 'yes' }, // 0x2fc12fc1
  4076150800: { name: 'F2FS', xattrs: 'yes' }, // 0xf2f52010
  16914836: { name: 'tmpfs', xattrs: 'perhaps' }, // 0x01021994: since Linux 6.6
  26985: { name: 'NFS', xattrs: 'perhaps' }, // 0x6969: with 4.2 on both sides
  1702057286: { name: 'FUSE', xattrs: 'perhaps' }, // 0x65735546
  16914839: { name: '9p', xattrs: 'perhaps' }, // 0x01021997
  19780: { name: 'FAT', xattrs: 'no' }, // 0x4d44
  538032816: { name: 'exFAT', xattrs: 'no' }, // 0x2011bab0
}

const attributes: Check = {
  name: 'xattrs',
  looks: 'at the kind of filesystem below each storage: Samba keeps what macOS adds to files in extended attributes.',
  cause: 'on one without them macOS cannot make a backup disk of the share.',
  remedy: 'ext4, XFS, Btrfs or ZFS; on NFS version 4.2 at both ends; nothing was written to try it, so try one backup',
  test: async (patient) => {
    const [fails, warnings]: [string[], string[]] = [[], []]
    const fine = new Set<string>()
    for (const { storage } of await patient.served()) {
      const space = await patient.world.disk.space(storage)
      if (space === undefined) continue
      const kind = kinds[space.type >>> 0]
      if (kind?.xattrs === 'yes') fine.add(kind.name)
      else if (kind?.xattrs === 'no') fails.push(`${storage} lies on ${kind.name}, which has none`)
      else
        warnings.push(
          `${storage} lies on ${kind?.name ?? `a filesystem of kind 0x${(space.type >>> 0).toString(16)}`}: it may have none`,
        )
    }
    if (fine.size + fails.length + warnings.length === 0) throw new NotSeen('no storage is there')
    return worst(fails, warnings, [...fine].join(', '))
  },
}

const quotas: Check = {
  name: 'quotas',
  looks:
    'whether all quotas together fit on their disk, less a reserve of 5 %, and whether a limit of the filesystem that a ' +
    'user has is large enough for them.',
  cause:
    'Time Machine fills a quota by design: sooner or later the disk is full, and everybody’s backups fail; a limit that ' +
    'is too small fails those of its user.',
  remedy:
    'smaller quotas, or a larger disk; `tmgen storage limit` gives each user a limit that keeps one from filling it for all',
  test: async (patient) => {
    const users = await patient.served()
    const deployment = await patient.here()
    const seen = await observeLimits(patient.world, deployment)
    if (seen.size === 0) throw new NotSeen('no storage is there')
    const warnings = overcommitted(users, seen).map(
      (disk) => `quotas of ${bytesText(disk.quotas)} on a disk of ${bytesText(disk.total)} (${disk.path})`,
    )
    let enforced = 0
    for (const user of users) {
      const limit = seen.get(user.id)?.limit
      if (limit?.state !== 'enforced') continue
      enforced++
      if (limit.bytes < quotasOf(user))
        warnings.push(
          `the limit of ${user.name} is ${bytesText(limit.bytes)}, the quotas are ${bytesText(quotasOf(user))}`,
        )
    }
    return worst([], warnings, `they fit; ${enforced} of ${users.length} users have an enforced limit`)
  },
}

/** Bytes: with less the next bands and the state do not fit. */
const tooFull = 256 * 1024 ** 2

/** `undefined` also where it may not be looked at. */
async function spaceAt({ world }: Patient, path: string): Promise<Space | undefined> {
  try {
    return await world.disk.space(path)
  } catch (error) {
    if (error instanceof TmgenError) return undefined
    throw error
  }
}

const space: Check = {
  name: 'space',
  looks: 'how much is free on the disks of the storage and of the workspace.',
  cause: 'a full disk fails every backup on it; the state lives from a reserve for a while.',
  remedy: 'make room: delete what is not a backup, or let a Mac delete old backups (a smaller quota)',
  test: async (patient) => {
    const { dir, deployment } = await patient.inspection()
    await patient.here()
    const { disk, host } = patient.world
    const mounts = await host.mounts()
    const measured: Measured[] = []
    const measure = async (name: string, path: string, quotas: number) => {
      const real = await disk.realpath(path)
      // At the marker, a file: of a folder with a project quota that would be told.
      const space = real && ((await spaceAt(patient, join(real, markerFile))) ?? (await disk.space(real)))
      if (space) measured.push({ name, path, mount: mountOf(real, mounts), quotas, ...space })
    }
    await measure('', dir, 0)
    await measure('', deployment.storageRoot, 0)
    for (const user of deployment.users) await measure(user.name, user.storage, quotasOf(user))
    const disks = wholeDisks(measured)
    if (disks.length === 0) throw new NotSeen('no disk could be looked at')
    const [fails, warnings]: [string[], string[]] = [[], []]
    for (const { path, free, total } of disks) {
      const text = `${bytesText(free)} of ${bytesText(total)} are free on the disk of ${path}`
      if (free < tooFull) fails.push(text)
      else if (free < total * reserve) warnings.push(text)
    }
    return worst(fails, warnings, `${count(disks.length, 'disk')} with room`)
  },
}

const bundles: Check = {
  name: 'backups',
  looks: 'whether a Mac found its backup damaged (VerificationState of the bundle).',
  cause: 'macOS wants to start over, or does not back up any more.',
  remedy: 'let the Mac start a new backup; keep a copy of the old bundle first if something in it may be needed',
  test: async (patient) => {
    const damaged: string[] = []
    const unread: string[] = []
    let seen = 0
    for (const { name, storage, macs } of await patient.served())
      for (const mac of macs) {
        const share = await lookAtShare(patient.world, storage, mac.name, patient.world.now())
        unread.push(...(share?.notes ?? []).map((note) => `${name}, ${mac.name}: ${note}`))
        for (const bundle of share?.bundles ?? []) {
          seen++
          if (bundle.damaged) damaged.push(`${name}, ${mac.name}: ${bundle.name} is damaged`)
        }
      }
    if (seen === 0) throw new NotSeen('there is no backup yet')
    return worst([], [...damaged, ...unread], count(seen, 'bundle'))
  },
}

/** Days without a snapshot while backups are complete. */
const mostDays = 3

const snapshots: Check = {
  name: 'snapshots',
  looks: 'whether snapshots of each storage are possible (a Btrfs subvolume or ZFS dataset of its own), and taken.',
  cause:
    'whoever holds a Mac and its password can delete or encrypt its live backup: only what they cannot reach stays.',
  remedy:
    'where they are possible, a timer of root for `tmgen snapshots take` (docs/how-to/snapshots.md); where not, a cold copy: ' +
    'the storage copied to a disk or machine that the Macs do not reach',
  test: async (patient) => {
    const warnings: string[] = []
    const fine: string[] = []
    const now = patient.world.now().getTime()
    for (const user of await patient.served()) {
      const place = await placeOf(patient.world, user)
      if (place.kind === 'none') {
        fine.push(`${user.name}: not possible (${place.why}): keep a cold copy`)
        continue
      }
      const newest = (await snapshotsIn(patient.world, place)).at(-1)
      if (newest === undefined) warnings.push(`${user.name}: possible, and none was taken`)
      else if (now - newest.takenAt > mostDays * 86_400_000)
        warnings.push(`${user.name}: the last is of ${new Date(newest.takenAt).toISOString().slice(0, 10)}`)
      else fine.push(`${user.name}: the last is of ${new Date(newest.takenAt).toISOString()}`)
    }
    return warnings.length > 0 ? warn(...warnings) : ok(...fine)
  },
}

export const storageChecks = [storage, owner, attributes, quotas, space, bundles, snapshots]
