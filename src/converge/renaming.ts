import { dirname, join } from 'node:path'
import { TmgenError } from '../errors.ts'
import { alertsPath } from '../render/index.ts'
import type { DeployedUser, Deployment } from '../resolve/types.ts'
import type { World } from '../world.ts'
import { readEnrolled } from './enrolled.ts'
import { observeUse } from './in-use.ts'
import { immovable } from './leaving.ts'
import { authKeyPath, passwordPath } from './secrets.ts'
import { realPath, stateOf } from './storage.ts'
import type { Looked, Manifest, Renaming, Stray } from './types.ts'

/** The default place of a user's storage. */
export const usualStorage = (root: string, name: string) => `${root}/${name}`

/** Why the storage folder of a user cannot take the new name by one rename; `undefined`: it can. */
export async function whyStays(world: World, from: string, to: string): Promise<string | undefined> {
  if ((await world.disk.stat(from)) === undefined) return undefined
  const why = await immovable(world, from, await realPath(world, from))
  if (why !== undefined) return why
  return (await world.disk.stat(to)) === undefined ? undefined : `${to} is there already`
}

/**
 * Looks at what still lies under the former name of a user who is being renamed, and whether anything uses it.
 * @param user `formerly` is set
 * @param strays our own containers, which are stopped first
 * @returns faults: something in the way, data that is gone or in use, no answer from Docker
 */
export async function observeRenaming(
  world: World,
  dir: string,
  deployment: Deployment,
  user: DeployedUser & { formerly: string },
  manifest: Manifest,
  strays: readonly Stray[] | undefined,
): Promise<Looked<Renaming>> {
  const { id, name: to, formerly: from, hostname, tag } = user
  const faults: TmgenError[] = []
  const notes: string[] = []
  const enrolled = await readEnrolled(world, dir, [from, to])
  const files: Renaming['files'] = []
  for (const pathOf of [(name: string) => dirname(passwordPath(name)), authKeyPath, alertsPath, nodeStatePath]) {
    const [old, wanted] = [pathOf(from), pathOf(to)]
    if ((await world.disk.stat(join(dir, old))) === undefined) continue
    files.push({ from: old, to: wanted })
    if ((await world.disk.stat(join(dir, wanted))) !== undefined)
      faults.push(
        new TmgenError('disk', `${wanted} in the workspace is in the way of ${old}`, {
          hint: 'move it elsewhere, then run the command again',
        }),
      )
  }
  const renaming: Renaming = {
    id,
    from,
    to,
    hostname,
    oldTag: `tag:tm-${from}`,
    tag,
    enrolled: enrolled.get(from) ?? enrolled.get(to),
    files,
  }
  const storage = await observeStorageOf(world, deployment, user, manifest)
  if (storage instanceof TmgenError) faults.push(storage)
  else if (storage !== undefined) {
    renaming.storage = storage
    const use = await observeUse(
      world,
      { what: `the data of ${from}`, path: await realPath(world, storage.from) },
      strays,
    )
    faults.push(...use.faults)
    notes.push(...use.notes)
  }
  if (strays === undefined)
    faults.push(
      new TmgenError('docker', `Docker does not answer: whether the container of ${from} runs is not known`, {
        hint: 'start Docker, then run the command again',
      }),
    )
  return { seen: renaming, faults, notes }
}

export const nodeStatePath = (name: string) => `state/gateway/${name}`

async function observeStorageOf(
  world: World,
  deployment: Deployment,
  user: DeployedUser & { formerly: string },
  manifest: Manifest,
): Promise<Renaming['storage'] | TmgenError> {
  const from = manifest.storage[user.id]
  // Never made here, or it stays where it is.
  if (from === undefined || from === user.storage) return undefined
  const isHis = (state: string) => state === 'ours' || state === 'renamed'
  const [old, wanted] = [
    await stateOf(world, deployment, { ...user, storage: from }),
    await stateOf(world, deployment, user),
  ]
  if (isHis(wanted) && old === 'absent') return undefined
  if (!isHis(old))
    return new TmgenError('storage', `storage ${from} of ${user.formerly} is gone, or not marked as such`, {
      hint: 'mount its disk, then run the command again',
    })
  if (wanted !== 'absent')
    return new TmgenError('storage', `${user.storage} is in the way of ${from}`, {
      hint: `move it elsewhere, or write storage: ${from} under ${user.name} in tmgen.yaml; then run the command again`,
    })
  return { from: await realPath(world, from), to: await realPath(world, user.storage) }
}
