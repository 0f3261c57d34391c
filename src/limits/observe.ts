import { dirname, join } from 'node:path'
import { mountOf } from '../converge/overlap.ts'
import { servedUsers } from '../resolve/nodes.ts'
import type { DeployedUser, Deployment } from '../resolve/types.ts'
import type { Mount, Space, World } from '../world.ts'
import { readQgroup, readRefquota } from './read.ts'
import type { Limit, SeenStorage } from './types.ts'

/** Kinds by their magic number (statfs(2)), where the kernel's table of mounts does not tell. */
const kinds: Record<number, string> = {
  61267: 'ext4', // 0xef53
  1481003842: 'xfs', // 0x58465342
  2435016766: 'btrfs', // 0x9123683e
  801189825: 'zfs', // 0x2fc12fc1
}

/** Folder beside the storage folders that holds image files of users. */
export const imagesFolder = '.tmgen-images'

/** Where a user's image file lies: beside the storage, by the user's id, which never changes. */
export const imageOf = (storage: string, { id }: Pick<DeployedUser, 'id'>): string =>
  join(dirname(storage), imagesFolder, `${id}.img`)

interface Where {
  real: string
  space: Space
  mount: Mount | undefined
  device: string
  exists: boolean
}

/** Where a storage lies; one that is not made yet will lie where its parent lies. */
async function whereIs(world: World, mounts: readonly Mount[], storage: string): Promise<Where | undefined> {
  for (const path of [storage, dirname(storage)]) {
    const real = await world.disk.realpath(path)
    const space = real === undefined ? undefined : await world.disk.space(real)
    if (real === undefined || space === undefined) continue
    const mount = mountOf(real, mounts)
    return { real, space, mount, device: deviceOf(mount, space.device), exists: path === storage }
  }
  return undefined
}

/**
 * What lies below the storage of each served user, and which limit the filesystem keeps: read back from the kernel
 * (statfs, mountinfo) or from the filesystem's own program, never from what tmgen once did.
 * @returns by user id; without an entry: neither storage nor its parent is there
 */
export async function observeLimits(world: World, deployment: Deployment): Promise<Map<string, SeenStorage>> {
  const seen = new Map<string, SeenStorage>()
  if (deployment.host === 'remote') return seen
  const mounts = await world.host.mounts()
  const users = servedUsers(deployment)
  const places = new Map<string, Where>()
  const onDevice = new Map<string, number>()
  for (const user of users) {
    const place = await whereIs(world, mounts, user.storage)
    if (place === undefined) continue
    places.set(user.id, place)
    onDevice.set(place.device, (onDevice.get(place.device) ?? 0) + 1)
  }
  const images = await imagesByDevice(world, mounts, users)
  for (const user of users) {
    const place = places.get(user.id)
    if (place === undefined) continue
    const { real, space, mount, device } = place
    // A folder with a project quota tells its limit as the size of the disk: the whole is asked at the mount point.
    const whole = (mount && (await world.disk.space(mount.path))) ?? space
    const filesystem = mount?.type ?? kinds[space.type >>> 0] ?? 'unknown'
    const isShared = (onDevice.get(device) ?? 0) > 1
    seen.set(user.id, {
      path: real,
      filesystem,
      mount: { path: mount?.path ?? real, source: mount?.source ?? '', options: mount?.options ?? [] },
      device,
      total: whole.total,
      free: whole.free,
      images: images.get(device) ?? 0,
      limit: place.exists
        ? await limitOf(world, user, {
            real,
            filesystem,
            mount,
            mounts,
            isShared,
            total: space.total,
            whole: whole.total,
          })
        : { state: 'advisory', why: 'the storage is not made yet' },
    })
  }
  return seen
}

/** Subvolumes of one Btrfs have device numbers of their own, but one in the table of mounts. */
const deviceOf = (mount: Mount | undefined, device: number) => mount?.device ?? String(device)

/** Bytes of image files, by the filesystem that holds them: that much less is left there for others. */
async function imagesByDevice(world: World, mounts: readonly Mount[], users: readonly DeployedUser[]) {
  const bytes = new Map<string, number>()
  for (const user of users) {
    const image = imageOf(user.storage, user)
    const entry = await world.disk.stat(image)
    const space = entry && (await world.disk.space(dirname(image)))
    const real = entry && (await world.disk.realpath(dirname(image)))
    if (entry?.kind !== 'file' || space === undefined || real === undefined) continue
    const device = deviceOf(mountOf(real, mounts), space.device)
    bytes.set(device, (bytes.get(device) ?? 0) + entry.size)
  }
  return bytes
}

interface Place {
  real: string
  filesystem: string
  mount: Mount | undefined
  mounts: readonly Mount[]
  isShared: boolean
  /** Bytes as statfs tells them of the storage, and of the whole filesystem. */
  total: number
  whole: number
}

const none = (why = 'no limit is set'): Limit => ({ state: 'advisory', why })

async function limitOf(world: World, user: DeployedUser, place: Place): Promise<Limit> {
  const { real, filesystem, mount, mounts, total, whole } = place
  if (filesystem === 'zfs')
    return mount?.path === real ? readRefquota(world, mount.source ?? '') : none('it is no ZFS dataset of its own')
  const isWhole =
    mount?.path === real && mount.root === '/' && mounts.filter((one) => one.device === mount.device).length === 1
  if (isWhole && !place.isShared && ['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'f2fs'].includes(filesystem))
    return { state: 'enforced', by: 'filesystem', bytes: total }
  if (filesystem === 'btrfs') {
    const [own, above] = [await world.disk.space(real), await world.disk.space(dirname(real))]
    return own?.device === above?.device ? none('it is no Btrfs subvolume of its own') : readQgroup(world, real)
  }
  if (!['ext4', 'xfs'].includes(filesystem) || total >= whole) return none()
  // Folders from before the limit keep their own project unless they were given this one.
  for (const mac of user.macs) {
    const share = await world.disk.space(join(real, mac.name))
    if (share !== undefined && share.total !== total) return none(`the share ${mac.name} lies outside of the limit`)
  }
  return { state: 'enforced', by: 'project', bytes: total }
}
