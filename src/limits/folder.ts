import { join } from 'node:path'
import { markerFile } from '../render/index.ts'
import type { DeployedUser } from '../resolve/types.ts'
import type { World } from '../world.ts'
import { imageOf } from './observe.ts'
import type { SeenFolder, SeenStorage } from './types.ts'

/** Programs that commands of limits may need, with the Debian package each comes in. */
export const packages: Record<string, string> = {
  btrfs: 'btrfs-progs',
  chattr: 'e2fsprogs',
  fallocate: 'util-linux',
  e2fsck: 'e2fsprogs',
  'mkfs.ext4': 'e2fsprogs',
  mount: 'mount',
  umount: 'mount',
  resize2fs: 'e2fsprogs',
  setquota: 'quota',
  xfs_quota: 'xfsprogs',
  zfs: 'zfsutils-linux',
}

/** What the commands of a limit depend on, beside what every look at the storage tells. */
export async function observeFolder(world: World, user: DeployedUser, seen: SeenStorage): Promise<SeenFolder> {
  const { disk, tools } = world
  const { uid = 0, gid = 0, mode = 0o711 } = (await disk.stat(seen.path)) ?? {}
  const names = (await disk.list(seen.path)) ?? []
  const shares = names.filter((name) => ![markerFile, 'lost+found'].includes(name))
  const inside = await Promise.all(shares.map((name) => disk.list(join(seen.path, name))))
  const image = await disk.stat(imageOf(user.storage, user))
  const missing = new Set<string>()
  for (const name of Object.keys(packages)) if (!(await tools.has(name))) missing.add(name)
  return {
    owner: { uid, gid, mode },
    shares,
    isEmpty: inside.every((entries) => entries?.length === 0),
    image: image?.kind === 'file' ? image.size : undefined,
    loop: /^\/dev\/loop\d+$/.test(seen.mount.source) && seen.mount.path === seen.path ? seen.mount.source : undefined,
    missing,
  }
}
