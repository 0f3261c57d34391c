import type { AllocationMirror } from '../converge/types.ts'
import { allocate, type ResolveInput } from './allocate.ts'
import { newLock } from './lock.ts'
import { dashboardName } from './nodes.ts'
import type { Lock } from './types.ts'

/** What one place tells of one user. */
export interface Trace {
  /** Where it was found, for people. */
  source: string
  id: string
  name?: string | undefined
  uid?: number | undefined
  ip?: string | undefined
  udpPort?: number | undefined
  hostname?: string | undefined
  pinEpoch?: number | undefined
  /** The data was there before tmgen: its UID was not dealt. */
  imported?: true
  /**
   * `marker`: the user's storage folder, of which there is one; `removed`: data that a removed user left, which keeps
   * its number from being dealt again; `lock`: a lock that may be older, which fills what nothing else tells.
   */
  kind: 'marker' | 'removed' | 'generated' | 'lock' | 'state'
}

/** All that was found of a workspace. */
export interface Traces {
  /** Ids of the workspace, and where each was found. */
  workspaces: { source: string; id: string }[]
  users: Trace[]
  /** What is told of the dashboard's node; what counts most comes last. */
  dashboard: Pick<Trace, 'hostname' | 'udpPort' | 'pinEpoch'>[]
  mirror: AllocationMirror | undefined
  /** Serials of the locks that were found. */
  serials: number[]
}

export interface Rebuilt {
  /** Not to be written where there are contradictions. */
  lock: Lock
  /** Two places that cannot both be right, and users of whom too little is known. */
  contradictions: string[]
  /** Ids of users whose address or port is dealt anew. */
  renumbered: string[]
  /** Users of tmgen.yaml of whom nothing was found. */
  fresh: string[]
}

type Field = 'name' | 'uid' | 'ip' | 'udpPort' | 'hostname' | 'pinEpoch'
const fieldNames: Record<Field, string> = {
  name: 'name',
  uid: 'UID',
  ip: 'address',
  udpPort: 'UDP port',
  hostname: 'host name',
  pinEpoch: 'pin epoch',
}
/** A lock that is older tells these as they were then: a changed range or a rename moves them. */
const mayMove: ReadonlySet<Field> = new Set(['name', 'ip', 'udpPort', 'hostname', 'pinEpoch'])

/** The lock that fits all traces; pure. Numbers that nothing tells are dealt by the rules of allocate. */
export function rebuildLock(parsed: ResolveInput, traces: Traces): Rebuilt {
  const contradictions: string[] = []
  const workspace = workspaceOf(traces, contradictions)
  const lock = newLock(workspace)
  const ids = [...new Set(traces.users.filter(({ kind }) => kind !== 'removed').map(({ id }) => id))].filter(
    (id) => !isGone(id, traces.users),
  )
  const renumbered: string[] = []
  for (const id of ids.sort((a, b) => numberOf(a) - numberOf(b))) {
    const seen = traces.users.filter((trace) => trace.id === id && trace.kind !== 'removed')
    const markers = seen.filter(({ kind }) => kind === 'marker').map(({ source }) => source)
    if (markers.length > 1) contradictions.push(`${id} has two markers: ${markers.join(' and ')}`)
    const value = <F extends Field>(field: F) => agreed(id, field, seen, contradictions)
    const [name, uid, ip, udpPort, pinEpoch] = [
      value('name'),
      value('uid'),
      value('ip'),
      value('udpPort'),
      value('pinEpoch'),
    ]
    const hostname = value('hostname')
    if (name === undefined || uid === undefined) {
      const where = seen.map(({ source }) => source).join(', ')
      contradictions.push(`${id} is known to ${where}, and nothing tells its ${name === undefined ? 'name' : 'UID'}`)
      continue
    }
    if (ip === undefined || udpPort === undefined) renumbered.push(id)
    const imported = seen.some((trace) => trace.imported) ? { imported: true as const } : {}
    lock.users[id] = { name, uid, ...imported, destinations: { timemachine: { ip: ip ?? '' } } }
    // Users and nodes are dealt together, one of each.
    lock.nodes[`n${numberOf(id)}`] = {
      owner: id,
      hostname: hostname ?? `tm-${name}`,
      udpPort: udpPort ?? 0,
      ...(pinEpoch === undefined ? {} : { pinEpoch }),
    }
  }
  for (const field of ['name', 'uid', 'ip', 'udpPort', 'hostname'] as const) findTwice(lock, field, contradictions)
  raiseCounters(lock, traces)
  if (parsed.config.dashboard !== undefined) addDashboard(lock, traces)
  const known = new Set(Object.values(lock.users).map(({ name }) => name))
  const fresh = parsed.config.users.map(({ name }) => name).filter((name) => !known.has(name))
  const whole = contradictions.length > 0 ? lock : allocate(parsed, lock)
  return { lock: whole, contradictions, renumbered, fresh }
}

/** Its node, as it was where anything tells; allocate deals what is missing, and what a user has. */
function addDashboard(lock: Lock, { dashboard }: Traces): void {
  const { hostname, udpPort, pinEpoch } = dashboard.at(-1) ?? {}
  if (hostname === undefined) return
  const isTaken = Object.values(lock.nodes).some((node) => node.udpPort === udpPort)
  lock.nodes[`n${lock.next.node++}`] = {
    owner: dashboardName,
    hostname,
    udpPort: isTaken ? 0 : (udpPort ?? 0),
    ...(pinEpoch === undefined ? {} : { pinEpoch }),
  }
}

/** Only an older lock still knows the user, whose data says that he was removed. */
function isGone(id: string, users: readonly Trace[]): boolean {
  const kinds = users.filter((trace) => trace.id === id).map(({ kind }) => kind)
  return kinds.includes('removed') && kinds.every((kind) => kind === 'removed' || kind === 'lock')
}

const numberOf = (id: string) => Number(id.slice(1))

function workspaceOf({ workspaces, mirror }: Traces, contradictions: string[]): string {
  const all = mirror ? [...workspaces, { source: 'state/allocation.json', id: mirror.workspace }] : workspaces
  const [first, ...rest] = all
  const other = rest.find(({ id }) => id !== first?.id)
  if (first === undefined)
    contradictions.push('nothing tells the id of the workspace: no marker, no state, no generated/')
  else if (other !== undefined)
    contradictions.push(`two workspaces: ${first.id} (${first.source}) and ${other.id} (${other.source})`)
  return first?.id ?? ''
}

/** The one value of a field; an older lock counts where nothing else tells. */
function agreed<F extends Field>(id: string, field: F, seen: readonly Trace[], contradictions: string[]): Trace[F] {
  const told = seen.filter((trace) => trace[field] !== undefined)
  const sure = told.filter(({ kind }) => kind !== 'lock' || !mayMove.has(field))
  const [first, ...rest] = sure.length > 0 ? sure : told
  const other = rest.find((trace) => trace[field] !== first?.[field])
  if (first !== undefined && other !== undefined && sure.length > 0)
    contradictions.push(
      `${fieldNames[field]} of ${id}: ${first[field]} (${first.source}) and ${other[field]} (${other.source})`,
    )
  return first?.[field]
}

function findTwice(lock: Lock, field: Exclude<Field, 'pinEpoch'>, contradictions: string[]): void {
  const seen = new Map<string | number, string>()
  const all = [
    ...Object.entries(lock.users).map(([id, user]) => ({
      id,
      name: user.name,
      uid: user.uid,
      ip: user.destinations.timemachine.ip,
    })),
    ...Object.values(lock.nodes).map((node) => ({ id: node.owner, udpPort: node.udpPort, hostname: node.hostname })),
  ] as ({ id: string } & Partial<Record<Field, string | number>>)[]
  for (const one of all) {
    const value = one[field]
    if (value === undefined || value === '' || value === 0) continue
    const first = seen.get(value)
    if (first === undefined) seen.set(value, one.id)
    else contradictions.push(`${fieldNames[field]} ${value} is that of ${first} and of ${one.id}`)
  }
}

/** Behind everything that was ever dealt, as far as anything tells. */
function raiseCounters(lock: Lock, { users, mirror, serials }: Traces): void {
  const ids = users.map(({ id }) => numberOf(id))
  const taken = new Set(users.filter(({ imported }) => imported).map(({ id }) => id))
  const uids = users.flatMap(({ id, uid }) => (taken.has(id) ? [] : (uid ?? [])))
  lock.next = {
    user: Math.max(1, mirror?.next.user ?? 1, ...ids.map((id) => id + 1)),
    node: Math.max(1, mirror?.next.node ?? 1, ...ids.map((id) => id + 1)),
    uid: Math.max(1000, mirror?.next.uid ?? 1000, ...uids.map((uid) => uid + 1)),
  }
  lock.serial = Math.max(0, mirror?.serial ?? 0, ...serials) + 1
}
