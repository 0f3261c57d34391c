import { basename, join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import type { Config } from '../config/index.ts'
import { TmgenError, TmgenErrors } from '../errors.ts'
import { markerFile } from '../render/index.ts'
import { dashboardName, type Lock, parseLock, type Trace, type Traces } from '../resolve/index.ts'
import type { World } from '../world.ts'
import { readJournal } from './journal.ts'
import { archiveFolder, removedFile } from './leaving.ts'
import { readControl, readManifest, readMirror } from './state-files.ts'
import { readMarker } from './storage.ts'

/** Largest generated file that is read, in bytes: 1,000 users make about 1 MiB of compose. */
const maxBytes = 64 * 1024 * 1024

/** All that storage, state, generated/ and an older lock tell of who has which numbers. Writes nothing. */
export async function findTraces(
  world: World,
  dir: string,
  config: Config,
): Promise<{ traces: Traces; notes: string[] }> {
  const traces: Traces = { workspaces: [], users: [], dashboard: [], mirror: await readMirror(world, dir), serials: [] }
  const notes: string[] = []
  await fromLocks(world, dir, traces, notes)
  await fromGenerated(world, dir, traces)
  const control = await readControl(world, dir)
  for (const id of Object.keys(control?.users ?? {}))
    if (id !== dashboardName) traces.users.push({ source: 'state/control.json', kind: 'state', id })
  if (config.host === 'remote') notes.push('host: remote: the storage is elsewhere and was not looked at')
  else await fromStorage(world, dir, config, traces, notes)
  return { traces, notes }
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

function fromLock(lock: Lock, source: string, traces: Traces): void {
  traces.workspaces.push({ source, id: lock.workspace })
  traces.serials.push(lock.serial)
  traces.dashboard.push(...Object.values(lock.nodes).filter(({ owner }) => owner === dashboardName))
  for (const [id, { name, uid, destinations }] of Object.entries(lock.users)) {
    const node = Object.values(lock.nodes).find(({ owner }) => owner === id)
    const { hostname, udpPort, pinEpoch } = node ?? {}
    traces.users.push({
      source,
      kind: 'lock',
      id,
      name,
      uid,
      ip: destinations.timemachine.ip,
      hostname,
      udpPort,
      pinEpoch,
    })
  }
}

/** A lock that is there and older, and the one that an interrupted run was about to write. */
async function fromLocks(world: World, dir: string, traces: Traces, notes: string[]): Promise<void> {
  const found = await world.disk.readFile(join(dir, 'tmgen.lock.json'), maxBytes)
  const planned = (await readJournal(world, dir))?.lock.after
  const all = [
    { source: 'tmgen.lock.json', bytes: found },
    { source: 'state/journal.json', bytes: planned === undefined ? undefined : Buffer.from(planned) },
  ]
  for (const { source, bytes } of all) {
    if (bytes === undefined) continue
    try {
      fromLock(parseLock(bytes, source), source, traces)
    } catch (error) {
      if (!(error instanceof TmgenErrors || error instanceof TmgenError)) throw error
      notes.push(`${source} is damaged and was not used`)
    }
  }
}

const composeSchema = z.object({
  services: z.record(
    z.string(),
    z.object({
      environment: z
        .object({ TMGEN_USER: z.string(), TMGEN_USER_ID: z.string(), TMGEN_UID: z.coerce.number() })
        .optional(),
      networks: z
        .object({ shares: z.object({ ipv4_address: z.string().optional() }).optional() })
        .optional()
        .catch(undefined),
      labels: z.record(z.string(), z.unknown()).optional().catch(undefined),
    }),
  ),
})
const gatewaySchema = z.object({
  apps: z.object({
    tailscale: z.object({
      nodes: z.record(
        z.string(),
        z.object({ hostname: z.string(), port: z.number(), pin_epoch: z.number().optional() }),
      ),
    }),
  }),
})

async function fromGenerated(world: World, dir: string, traces: Traces): Promise<void> {
  const read = async <T>(path: string, schema: z.ZodType<T>, parseText: (text: string) => unknown) => {
    const bytes = await world.disk.readFile(join(dir, path), maxBytes)
    if (bytes === undefined) return undefined
    try {
      return schema.safeParse(parseText(text(bytes))).data
    } catch {
      return undefined // damaged: it tells nothing
    }
  }
  const [composeFile, gatewayFile] = ['generated/docker-compose.yml', 'generated/caddy/config.json']
  const compose = await read(composeFile, composeSchema, (yaml) => parse(yaml, { merge: true, maxAliasCount: -1 }))
  const gateway = await read(gatewayFile, gatewaySchema, (json) => JSON.parse(json))
  const page = gateway?.apps.tailscale.nodes[dashboardName]
  if (page !== undefined) traces.dashboard.push({ ...page, udpPort: page.port, pinEpoch: page.pin_epoch })
  const workspace = compose?.services.gateway?.labels?.['tmgen.workspace']
  if (typeof workspace === 'string') traces.workspaces.push({ source: composeFile, id: workspace })
  for (const { environment, networks } of Object.values(compose?.services ?? {})) {
    if (environment === undefined || !/^u[1-9]\d{0,8}$/.test(environment.TMGEN_USER_ID)) continue
    const { TMGEN_USER: name, TMGEN_USER_ID: id, TMGEN_UID: uid } = environment
    traces.users.push({ source: composeFile, kind: 'generated', id, name, uid, ip: networks?.shares?.ipv4_address })
    const node = gateway?.apps.tailscale.nodes[name]
    if (node !== undefined) {
      const { hostname, port: udpPort, pin_epoch: pinEpoch } = node
      traces.users.push({ source: gatewayFile, kind: 'generated', id, hostname, udpPort, pinEpoch })
    }
  }
}

/** Markers of the folders that tmgen.yaml and the manifest name, and of all below storage.root and its archive. */
async function fromStorage(world: World, dir: string, config: Config, traces: Traces, notes: string[]): Promise<void> {
  const { root } = config.storage
  const manifest = await readManifest(world, dir)
  const list = async (folder: string) => ((await world.disk.list(folder)) ?? []).map((name) => join(folder, name))
  const named = [
    ...config.users.map((user) => user.storage ?? join(root, user.name)),
    ...Object.values(manifest.storage),
  ]
  const homes = new Set([root, ...named.map((path) => join(path, '..'))])
  const archived = (await Promise.all([...homes].map((home) => list(join(home, archiveFolder))))).flat()
  const seen = new Set<string>()
  for (const path of [...named, ...(await list(root)), ...archived]) {
    const real = await world.disk.realpath(path)
    if (real === undefined || seen.has(real) || basename(path) === archiveFolder) continue
    seen.add(real)
    const isNamed = named.includes(path)
    await fromFolder(world, path, real, archived.includes(path), isNamed, traces, notes)
  }
  for (const [id, path] of Object.entries(manifest.storage))
    traces.users.push({ source: `state/manifest.json (${path})`, kind: 'state', id })
}

async function fromFolder(
  world: World,
  path: string,
  real: string,
  isArchived: boolean,
  isNamed: boolean,
  traces: Traces,
  notes: string[],
): Promise<void> {
  const marker = await readMarker(world, join(real, markerFile))
  if (marker === undefined || !/^u[1-9]\d{0,8}$/.test(marker.user)) {
    if (isNamed) notes.push(`${path} has no marker of tmgen: it tells nothing`)
    return
  }
  const { workspace, user: id, name, uid } = marker
  // Another workspace may keep its people below the same root, but not in a folder of ours.
  const others = traces.mirror !== undefined && traces.mirror.workspace !== workspace
  if (others && !isNamed) return void notes.push(`${path} belongs to workspace ${workspace} and was left out`)
  const isRemoved = isArchived || (await world.disk.stat(join(real, removedFile))) !== undefined
  traces.workspaces.push({ source: path, id: workspace })
  const trace: Trace = { source: path, kind: isRemoved ? 'removed' : 'marker', id, name, uid }
  if (marker.imported === 1) trace.imported = true
  traces.users.push(trace)
  if (!isRemoved) await fromOwners(world, real, trace, traces)
}

/** The share folders belong to the user; root owns one that nobody has used yet. */
async function fromOwners(world: World, real: string, { id, source }: Trace, traces: Traces): Promise<void> {
  for (const name of (await world.disk.list(real)) ?? []) {
    const entry = await world.disk.stat(join(real, name))
    if (entry?.kind !== 'directory' || name === 'lost+found' || entry.uid === 0) continue
    traces.users.push({ source: `owner of ${source}/${name}`, kind: 'state', id, uid: entry.uid })
  }
}
