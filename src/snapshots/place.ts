import { dirname, join } from 'node:path'
import { mountOf } from '../converge/overlap.ts'
import { isDataset } from '../limits/read.ts'
import type { DeployedUser } from '../resolve/types.ts'
import type { World } from '../world.ts'
import type { Place } from './types.ts'

/** Folder beside the storage folders that holds snapshots, of each user in one by the id, which never changes. */
export const snapshotsFolder = '.tmgen-snapshots'

const none = (why: string): Place => ({ kind: 'none', why })

/** Where snapshots of a user's storage can lie: it is a subvolume, or dataset, of its own. */
export async function placeOf(world: World, { id, storage }: Pick<DeployedUser, 'id' | 'storage'>): Promise<Place> {
  const real = await world.disk.realpath(storage)
  if (real === undefined) return none('the storage is not there')
  const mounts = await world.host.mounts()
  const mount = mountOf(real, mounts)
  if (mount?.type === 'zfs') {
    const dataset = mount.source ?? ''
    if (mount.path !== real || !isDataset(dataset)) return none('it is no ZFS dataset of its own')
    return { kind: 'zfs', path: real, dataset }
  }
  if (mount?.type !== 'btrfs') return none(`${mount?.type ?? 'its filesystem'} has no snapshots`)
  const above = dirname(real)
  if (mountOf(above, mounts)?.device !== mount.device) return none('nothing beside it lies on the same Btrfs')
  const [own, beside] = [await world.disk.space(real), await world.disk.space(above)]
  // Each subvolume has a device number of its own.
  if (own === undefined || own.device === beside?.device) return none('it is no Btrfs subvolume of its own')
  const entry = await world.disk.stat(above)
  // Root makes and deletes there: nobody else may put a link in its way.
  if (entry?.uid !== 0 || (entry.mode & 0o022) !== 0) return none(`others than root may write to ${above}`)
  return { kind: 'btrfs', path: real, folder: join(above, snapshotsFolder, id) }
}
