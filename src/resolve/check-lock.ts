import { dashboardName } from './nodes.ts'
import type { Lock } from './types.ts'

export interface LockFault {
  path: (string | number)[]
  message: string
}

/** What the shape of a lock does not say: every number once, a node per user, counters ahead of all that was dealt. */
export function checkLock(lock: Lock): LockFault[] {
  const faults: LockFault[] = []
  const once = (what: string) => {
    const seen = new Map<string | number, string>()
    return (value: string | number, path: string[], holder: string): void => {
      const first = seen.get(value)
      if (first === undefined) seen.set(value, holder)
      else faults.push({ path, message: `(${value}) is the ${what} of ${first} already` })
    }
  }
  const [names, uids, ips] = [once('name'), once('UID'), once('IP')]
  for (const [id, user] of Object.entries(lock.users)) {
    names(user.name, ['users', id, 'name'], id)
    if (user.formerly !== undefined) names(user.formerly, ['users', id, 'formerly'], id)
    uids(user.uid, ['users', id, 'uid'], id)
    ips(user.destinations.timemachine.ip, ['users', id, 'destinations', 'timemachine', 'ip'], id)
    // An imported one was not dealt.
    if (user.imported !== true && user.uid >= lock.next.uid)
      faults.push({ path: ['next', 'uid'], message: `must be above ${user.uid}, dealt to ${id}` })
    if (Number(id.slice(1)) >= lock.next.user) faults.push({ path: ['next', 'user'], message: `must be above ${id}` })
  }
  const [owners, hosts, ports] = [once('owner'), once('host name'), once('UDP port')]
  const owned = new Set<string>()
  for (const [id, node] of Object.entries(lock.nodes)) {
    if (node.owner !== dashboardName && !Object.hasOwn(lock.users, node.owner))
      faults.push({ path: ['nodes', id, 'owner'], message: `(${node.owner}) is no user of the lock` })
    owned.add(node.owner)
    owners(node.owner, ['nodes', id, 'owner'], id)
    hosts(node.hostname, ['nodes', id, 'hostname'], id)
    ports(node.udpPort, ['nodes', id, 'udpPort'], id)
    if (Number(id.slice(1)) >= lock.next.node) faults.push({ path: ['next', 'node'], message: `must be above ${id}` })
  }
  for (const id of Object.keys(lock.users))
    if (!owned.has(id)) faults.push({ path: ['users', id], message: 'has no node' })
  return faults
}
