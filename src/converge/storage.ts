import { basename, dirname, join, sep } from 'node:path'
import { z } from 'zod'
import { TmgenError } from '../errors.ts'
import { markerFile } from '../render/index.ts'
import { servedUsers } from '../resolve/nodes.ts'
import type { DeployedUser, Deployment } from '../resolve/types.ts'
import { tempOf, type World } from '../world.ts'
import { findOverlaps, type Located } from './overlap.ts'
import type { Looked, StorageState } from './types.ts'

const markerSchema = z.strictObject({
  version: z.literal(1),
  workspace: z.string(),
  user: z.string(),
  name: z.string(),
  uid: z.number(),
  imported: z.literal(1).optional(),
})

/** A path as the kernel sees it: links resolved as far as it exists, the rest as written. */
export async function realPath(world: World, path: string): Promise<string> {
  const real = await world.disk.realpath(path)
  if (real !== undefined) return real
  const parent = dirname(path)
  return parent === path
    ? path
    : join(await realPath(world, parent), path.slice(parent === sep ? 1 : parent.length + 1))
}

/** A marker file; `undefined` for anything else, damaged ones too. */
export async function readMarker(world: World, path: string): Promise<z.infer<typeof markerSchema> | undefined> {
  const entry = await world.disk.stat(path)
  if (entry?.kind !== 'file' || entry.size > 4096) return undefined
  try {
    return markerSchema.parse(JSON.parse(new TextDecoder().decode(await world.disk.readFile(path, 4096))))
  } catch (error) {
    if (error instanceof TmgenError) throw error
    return undefined
  }
}

/**
 * Whether the data in a storage folder was there before tmgen (`tmgen import`): such a folder is never deleted, and never
 * moved. One whose marker cannot be read counts as imported.
 * @param folder real path
 */
export async function isImported(world: World, folder: string): Promise<boolean> {
  const marker = await readMarker(world, join(folder, markerFile))
  return marker === undefined || marker.imported === 1
}

/** What lies at a user's storage. */
export async function stateOf(
  world: World,
  deployment: Deployment,
  user: Pick<DeployedUser, 'id' | 'name' | 'uid' | 'storage'>,
): Promise<StorageState> {
  const real = await world.disk.realpath(user.storage)
  const entry = real === undefined ? undefined : await world.disk.stat(real)
  if (real === undefined || entry === undefined) return 'absent'
  if (entry.kind !== 'directory') return 'foreign'
  const marker = await world.disk.stat(join(real, markerFile))
  if (marker === undefined) {
    // lost+found alone is an empty filesystem; a half-written marker is what a killed run left.
    const nothing = ['lost+found', basename(tempOf(markerFile))]
    const names = (await world.disk.list(real)) ?? []
    return names.every((name) => nothing.includes(name)) ? 'empty' : 'unmarked'
  }
  const read = await readMarker(world, join(real, markerFile))
  const isOurs = read?.workspace === deployment.workspace.id && read.user === user.id && read.uid === user.uid
  return !isOurs ? 'foreign' : read.name === user.name ? 'ours' : 'renamed'
}

/** The folder that must exist for a user's storage to be made in it: the root, or the parent of a path of the user's own. */
const homeOf = (user: DeployedUser) => dirname(user.storage)

/**
 * Looks at every user's storage on this host: what lies there, and whether paths overlap each other, the workspace or
 * Docker's root directory, also through links and bind mounts.
 * @returns what lies there per user id, and the faults found (TmgenError `storage`, `disk`)
 */
export async function observeStorage(
  world: World,
  dir: string,
  deployment: Deployment,
): Promise<Looked<Map<string, StorageState>>> {
  const users = servedUsers(deployment)
  const faults: TmgenError[] = []
  const states = new Map<string, StorageState>()
  const homes = new Set([deployment.storageRoot, ...users.map(homeOf)])
  const sound = new Set<string>()
  for (const home of homes) {
    const real = await world.disk.realpath(home)
    const entry = real === undefined ? undefined : await world.disk.stat(real)
    if (entry?.kind === 'directory') sound.add(home)
    else {
      const hint = `make it (mkdir -p ${home}), mount its disk, or set "host: remote" (tmgen init: --host remote) where tmgen does not run on the Docker host`
      faults.push(
        new TmgenError('storage', `storage folder ${home} ${entry ? 'is no folder' : 'does not exist'}`, { hint }),
      )
    }
  }
  for (const user of users) {
    if (!sound.has(homeOf(user))) continue
    const state = await stateOf(world, deployment, user)
    states.set(user.id, state)
    const needed =
      state === 'absent' ? homeOf(user) : state === 'empty' || state === 'renamed' ? user.storage : undefined
    if (needed !== undefined && !(await world.disk.canWrite(needed)))
      faults.push(
        new TmgenError('storage', `no permission to make the storage of ${user.name} in ${needed}`, {
          hint: `run tmgen as the owner of ${needed}, or give it to the user who runs tmgen`,
        }),
      )
  }
  const dockerRoot = await world.host.dockerRoot()
  const named: Located[] = users.map((user) => ({
    what: `storage of ${user.name}`,
    path: user.storage,
    isStorage: true,
  }))
  named.push({ what: 'the workspace', path: dir, isStorage: false })
  const real = await Promise.all(named.map(async (one) => ({ ...one, path: await realPath(world, one.path) })))
  if (dockerRoot !== undefined) {
    // Often in a folder that only root may pass (/root/...): then it is compared as Docker names it.
    const path = await realPath(world, dockerRoot).catch((error) => {
      if (error instanceof TmgenError && error.code === 'disk') return dockerRoot
      throw error
    })
    real.push({ what: "Docker's root directory", path, isStorage: false })
  }
  faults.push(...findOverlaps(real, await world.host.mounts()))
  const notes =
    dockerRoot === undefined ? ["Docker does not answer: storage was not compared with Docker's root directory"] : []
  return { seen: states, faults, notes }
}
