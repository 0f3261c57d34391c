import { dirname, join } from 'node:path'
import { TmgenError } from '../errors.ts'
import { markerFile } from '../render/index.ts'
import type { Deployment, Lock } from '../resolve/types.ts'
import type { World } from '../world.ts'
import { readEnrolled } from './enrolled.ts'
import { observeUse } from './in-use.ts'
import { isImported, readMarker, realPath, stateOf } from './storage.ts'
import type { Leaver, Leaving, Looked, Manifest, Stray } from './types.ts'

/** Beside the storage folders: what removed users left. */
export const archiveFolder = '.tmgen-archive'
/** Marks data of a removed user that had to stay where it is. */
export const removedFile = '.tmgen-removed.json'

/**
 * The user of that name who is in the lock and no longer in the config.
 * @param configured storage as tmgen.yaml named it; what tmgen made and marked (manifest) counts first
 */
export function leaverOf(
  name: string,
  lock: Lock,
  deployment: Deployment,
  manifest: Manifest,
  configured: string | undefined,
): Leaver | undefined {
  const [id, user] = Object.entries(lock.users).find(([, one]) => one.name === name) ?? []
  const node = Object.values(lock.nodes).find((one) => one.owner === id)
  if (id === undefined || user === undefined || node === undefined || !deployment.retired.includes(name))
    return undefined
  const storage = manifest.storage[id] ?? configured ?? `${deployment.storageRoot}/${name}`
  return { id, name, uid: user.uid, hostname: node.hostname, tag: `tag:tm-${name}`, storage }
}

/**
 * Looks at what a leaver has here, and whether anything uses it.
 * @param strays our own containers, which are stopped first
 * @returns faults: data that is gone (a disk that is not mounted), data in use, no answer from Docker
 */
export async function observeLeaving(
  world: World,
  dir: string,
  deployment: Deployment,
  user: Leaver,
  manifest: Manifest,
  strays: readonly Stray[] | undefined,
): Promise<Looked<Leaving>> {
  const enrolled = (await readEnrolled(world, dir, [user.name])).get(user.name)
  if (deployment.host === 'remote')
    return { seen: { user, enrolled, data: { kind: 'elsewhere' } }, faults: [], notes: [] }
  const data = await observeData(world, deployment, user, manifest)
  if (data instanceof TmgenError)
    return { seen: { user, enrolled, data: { kind: 'none', why: '' } }, faults: [data], notes: [] }
  const { faults, notes } =
    data.kind === 'none'
      ? { faults: [], notes: [] }
      : await observeUse(world, { what: `the data of ${user.name}`, path: await realPath(world, user.storage) }, strays)
  if (strays === undefined)
    faults.push(
      new TmgenError('docker', `Docker does not answer: whether the container of ${user.name} runs is not known`, {
        hint: 'start Docker, then run the command again',
      }),
    )
  return { seen: { user, enrolled, data }, faults, notes }
}

async function observeData(
  world: World,
  deployment: Deployment,
  user: Leaver,
  manifest: Manifest,
): Promise<Leaving['data'] | TmgenError> {
  const state = await stateOf(world, deployment, user)
  const real = await realPath(world, user.storage)
  const archive = join(dirname(real), archiveFolder)
  if (state === 'absent' || state === 'empty') {
    const archived = await findArchived(world, archive, deployment, user)
    if (archived !== undefined) return { kind: 'none', why: `the data is in ${archived} already` }
    if (manifest.storage[user.id] === undefined) return { kind: 'none', why: `${user.storage} holds no data` }
    return new TmgenError('storage', `storage ${user.storage} of ${user.name} is gone`, {
      hint: 'mount its disk; if the data is lost for good, have the folder made anew: put the user back, and sudo sh generated/prepare.sh',
    })
  }
  if (state === 'unmarked' || state === 'foreign')
    return { kind: 'none', why: `${user.storage} is not marked as data of ${user.name}: left alone` }
  if ((await world.disk.stat(join(real, removedFile))) !== undefined)
    return { kind: 'none', why: `the data stays in ${real}, marked as removed` }
  const why = (await isImported(world, real)) ? 'it was imported' : await immovable(world, user.storage, real)
  if (why !== undefined) return { kind: 'mark', path: real, why }
  const day = world.now().toISOString().slice(0, 19).replace(/[-:]/g, '')
  return { kind: 'archive', from: real, to: join(archive, `${user.name}-${user.id}-${day}Z`) }
}

/** Why a folder cannot be moved into the archive beside it. */
export async function immovable(world: World, configured: string, real: string): Promise<string | undefined> {
  if ((await world.disk.stat(configured))?.kind === 'symlink') return 'it is reached through a link'
  const mounts = await world.host.mounts()
  if (mounts.some(({ path }) => path === real)) return 'it is a mount point'
  if (mounts.some(({ path }) => path.startsWith(`${real}/`))) return 'something is mounted in it'
  if (!(await world.disk.canWrite(dirname(real)))) return `${dirname(real)} cannot be written to`
  return undefined
}

async function findArchived(
  world: World,
  archive: string,
  deployment: Deployment,
  user: Leaver,
): Promise<string | undefined> {
  for (const name of (await world.disk.list(archive)) ?? []) {
    if (!name.startsWith(`${user.name}-${user.id}-`)) continue
    const marker = await readMarker(world, join(archive, name, markerFile))
    if (marker?.workspace === deployment.workspace.id && marker.user === user.id) return join(archive, name)
  }
  return undefined
}
