import { TmgenError } from '../errors.ts'
import type { DeployedUser } from '../resolve/types.ts'
import { packages } from './folder.ts'
import { grow, image } from './image.ts'
import { isDataset } from './read.ts'
import type { SeenFolder, SeenStorage } from './types.ts'

/** A program and its arguments; no shell reads them. */
export type Argv = readonly [string, ...string[]]

export interface LimitRequest {
  user: DeployedUser
  seen: SeenStorage
  folder: SeenFolder
  /** Bytes. */
  wanted: number
  /** `image`: an image file where the storage has no limit of its own; else what the filesystem can count. */
  by: 'filesystem' | 'image'
}

/** Why a limit cannot be set, and what to do. */
export const refuse = (message: string, hint: string) => new TmgenError('storage', message, { hint })

/**
 * The commands, for root, that give a user a limit of `wanted` bytes; none where it has one already. Pure.
 * @throws TmgenError `storage` with what to do where this cannot be done in place
 */
export function limitCommands(request: LimitRequest): Argv[] {
  const { seen, folder, wanted, user } = request
  const { limit } = seen
  const isSet = limit.state === 'enforced'
  // A filesystem of one's own is not made smaller; what can count is set to what is wanted.
  if (isSet && (limit.by === 'filesystem' ? limit.bytes >= wanted : limit.bytes === wanted)) return []
  const commands = isSet && limit.by === 'filesystem' ? grow(request) : set(request)
  const missing = commands.map(([name]) => name).find((name) => folder.missing.has(name))
  if (missing !== undefined)
    throw refuse(
      `${missing} is not installed: it sets the limit of ${user.name}`,
      `install it (Debian: apt install ${packages[missing]}), then run the command again`,
    )
  return commands
}

function set(request: LimitRequest): Argv[] {
  const { user, seen, wanted, by } = request
  const { filesystem, mount, path } = seen
  if (by === 'image') return image(request)
  if (filesystem === 'zfs' && mount.path === path && isDataset(mount.source))
    return [['zfs', 'set', `refquota=${wanted}`, mount.source]]
  if (filesystem === 'btrfs' && seen.limit.state === 'advisory' && /no limit|not switched on/.test(seen.limit.why))
    return [
      ...(seen.limit.why.includes('not switched on')
        ? [['btrfs', 'quota', 'enable', path] as const, ['btrfs', 'quota', 'rescan', '-w', path] as const]
        : []),
      ['btrfs', 'qgroup', 'limit', String(wanted), path],
    ]
  if (filesystem === 'btrfs' && seen.limit.state === 'enforced')
    return [['btrfs', 'qgroup', 'limit', String(wanted), path]]
  const counts = mount.options.some((option) => ['prjquota', 'pquota'].includes(option))
  if (counts && filesystem === 'ext4') return projectExt4(user, path, mount.path, wanted)
  if (counts && filesystem === 'xfs') return projectXfs(user, path, mount.path, wanted)
  const why = seen.limit.state === 'advisory' ? seen.limit.why : 'no limit is set'
  throw refuse(
    `${filesystem} at ${mount.path} cannot limit ${user.name} as it is (${why})`,
    `tmgen storage limit ${user.name} --by image, while there are no backups yet; or docs/how-to/storage.md for what ${filesystem} needs`,
  )
}

/** Folders first, so that what is made meanwhile is counted already; the UID is the project's number. */
function projectExt4({ uid }: DeployedUser, path: string, mount: string, wanted: number): Argv[] {
  return [
    ['find', path, '-xdev', '-type', 'd', '-exec', 'chattr', '-p', String(uid), '+P', '{}', '+'],
    ['find', path, '-xdev', '-type', 'f', '-exec', 'chattr', '-p', String(uid), '{}', '+'],
    ['setquota', '-P', String(uid), '0', String(wanted / 1024), '0', '0', mount],
  ]
}

/** xfs_quota splits what follows -c at blanks by itself. */
function projectXfs({ uid, name }: DeployedUser, path: string, mount: string, wanted: number): Argv[] {
  if (/[^A-Za-z0-9._/-]/.test(path))
    throw refuse(`xfs_quota cannot be told the path of ${name}: ${path}`, 'choose a path of letters, digits and . _ -')
  return [
    ['xfs_quota', '-x', '-c', `project -s -p ${path} ${uid}`, mount],
    ['xfs_quota', '-x', '-c', `limit -p bhard=${wanted} ${uid}`, mount],
  ]
}
