import ipaddr from 'ipaddr.js'
import { TmgenError } from '../errors.ts'
import { few } from '../few.ts'
import type { Deployment } from '../resolve/types.ts'
import type { World } from '../world.ts'
import type { Said } from './types.ts'

function range(cidr: string): { from: number; to: number } | undefined {
  if (!ipaddr.IPv4.isValidCIDR(cidr)) return undefined
  const [address, prefix] = ipaddr.IPv4.parseCIDR(cidr)
  const size = 2 ** (32 - prefix)
  const value = address.toByteArray().reduce((sum, byte) => sum * 256 + byte, 0)
  const from = Math.floor(value / size) * size
  return { from, to: from + size - 1 }
}

/** Whether two IPv4 CIDRs share an address; text that is no IPv4 CIDR shares none. */
export function overlaps(a: string, b: string): boolean {
  const [one, two] = [range(a), range(b)]
  return one !== undefined && two !== undefined && one.from <= two.to && two.from <= one.to
}

/**
 * Compares the subnet with the host's routes and Docker's networks; our own running stack is left out. Faults are
 * TmgenErrors `network`, notes tell what could not be looked at.
 */
export async function observeSubnet(world: World, { network, workspace }: Deployment): Promise<Said> {
  const { found, notes } = await world.host.routes(workspace.name)
  const faults = found
    .filter((route) => overlaps(route.cidr, network.subnet))
    .map(
      (route) =>
        new TmgenError('network', `network.subnet ${network.subnet} overlaps ${route.cidr} (${route.name})`, {
          hint: 'choose another private subnet in tmgen.yaml; docker network ls and ip route show what is taken',
        }),
    )
  return { faults, notes }
}

/** Looks whether the UDP ports are free, or our own running stack holds them. */
export async function observePorts(world: World, { network, workspace, users }: Deployment): Promise<TmgenError[]> {
  if (users.length === 0) return []
  const ports = Array.from(
    { length: network.udp.to - network.udp.from + 1 },
    (_none, index) => network.udp.from + index,
  )
  const taken = await world.host.udpPortsTaken(ports, workspace.name)
  if (taken.length === 0) return []
  return [
    new TmgenError('network', `UDP port ${few(taken.map(String), 5)} of network.udp is taken by another program`, {
      hint: 'choose another network.udp.from in tmgen.yaml, or stop that program: ss -lunp',
    }),
  ]
}

/** What the host's network says against the deployment: observeSubnet and observePorts. */
export async function observeNetwork(world: World, deployment: Deployment): Promise<Said> {
  const { faults, notes } = await observeSubnet(world, deployment)
  return { faults: [...faults, ...(await observePorts(world, deployment))], notes }
}
