import { dirname, join } from 'node:path'
import { markerFile } from '../render/index.ts'
import type { DeployedUser } from '../resolve/types.ts'
import { type Argv, type LimitRequest, refuse } from './commands.ts'
import { imageOf } from './observe.ts'
import { imageSize, journalMiB } from './size.ts'

/** How images are mounted: what is in them is data of others. */
const mountOptions = 'loop,nosuid,nodev,noexec'

/**
 * A file with a filesystem, all of its bytes taken at once: one that grew later could find the disk full. What lies in the
 * folder (the marker, empty shares) is copied in; then the marker beneath goes, so that nothing is served there while
 * the image is not mounted. Each command may be run again after a kill.
 */
export function image({ user, seen, folder, wanted }: LimitRequest): Argv[] {
  const { path } = seen
  const file = imageOf(user.storage, user)
  const made = `${file}.new`
  if (!folder.isEmpty)
    throw refuse(
      `${path} holds backups of ${user.name} already: an image file needs an empty folder`,
      'nothing is copied by tmgen: docs/how-to/storage.md says how to move them yourself',
    )
  const size = imageSize(wanted)
  if (folder.image === undefined && size > seen.free)
    throw refuse(
      `an image of ${Math.ceil(size / 1024 ** 2)} MiB for ${user.name} does not fit on ${seen.mount.path}`,
      'a smaller quota, or a larger disk',
    )
  const fresh: Argv[] = [
    ['mkdir', '-p', '-m', '0700', dirname(file)],
    ['rm', '-f', made],
    ['fallocate', '-l', String(size), made],
    ['chmod', '0600', made],
    [
      ...(['mkfs.ext4', '-q', '-F', '-b', '4096', '-m', '0', '-T', 'largefile', '-E', 'nodiscard'] as const),
      ...['-J', `size=${journalMiB(wanted)}`, '-L', `tmgen-${user.id}`, '-d', path, made],
    ],
    ['sync', made],
    ['mv', '-n', made, file],
  ]
  return [
    ...(folder.image === undefined ? fresh : []),
    ['rm', '-f', join(path, markerFile)],
    ...folder.shares.map((name): Argv => ['rmdir', join(path, name)]),
    mounted(file, path),
    ['chown', `${folder.owner.uid}:${folder.owner.gid}`, path],
    ['chmod', folder.owner.mode.toString(8).padStart(4, '0'), path],
  ]
}

/** A larger image: the file first, then its filesystem. */
export function grow({ user, seen, folder, wanted }: LimitRequest): Argv[] {
  const file = imageOf(user.storage, user)
  if (folder.image === undefined || folder.loop === undefined)
    throw refuse(
      `the filesystem of ${user.name} (${seen.mount.source}) is smaller than the quotas and their reserve`,
      'enlarge it, or set smaller quotas: tmgen set user',
    )
  // Not while it is mounted: that takes a right that root in a container or a small VM may lack (CAP_SYS_RESOURCE).
  return [
    ['umount', seen.path],
    ['fallocate', '-l', String(imageSize(wanted)), file],
    ['e2fsck', '-f', '-p', file],
    ['resize2fs', file],
    mounted(file, seen.path),
  ]
}

const mounted = (file: string, path: string): Argv => ['mount', '-t', 'ext4', '-o', mountOptions, file, path]

/** The line of /etc/fstab that mounts a user's image again after a restart of the host. */
export function fstabLine(user: DeployedUser): string {
  const field = (text: string) =>
    text.replace(/[\\\s#]/g, (one) => `\\${one.charCodeAt(0).toString(8).padStart(3, '0')}`)
  return `${field(imageOf(user.storage, user))} ${field(user.storage)} ext4 ${mountOptions} 0 2`
}
