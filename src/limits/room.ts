import type { DeployedUser } from '../resolve/types.ts'
import { quotasOf, reserve } from './size.ts'
import type { SeenStorage } from './types.ts'

/** A filesystem whose users' quotas are larger than it is, less the reserve; all in bytes. */
export interface Overcommitted {
  path: string
  /** What there is for these users: the filesystem without the image files of others. */
  total: number
  quotas: number
  users: string[]
}

/** Filesystems that are promised more often than they are there. Pure. */
export function overcommitted(users: readonly DeployedUser[], seen: ReadonlyMap<string, SeenStorage>): Overcommitted[] {
  const disks = new Map<string, Overcommitted>()
  for (const user of users) {
    const place = seen.get(user.id)
    if (!user.enabled || place === undefined) continue
    const disk = disks.get(place.device) ?? {
      path: place.mount.path,
      total: place.total - place.images,
      quotas: 0,
      users: [],
    }
    disk.quotas += quotasOf(user)
    disk.users.push(user.name)
    disks.set(place.device, disk)
  }
  return [...disks.values()].filter((disk) => disk.quotas > disk.total * (1 - reserve))
}
