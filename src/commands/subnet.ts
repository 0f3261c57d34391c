import ipaddr from 'ipaddr.js'
import { TmgenError } from '../errors.ts'
import type { World } from '../world.ts'

/** Tries before init gives up and asks for --subnet; two random /22 of 10.0.0.0/8 meet once in 16,384. */
const tries = 64

/**
 * A random 10.x.y.0/22 that meets none of the taken networks.
 * @param taken IPv4 CIDRs; a default route (/0) is no obstacle
 * @throws TmgenError `network` where a taken network covers (nearly) all of 10.0.0.0/8
 */
export function freeSubnet(randomBytes: World['randomBytes'], taken: readonly string[]): string {
  const obstacles = taken.filter((cidr) => ipaddr.IPv4.isValidCIDR(cidr)).map((cidr) => ipaddr.IPv4.parseCIDR(cidr))
  for (let i = 0; i < tries; i++) {
    const [second = 0, third = 0] = randomBytes(2)
    const candidate = ipaddr.IPv4.parse(`10.${second}.${third & 0xfc}.0`)
    const isFree = obstacles.every(
      ([network, prefix]) => prefix === 0 || !candidate.match(network, Math.min(prefix, 22)),
    )
    if (isFree) return `${candidate}/22`
  }
  throw new TmgenError('network', 'found no free /22 in 10.0.0.0/8: a network of this host covers it', {
    hint: 'choose one with --subnet, for example --subnet 172.28.0.0/22',
  })
}

/** The subnet for a new workspace: on the Docker host it keeps off the host's routes and Docker's networks. */
export async function chooseSubnet(
  world: World,
  host: 'local' | 'remote',
  workspace: string,
): Promise<{ subnet: string; notes: string[] }> {
  const { found, notes } = host === 'local' ? await world.host.routes(workspace) : { found: [], notes: [] }
  const cidrs = found.map((route) => route.cidr)
  return { subnet: freeSubnet(world.randomBytes, cidrs), notes }
}
