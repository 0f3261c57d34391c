import { dirname, join } from 'node:path'
import type { Provider } from '../control/types.ts'
import { TmgenError, TmgenErrors } from '../errors.ts'
import { limitFor, observeFolder, observeLimits, quotasOf, type SeenFolder, type SeenStorage } from '../limits/index.ts'
import type { Tree } from '../render/types.ts'
import { nodesOf } from '../resolve/nodes.ts'
import type { DeployedUser, Deployment } from '../resolve/types.ts'
import type { Disk, World } from '../world.ts'
import { missingAlertFiles } from './alert-files.ts'
import { hasUnserved, observeStrays } from './containers.ts'
import { readEnrolled } from './enrolled.ts'
import { sha256 } from './hash.ts'
import { observeHeadscale } from './headscale-database.ts'
import { headscaleFilesFaults } from './headscale-files.ts'
import { observeUse } from './in-use.ts'
import { observeLeaving } from './leaving.ts'
import { observeNetwork } from './network.ts'
import { observePurge, type PurgeRequest } from './purge.ts'
import { observeRenaming } from './renaming.ts'
import { authKeyPath, passwordPath } from './secrets.ts'
import { observeStack } from './stack.ts'
import { readControl, readManifest } from './state-files.ts'
import { observeStorage } from './storage.ts'
import type { Leaver, LimitWish, Looked, Observed, Said, StorageState } from './types.ts'

/** What of a path counts as content: a link or folder where a file should be can never equal a wanted file. */
async function lookAt(disk: Disk, path: string): Promise<{ sha256: string; mode: number } | undefined> {
  const entry = await disk.stat(path)
  if (entry === undefined) return undefined
  if (entry.kind !== 'file') return { sha256: entry.kind, mode: entry.mode }
  const content = await disk.readFile(path)
  return content === undefined ? undefined : { sha256: sha256(content), mode: entry.mode }
}

/**
 * Refuses links where tmgen writes (a write through one would land outside the workspace), and with `writes` also
 * folders that this user cannot write to, before anything is begun.
 */
async function checkFolders(disk: Disk, dir: string, paths: Iterable<string>, writes: boolean): Promise<void> {
  const folders = new Set(['.'])
  for (const path of paths) for (let at = dirname(path); !folders.has(at); at = dirname(at)) folders.add(at)
  for (const folder of folders) {
    const path = join(dir, folder)
    const entry = await disk.stat(path)
    if (entry === undefined) continue
    if (entry.kind !== 'directory') {
      const what = entry.kind === 'symlink' ? 'a symbolic link' : 'no folder'
      throw new TmgenError('disk', `${folder} in the workspace is ${what}`, {
        hint: 'tmgen writes only into real folders of the workspace: move it back, or mount it there',
      })
    }
    if (writes && !(await disk.canWrite(path)))
      throw new TmgenError('disk', `cannot write to ${path}`, {
        hint: 'run tmgen as the owner of the workspace, on a filesystem that is mounted writable',
      })
  }
}

async function existing(
  world: World,
  dir: string,
  names: readonly string[],
  path: (name: string) => string,
): Promise<Set<string>> {
  const found = new Set<string>()
  for (const name of names) {
    const entry = await world.disk.stat(join(dir, path(name)))
    if (entry?.kind === 'file' && entry.size > 0) found.add(name)
  }
  return found
}

async function observeRemote(provider: Provider): Promise<Observed['remote']> {
  // One after the other: the embedded server is asked through `docker compose exec`, which is heavy in parallel.
  const keys = await provider.listKeys()
  const nodes = await provider.listNodes()
  const users = await provider.listUsers()
  return { keys, nodes, users, policy: await provider.readPolicy(), features: await provider.policyFeatures() }
}

/** What limits of these users depend on. One that gets a filesystem mounted over it must be used by nobody. */
async function observeFolders(
  world: World,
  { users }: Deployment,
  wish: LimitWish,
  limits: ReadonlyMap<string, SeenStorage>,
): Promise<Looked<Map<string, SeenFolder>>> {
  const folders = new Map<string, SeenFolder>()
  const faults: TmgenError[] = []
  const notes: string[] = []
  for (const user of users) {
    const seen = limits.get(user.id)
    if (seen === undefined || !wish.users.includes(user.name)) continue
    const folder = await observeFolder(world, user, seen)
    folders.set(user.id, folder)
    const isEnough = seen.limit.state === 'enforced' && seen.limit.bytes >= limitFor(quotasOf(user))
    if (isEnough || (wish.by !== 'image' && folder.image === undefined)) continue
    const data = { what: `the storage of ${user.name}`, path: seen.path }
    const hint = `docker compose stop samba-${user.name}, and end what else is named; afterwards docker compose up -d`
    const use = await observeUse(world, data, [], hint)
    faults.push(...use.faults)
    notes.push(...use.notes)
  }
  return { seen: folders, faults, notes: [...new Set(notes)] }
}

export interface ObserveRequest {
  dir: string
  deployment: Deployment
  /** The rendered tree; its paths and the manifest's are looked at. */
  tree: Tree
  /** `write`: a control plane that cannot be asked is an error; `read`: a note. */
  remote: 'no' | 'read' | 'write'
  provider: () => Provider
  /** Who is being removed. */
  leaver?: Leaver | undefined
  /** Who is amid a rename that is to be done. */
  renamed?: (DeployedUser & { formerly: string }) | undefined
  /** What to look for of a removed user: the data of those ids, or all that is marked with the name. */
  purge?: PurgeRequest | undefined
  /** `show`: what lies here; `plan`: also the host's networks and disks, whose faults are errors; `write`: also permissions. */
  purpose: 'show' | 'plan' | 'write'
  /** Whether to look at the running containers. */
  stack?: boolean
  /** Whose limits are to be set. */
  limits?: LimitWish | undefined
}

/**
 * Looks at disk, host and control plane; writes nothing.
 * @throws TmgenErrors with all faults of host and storage (`network`, `storage`); TmgenError `disk`, `control-*`
 */
export async function observe(world: World, request: ObserveRequest): Promise<Observed> {
  const { dir, deployment, tree } = request
  const manifest = await readManifest(world, dir)
  const control = (await readControl(world, dir)) ?? { version: 1, users: {} }
  const names = deployment.users.map((user) => user.name)
  const nodes = nodesOf(deployment).map((node) => node.name)
  const paths = new Set([...tree.keys(), ...Object.keys(manifest.files)])
  const written = [
    ...paths,
    ...nodes.map(authKeyPath),
    ...names.map(passwordPath),
    'state/x',
    'state/gateway/x',
    'state/status/x',
    'secrets/monitor/users/x',
  ]
  await checkFolders(world.disk, dir, written, request.purpose === 'write')

  const notes: string[] = []
  const faults: TmgenError[] = []
  const say = (said: Said) => {
    faults.push(...said.faults)
    notes.push(...said.notes)
  }
  const take = <T>(looked: Looked<T>): T => {
    say(looked)
    return looked.seen
  }
  let storage = new Map<string, StorageState>()
  let limits: ReadonlyMap<string, SeenStorage> = new Map()
  let folders: Observed['folders']
  let strays: Observed['strays']
  if (request.purpose !== 'show' && deployment.host === 'remote')
    notes.push('host: remote: ports, subnets and storage of the Docker host were not looked at')
  else if (request.purpose !== 'show') {
    say(await observeNetwork(world, deployment))
    storage = take(await observeStorage(world, dir, deployment))
    faults.push(...(await headscaleFilesFaults(world, deployment)))
    limits = await observeLimits(world, deployment)
    if (request.limits !== undefined) folders = take(await observeFolders(world, deployment, request.limits, limits))
    if (hasUnserved(deployment)) strays = await observeStrays(world, deployment)
  }
  const { leaver, renamed } = request
  const leaving = leaver && take(await observeLeaving(world, dir, deployment, leaver, manifest, strays))
  const renaming = renamed && take(await observeRenaming(world, dir, deployment, renamed, manifest, strays))
  const purge = request.purge && take(await observePurge(world, deployment, request.purge))
  if (faults.length > 0) throw new TmgenErrors(faults)
  if (request.purpose !== 'show')
    for (const file of await missingAlertFiles(world, dir, deployment))
      notes.push(`${file} is not there, so that nobody is told that way: docs/how-to/alerts.md`)

  const files = new Map<string, { sha256: string; mode: number }>()
  for (const path of paths) {
    const found = await lookAt(world.disk, join(dir, path))
    if (found !== undefined) files.set(path, found)
  }
  let remote: Observed['remote']
  if (request.remote !== 'no') {
    try {
      remote = await observeRemote(request.provider())
    } catch (error) {
      if (request.remote === 'write' || !(error instanceof TmgenError)) throw error
      notes.push(`the control plane was not looked at: ${error.message}`)
    }
  }
  const running = request.stack === true ? await observeStack(world, request, files) : undefined
  if (running?.note !== undefined) notes.push(running.note)
  return {
    manifest,
    control,
    files,
    stack: running?.view,
    passwords: await existing(world, dir, names, passwordPath),
    authKeys: await existing(world, dir, nodes, authKeyPath),
    enrolled: await readEnrolled(world, dir, nodes),
    storage,
    limits,
    ...(folders === undefined ? {} : { folders }),
    strays,
    headscale: await observeHeadscale(world, dir, deployment),
    leaving,
    renaming,
    purge,
    remote,
    notes,
  }
}
