import { type Config, quotaBytes } from '../config/index.ts'
import { showIp } from '../config/subnet.ts'
import { hostPolicyOf, policyOf, verifyOf } from '../monitor/rules/policy.ts'
import { allocate, layoutOf, type ResolveInput } from './allocate.ts'
import { publishedPorts } from './layout.ts'
import { formatLock } from './lock.ts'
import { dashboardName, nodeName } from './nodes.ts'
import { pagePort, smbPort } from './ports.ts'
import { mailServerOf, tellingOf } from './telling.ts'
import type { DeployedNode, DeployedUser, Deployment, Lock, LockedNode } from './types.ts'

const mebibyte = 1024 ** 2
/** Soft limit without nodes: twice what a copy at full speed takes with 2 nodes (docs/performance.md). */
const baseMemory = 224 * mebibyte
/** An idle node takes about 1.1 MiB (measured with 202 nodes). */
const memoryPerNode = 1.2 * mebibyte

/**
 * Config + lock -> deployment with every default filled in, and the new lock. Pure. The lock's serial goes up by one when
 * anything in it changed, else the lock comes back as it was. `moved` says, for people, which numbers a changed range moved.
 * @param rebind names of nodes that forget which account each login belongs to
 * @param forgotten ids of users of whom nothing is left: their entries go, and IPs and ports are free again
 * @param imported UIDs that files have already, by the name of a new user
 * Throws TmgenErrors `capacity` with places, and `storage` for an imported UID that is another's.
 */
export function resolve(
  parsed: ResolveInput,
  lock: Lock,
  rebind: readonly string[] = [],
  forgotten: readonly string[] = [],
  imported: ReadonlyMap<string, number> = new Map(),
): {
  deployment: Deployment
  lock: Lock
  moved: string[]
} {
  const { config } = parsed
  const next = allocate(parsed, lock, imported)
  for (const node of Object.values(next.nodes))
    if (rebind.includes(nodeName(next, node))) node.pinEpoch = (node.pinEpoch ?? 0) + 1
  for (const id of forgotten) delete next.users[id]
  for (const [id, node] of Object.entries(next.nodes)) if (forgotten.includes(node.owner)) delete next.nodes[id]
  if (formatLock(next) !== formatLock(lock)) next.serial = lock.serial + 1

  const layout = layoutOf(config)
  const wanted = new Set(config.users.map((user) => user.name))
  const deployment: Deployment = {
    workspace: { id: next.workspace, name: config.workspace },
    host: config.host,
    control: config.control,
    controlUrl: config.control.url,
    network: {
      subnet: layout.cidr,
      bridgeIp: showIp(layout.bridge),
      gatewayIp: showIp(layout.gateway),
      dynamicRange: layout.dynamicRange,
      ipv6: config.network.ipv6,
      udp: publishedPorts(config.network.udp, next),
    },
    gatewayMemory:
      config.gateway.memory === undefined
        ? Math.round(baseMemory + memoryPerNode * (config.users.length + (config.dashboard ? 1 : 0)))
        : quotaBytes(config.gateway.memory),
    storageRoot: config.storage.root,
    overcommit: config.overcommit,
    images: config.images,
    monitor: {
      policy: hostPolicyOf(config.monitor),
      verify: verifyOf(config.monitor),
      alerts: [...config.monitor.alerts].sort(),
      mail: mailServerOf(config.monitor),
      ping: config.monitor.ping,
    },
    users: deployUsers(config, next),
    ...(config.dashboard === undefined ? {} : { dashboard: deployDashboard(config.dashboard, next) }),
    retired: Object.values(next.users)
      .map((user) => user.name)
      .filter((name) => !wanted.has(name)),
  }
  return { deployment, lock: next, moved: movedNumbers(lock, next) }
}

/** Nodes of a lock, with their ids, by owner. */
type Nodes = ReadonlyMap<string, readonly [string, LockedNode]>

const byOwner = (lock: Lock): Nodes => new Map(Object.entries(lock.nodes).map((one) => [one[1].owner, one]))

/** What is the same of every node. */
function deployNode(nodes: Nodes, owner: string, name: string) {
  const [nodeId, node] = nodes.get(owner) ?? []
  if (nodeId === undefined || node === undefined) throw new Error(`the node of ${name} was not allocated`)
  return {
    id: owner,
    nodeId,
    name,
    hostname: node.hostname,
    udpPort: node.udpPort,
    pinEpoch: node.pinEpoch ?? 0,
    tag: `tag:tm-${name}`,
    ...(node.rekeying === undefined ? {} : { rekeying: node.rekeying }),
  }
}

function deployDashboard({ operators }: NonNullable<Config['dashboard']>, lock: Lock): DeployedNode {
  const isTag = (one: string) => one.startsWith('tag:')
  return {
    ...deployNode(byOwner(lock), dashboardName, dashboardName),
    ports: [pagePort],
    allow: operators,
    logins: operators.filter((one) => !isTag(one)),
    tags: operators.filter(isTag),
    enabled: true,
  }
}

function deployUsers(config: Config, lock: Lock): DeployedUser[] {
  const idOf = new Map(Object.entries(lock.users).map(([id, user]) => [user.name, id]))
  const nodes = byOwner(lock)
  return config.users.map((user) => {
    const id = idOf.get(user.name) ?? ''
    const locked = lock.users[id]
    if (!locked) throw new Error(`user ${user.name} was not allocated`)
    return {
      ...deployNode(nodes, id, user.name),
      uid: locked.uid,
      imported: locked.imported === true,
      ip: locked.destinations.timemachine.ip,
      ports: user.monitor?.page ? [smbPort, pagePort] : [smbPort],
      allow: [...user.logins, ...user.tags],
      logins: user.logins,
      tags: user.tags,
      enabled: user.enabled && locked.formerly === undefined,
      ...(locked.formerly === undefined ? {} : { formerly: locked.formerly }),
      storage: user.storage ?? `${config.storage.root}/${user.name}`,
      macs: user.macs.map((mac) => {
        const quota = mac.quota ?? config.defaults.quota
        return { name: mac.name, quota, quotaBytes: quotaBytes(quota) }
      }),
      watch: policyOf(config.monitor, user.monitor),
      tell: tellingOf(user),
    }
  })
}

function movedNumbers(before: Lock, after: Lock): string[] {
  const moved: string[] = []
  for (const [id, user] of Object.entries(before.users)) {
    const [from, to] = [user.destinations.timemachine.ip, after.users[id]?.destinations.timemachine.ip]
    if (to !== undefined && from !== to) moved.push(`${user.name}: bridge IP ${from} -> ${to} (network.subnet changed)`)
  }
  for (const [id, node] of Object.entries(before.nodes)) {
    // Of who is forgotten nothing moves.
    const to = after.nodes[id]?.udpPort
    const name = nodeName(before, node)
    if (to !== undefined && node.udpPort !== to)
      moved.push(`${name}: UDP port ${node.udpPort} -> ${to} (network.udp changed)`)
  }
  return moved
}
