import { udpCapacity } from '../config/check-network.ts'
import type { Config, ParsedConfig } from '../config/index.ts'
import { layoutSubnet, type SubnetLayout, showIp } from '../config/subnet.ts'
import { TmgenError, TmgenErrors } from '../errors.ts'
import { ipNumber, lowestFree } from './layout.ts'
import { dashboardName } from './nodes.ts'
import type { Lock } from './types.ts'

/** What resolve needs of a parsed config. */
export type ResolveInput = Pick<ParsedConfig, 'config' | 'file' | 'placeOf'>

/** The subnet of a parsed config, which has been checked. */
export function layoutOf(config: Config): SubnetLayout {
  const layout = layoutSubnet(config.network.subnet)
  if ('fault' in layout) throw new TmgenErrors([new TmgenError('config-invalid', `network.subnet ${layout.fault}`)])
  return layout
}

/**
 * The lock with an entry for every user of the config. What lies inside the ranges stays as it is, also for users that are gone.
 * IPs and UDP ports that a changed range leaves outside are dealt anew (IPs at the same offset where it is free): a Mac sees
 * neither. UIDs own data on disk: they stay whatever the range says, and a number is never dealt twice.
 * @param imported UIDs that files have already, by the name of a new user
 * Throws TmgenErrors `capacity`, and `storage` for an imported UID that is another's.
 */
export function allocate(parsed: ResolveInput, lock: Lock, imported: ReadonlyMap<string, number> = new Map()): Lock {
  const { config } = parsed
  const next = structuredClone(lock)
  addUsers(parsed, next)
  addDashboard(parsed, next)
  const errors: TmgenError[] = takeUids(imported, config.network.uid.from, lock, next)
  const full = (path: string[], capacity: number): void => {
    errors.push(capacityError(parsed, next, path, capacity))
  }
  const layout = layoutOf(config)
  if (!dealIps(layout, next)) full(['network', 'subnet'], layout.capacity)
  if (!dealPorts(config.network.udp, next)) full(['network', 'udp'], udpCapacity(config.network.udp))
  if (!dealUids(config.network.uid, next)) {
    errors.push(
      new TmgenError(
        'capacity',
        `network.uid has no UID left: ${config.network.uid.to} is dealt, and none is used twice`,
        {
          place: parsed.placeOf(['network', 'uid']),
          hint: 'raise network.uid.to (60000 at most)',
        },
      ),
    )
  }
  if (errors.length > 0) throw new TmgenErrors(errors)
  return next
}

/** Entries for new names, numbers still open (0 and ''). */
function addUsers(parsed: ResolveInput, lock: Lock): void {
  const known = new Set(Object.values(lock.users).map((user) => user.name))
  refuseFormer(parsed, lock)
  for (const { name } of parsed.config.users) {
    if (known.has(name)) continue
    const id = `u${lock.next.user++}`
    lock.users[id] = { name, uid: 0, destinations: { timemachine: { ip: '' } } }
    lock.nodes[`n${lock.next.node++}`] = { owner: id, hostname: `tm-${name}`, udpPort: 0 }
  }
}

/** Once dealt it stays, also while the dashboard is taken out of tmgen.yaml. */
function addDashboard({ config }: ResolveInput, { next, nodes }: Lock): void {
  if (config.dashboard === undefined || Object.values(nodes).some(({ owner }) => owner === dashboardName)) return
  nodes[`n${next.node++}`] = { owner: dashboardName, hostname: `tm-${dashboardName}`, udpPort: 0 }
}

/** A name is free only when the rename that gives it up is done: until then files under it are another's. */
function refuseFormer(parsed: ResolveInput, lock: Lock): void {
  for (const { name, formerly } of Object.values(lock.users)) {
    const index = parsed.config.users.findIndex((user) => user.name === formerly)
    if (index < 0) continue
    throw new TmgenErrors([
      new TmgenError('config-invalid', `users[${index}].name (${formerly}) is not free yet: it is becoming ${name}`, {
        place: parsed.placeOf(['users', index, 'name']),
        hint: `first: tmgen rename user ${formerly} ${name}`,
      }),
    ])
  }
}

function dealIps(layout: SubnetLayout, lock: Lock): boolean {
  const users = Object.values(lock.users).map((user) => user.destinations.timemachine)
  const inside = (ip: number): boolean => ip >= layout.first && ip <= layout.last
  const taken = new Set(users.map((d) => ipNumber(d.ip)).filter(inside))
  const size = 2 ** (32 - layout.prefix)
  const open = users.filter((d) => !inside(ipNumber(d.ip)))
  for (const destination of open) {
    const same = layout.base + (ipNumber(destination.ip) % size)
    if (!inside(same) || taken.has(same)) continue
    taken.add(same)
    destination.ip = showIp(same)
  }
  const deal = lowestFree(layout.first, layout.last, taken)
  for (const destination of open) {
    if (inside(ipNumber(destination.ip))) continue
    const ip = deal()
    if (ip === undefined) return false
    destination.ip = showIp(ip)
  }
  return true
}

function dealPorts(udp: Config['network']['udp'], lock: Lock): boolean {
  const to = udp.from + udpCapacity(udp) - 1
  const nodes = Object.values(lock.nodes)
  const inside = (port: number): boolean => port >= udp.from && port <= to
  const deal = lowestFree(udp.from, to, new Set(nodes.map((n) => n.udpPort).filter(inside)))
  for (const node of nodes) {
    if (inside(node.udpPort)) continue
    const port = deal()
    if (port === undefined) return false
    node.udpPort = port
  }
  return true
}

/** Gives new users the UIDs of their files. One that a removed user had is refused: that user's data carries it. */
function takeUids(imported: ReadonlyMap<string, number>, from: number, before: Lock, lock: Lock): TmgenError[] {
  const errors: TmgenError[] = []
  for (const [id, user] of Object.entries(lock.users)) {
    const uid = imported.get(user.name)
    if (uid === undefined || before.users[id] !== undefined) continue
    const other = Object.values(lock.users).find((one) => one.uid === uid)
    const wasDealt = uid >= from && uid < before.next.uid
    if (other === undefined && !wasDealt) Object.assign(user, { uid, imported: true })
    else
      errors.push(
        new TmgenError('storage', `UID ${uid} of the files is that of ${other?.name ?? 'a user who was removed'}`, {
          hint: 'two people must not share a UID: chown -R the files to one that nobody has, then import them',
        }),
      )
  }
  return errors
}

function dealUids(uid: Config['network']['uid'], lock: Lock): boolean {
  const taken = new Set(Object.values(lock.users).map((one) => one.uid))
  for (const user of Object.values(lock.users)) {
    if (user.uid !== 0) continue
    let number = Math.max(lock.next.uid, uid.from)
    while (taken.has(number)) number++
    if (number > uid.to) return false
    user.uid = number
    lock.next.uid = number + 1
  }
  return true
}

function capacityError(parsed: ResolveInput, lock: Lock, path: string[], capacity: number): TmgenError {
  const wanted = new Set(parsed.config.users.map((u) => u.name))
  const gone = Object.values(lock.users).filter((u) => !wanted.has(u.name)).length
  const kept = gone > 0 ? `, ${gone} of them for users removed from ${parsed.file}` : ''
  const total = Object.keys(path.at(-1) === 'udp' ? lock.nodes : lock.users).length
  return new TmgenError('capacity', `${path.join('.')} has room for ${capacity}; ${total} are needed${kept}`, {
    place: parsed.placeOf(path),
    hint: path.at(-1) === 'udp' ? 'raise network.udp.to' : 'use a larger subnet; a /22 holds 1,005 users',
  })
}
