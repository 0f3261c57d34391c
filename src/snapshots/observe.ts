import { TmgenError } from '../errors.ts'
import type { World } from '../world.ts'
import { zfsPrefix } from './commands.ts'
import { snapshotOf } from './name.ts'
import type { Place, Snapshot } from './types.ts'

/** ms */
const timeoutMs = 30_000

/** The snapshots that there are, oldest first; what is none of ours is left out. @throws TmgenError `storage` */
export async function snapshotsIn(world: World, place: Place): Promise<Snapshot[]> {
  const names =
    place.kind === 'none' ? [] : place.kind === 'btrfs' ? await btrfs(world, place) : await zfs(world, place)
  return names.flatMap((name) => snapshotOf(name) ?? []).sort((a, b) => a.takenAt - b.takenAt)
}

const btrfs = async (world: World, { folder }: Extract<Place, { kind: 'btrfs' }>) =>
  (await world.disk.list(folder)) ?? []

async function zfs(world: World, { dataset }: Extract<Place, { kind: 'zfs' }>): Promise<string[]> {
  const args = ['list', '-H', '-o', 'name', '-t', 'snapshot', '-d', '1', dataset]
  const { exitCode, stdout, stderr } = await world.tools.run('zfs', args, { timeoutMs })
  if (exitCode !== 0)
    throw new TmgenError('storage', `zfs list ${dataset}: ${stderr.trim().split('\n')[0]?.slice(0, 200) || 'failed'}`)
  const prefix = `${dataset}@${zfsPrefix}`
  return stdout.split('\n').flatMap((line) => (line.startsWith(prefix) ? line.slice(prefix.length) : []))
}
