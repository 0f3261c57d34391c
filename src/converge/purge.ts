import { dirname, join } from 'node:path'
import { z } from 'zod'
import { TmgenError } from '../errors.ts'
import { markerFile } from '../render/index.ts'
import type { Deployment } from '../resolve/types.ts'
import type { ForeignFolder, World } from '../world.ts'
import { observeUse } from './in-use.ts'
import { archiveFolder, removedFile } from './leaving.ts'
import { realPath } from './storage.ts'
import type { Looked, Observed, Purgeable, Step } from './types.ts'

/** Whose data, and of which users of that name: without `ids` all who are removed. */
export interface PurgeRequest {
  user: string
  ids?: readonly string[] | undefined
  /** Storage of the user, where it is known: data that stayed in place may lie there. */
  storage?: string | undefined
}

/**
 * The marker as tmgen writes it for data that it made itself. Strict: a marker that says more (data that was imported,
 * a newer tmgen) is none that makes data ours to delete.
 */
const ownMarker = z.strictObject({
  version: z.literal(1),
  workspace: z.string(),
  user: z.string(),
  name: z.string(),
  uid: z.number(),
})
const removedMark = z.strictObject({
  version: z.literal(1),
  workspace: z.string(),
  user: z.string(),
  name: z.string(),
  removed: z.string(),
})
/** Both are far smaller; in bytes. */
const maxMarker = 4096

async function readAs<T>(folder: ForeignFolder, name: string, schema: z.ZodType<T>): Promise<T | 'absent' | 'other'> {
  if ((await folder.stat(name)) === undefined) return 'absent'
  const bytes = await folder.read(name, maxMarker)
  try {
    return schema.parse(JSON.parse(new TextDecoder().decode(bytes)))
  } catch {
    return 'other'
  }
}

/** Whether an open folder is what a removed user of this workspace left. */
async function isLeft(folder: ForeignFolder, workspace: string, userId: string, isInPlace: boolean): Promise<boolean> {
  const marker = await readAs(folder, markerFile, ownMarker)
  const isHis = (read: { workspace: string; user: string }) => read.workspace === workspace && read.user === userId
  if (isInPlace) {
    const mark = await readAs(folder, removedFile, removedMark)
    // The marker goes first, the mark last: what a killed run left may have the mark alone.
    return (
      typeof mark !== 'string' && isHis(mark) && (marker === 'absent' || (typeof marker !== 'string' && isHis(marker)))
    )
  }
  // What a killed run left of an archived folder may be an empty one.
  if (marker === 'absent') return (await folder.names(1)).names.length === 0
  return typeof marker !== 'string' && isHis(marker)
}

/** Finds what removed users of a name left: in the archives beside the storage folders, and marked in place. */
export async function findPurgeable(
  world: World,
  deployment: Deployment,
  { user, ids, storage }: PurgeRequest,
): Promise<{ found: Purgeable[]; notes: string[] }> {
  const workspace = deployment.workspace.id
  const found: Purgeable[] = []
  const notes: string[] = []
  // A name that nobody can have leads nowhere.
  if (!/^[a-z][a-z0-9-]*$/.test(user)) return { found, notes }
  const isWanted = (id: string) => ids?.includes(id) ?? true
  const places = [`${deployment.storageRoot}/${user}`, ...deployment.users.map((one) => one.storage)]
  if (storage !== undefined) places.push(storage)
  const real = new Set<string>()
  for (const place of places) real.add(await realPath(world, place))
  const root = await realPath(world, deployment.storageRoot)
  for (const home of new Set([root, ...[...real].map((path) => dirname(path))])) {
    const archive = join(home, archiveFolder)
    for (const name of (await world.disk.list(archive)) ?? []) {
      const [, userName, id] = /^(.+)-(u[1-9]\d{0,8})-\d{8}T\d{6}Z$/.exec(name) ?? []
      if (userName !== user || id === undefined || !isWanted(id)) continue
      const path = join(archive, name)
      const isHis = await world.disk.foreign(path, (folder) => isLeft(folder, workspace, id, false))
      if (isHis === true) found.push({ userId: id, path, isInPlace: false })
      else notes.push(`${path} is left alone: it is not marked as data of ${user} that tmgen made`)
    }
  }
  for (const path of real) {
    const mark = await world.disk.foreign(path, (folder) => readAs(folder, removedFile, removedMark))
    if (mark === undefined || mark === 'absent') continue
    const isNamed = mark !== 'other' && mark.name === user && mark.workspace === workspace && isWanted(mark.user)
    if (!isNamed) continue
    const isHis = await world.disk.foreign(path, (folder) => isLeft(folder, workspace, mark.user, true))
    if (isHis === true) found.push({ userId: mark.user, path, isInPlace: true })
    else notes.push(`${path} is left alone: it is not marked as data of ${user} that tmgen made`)
  }
  return { found, notes }
}

/** As findPurgeable; faults: something is mounted there, or uses the data. */
export async function observePurge(
  world: World,
  deployment: Deployment,
  request: PurgeRequest,
): Promise<Looked<NonNullable<Observed['purge']>>> {
  const { found, notes } = await findPurgeable(world, deployment, request)
  const faults: TmgenError[] = []
  const mounts = await world.host.mounts()
  for (const { path } of found) {
    for (const mount of mounts.filter((one) => one.path.startsWith(`${path}/`)))
      faults.push(
        new TmgenError('storage', `${mount.path} is mounted in what is to be deleted`, {
          hint: 'unmount it, then run the same command again',
        }),
      )
    const use = await observeUse(world, { what: `the data of ${request.user}`, path })
    faults.push(...use.faults)
    notes.push(...use.notes)
  }
  return { seen: { user: request.user, found }, faults, notes }
}

/** Deletes one such folder; its markers go last, so that a run that was stopped can go on. */
export async function purge(
  world: World,
  workspace: string,
  { path, userId, isInPlace }: Extract<Step, { kind: 'purge-storage' }>,
  tell: (progress: string) => void,
): Promise<void> {
  await world.disk.empty(path, {
    isOurs: (folder) => isLeft(folder, workspace, userId, isInPlace),
    last: isInPlace ? [markerFile, removedFile] : [markerFile],
    onCount: (deleted) => tell(`${deleted.toLocaleString('en')} files`),
  })
  // A mount point stays, empty.
  if ((await world.host.mounts()).some((mount) => mount.path === path)) return
  await world.disk.removeEmptyDir(path)
  if (!isInPlace) await world.disk.removeEmptyDir(dirname(path))
}
