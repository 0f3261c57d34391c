import { basename, dirname, join } from 'node:path'
import { ensureFolder } from '../converge/folders.ts'
import { hostPath, unadopted } from '../converge/host.ts'
import { withMachine } from '../converge/machine.ts'
import { removeTree } from '../converge/remove-tree.ts'
import { stateText } from '../converge/state-files.ts'
import { TmgenError } from '../errors.ts'
import type { World } from '../world.ts'
import { modeAt } from './places.ts'
import type { Archive } from './types.ts'

/** Where a restore is put together, inside an empty folder, so that it belongs to the folder's owner. */
const inside = '.tmgen-restore'

/**
 * Makes the workspace of a backup in `dir`, which must be absent or empty: written beside it, then renamed, so that a
 * kill leaves nothing half done. It belongs to no host until `tmgen adopt`.
 * @throws TmgenError `usage` where something lies in `dir`; `disk`
 */
export async function restoreInto(world: World, dir: string, { files }: Archive): Promise<void> {
  const { disk } = world
  await makeParents(world, dirname(dir))
  const parent = (await disk.realpath(dirname(dir))) ?? dirname(dir)
  const target = join(parent, basename(dir))
  const staged = join(parent, `.${basename(dir)}.tmgen-restore`)
  const exists = await checkEmpty(world, target)
  for (const left of [staged, join(target, inside)]) await removeTree(world, left)

  const stage = exists === undefined ? staged : join(target, inside)
  await disk.makeDir(stage, exists?.mode ?? 0o755)
  const owner = await disk.stat(stage)
  const hasId = (await world.host.machineId()) !== undefined
  for (const { path, content } of files) {
    await ensureFolder(world, stage, dirname(path))
    const text =
      path === '.env' && owner ? withMachine(ownedBy(Buffer.from(content).toString(), owner), hasId) : content
    await disk.writeFile(join(stage, path), text, modeAt(path))
  }
  await ensureFolder(world, stage, 'state')
  await disk.writeFile(join(stage, hostPath), stateText(unadopted), 0o600)

  if (exists !== undefined) {
    await move(world, stage, staged)
    await disk.removeEmptyDir(target)
  }
  await move(world, staged, target)
}

/** The entry of an empty folder; `undefined` where there is none. */
async function checkEmpty(world: World, target: string) {
  const entry = await world.disk.stat(target)
  if (entry === undefined) return undefined
  const names = entry.kind === 'directory' ? ((await world.disk.list(target)) ?? []) : undefined
  if (names?.every((name) => name === inside)) return entry
  throw new TmgenError(
    'usage',
    `${target} is ${names ? 'not empty' : 'no folder'}: a backup is restored into a folder of its own`,
    {
      hint: 'name one that does not exist yet: tmgen restore FILE DIR',
    },
  )
}

async function move(world: World, from: string, to: string): Promise<void> {
  if (await world.disk.rename(from, to)) return
  await removeTree(world, from)
  throw new TmgenError('disk', `${from} cannot be renamed to ${to}: a mount point, or another filesystem`, {
    hint: 'restore into a new folder below it',
  })
}

/** The gateway runs as the owner of the workspace, who may have another number here. */
const ownedBy = (env: string, { uid, gid }: { uid: number; gid: number }) =>
  env.replace(/^TMGEN_UID=.*$/m, `TMGEN_UID=${uid}`).replace(/^TMGEN_GID=.*$/m, `TMGEN_GID=${gid}`)

async function makeParents(world: World, dir: string): Promise<void> {
  if ((await world.disk.realpath(dir)) !== undefined) return
  await makeParents(world, dirname(dir))
  await ensureFolder(world, dirname(dir), basename(dir))
}
