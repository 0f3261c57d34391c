import { udpBlock } from '../config/check-network.ts'
import type { Config } from '../config/index.ts'
import { parseIp } from '../config/subnet.ts'
import type { Lock } from './types.ts'

/** First and last UDP port to publish: whole blocks from udp.from that cover the highest port dealt, at least one. Removed users count, so that removing one leaves the gateway's definition alone. */
export function publishedPorts(udp: Config['network']['udp'], lock: Lock): { from: number; to: number } {
  const highest = Object.values(lock.nodes).reduce((max, node) => Math.max(max, node.udpPort), udp.from)
  const blocks = Math.floor((highest - udp.from) / udpBlock) + 1
  return { from: udp.from, to: udp.from + blocks * udpBlock - 1 }
}

/** Lowest number of `from..to` that is not in `taken`, going up; remembers how far it came, so that a whole deal is linear. */
export function lowestFree(from: number, to: number, taken: Set<number>): () => number | undefined {
  let next = from
  return () => {
    while (next <= to && taken.has(next)) next++
    if (next > to) return undefined
    taken.add(next)
    return next++
  }
}

/** Number of a lock address; parseLock has checked its form. */
export function ipNumber(ip: string): number {
  return parseIp(ip) ?? Number.NaN
}
