import type { Parts, Report } from './check.ts'
import { quotaBytes } from './rules.ts'
import type { Config } from './schema.ts'
import { layoutSubnet } from './subnet.ts'

/** UDP ports are published in blocks, so that adding a user leaves the gateway's definition alone. */
export const udpBlock = 32
/** Linux' default ip_local_port_range starts here: the kernel may give such a port to anybody. */
const ephemeral = 32_768
/** Port that an embedded Headscale publishes for STUN. */
const stunPort = 3478
/** Below this the gateway spends its time collecting garbage (half the throughput at 128 MiB already). */
const leastMemory = '64M'

/** Number of ports in the whole blocks of a range. */
export function udpCapacity(udp: { from: number; to: number }): number {
  return Math.max(0, Math.floor((udp.to - udp.from + 1) / udpBlock) * udpBlock)
}

export function checkNetwork(network: Config['network'], parts: Parts, report: Report): void {
  const users = parts.users.length
  const room = (path: (string | number)[], capacity: number, hint: string, more = 0): void => {
    if (users + more > capacity) {
      const has = capacity.toLocaleString('en-US')
      report(
        path,
        `has room for ${has}; there are ${users.toLocaleString('en-US')} users${more > 0 ? ' and the dashboard' : ''}`,
        hint,
        'capacity',
      )
    }
  }
  const layout = layoutSubnet(network.subnet)
  if ('fault' in layout) report(['network', 'subnet'], layout.fault, layout.hint)
  else room(['network', 'subnet'], layout.capacity, 'use a larger subnet; a /22 holds 1,005 users')

  const { udp, uid } = network
  if (udp.from > udp.to)
    report(['network', 'udp'], `ends (${udp.to}) before it starts (${udp.from})`, 'swap from and to')
  else if (udp.to >= ephemeral) {
    report(
      ['network', 'udp', 'to'],
      `must be below ${ephemeral}`,
      'the kernel deals the ports above to anybody (ephemeral range)',
    )
  } else if (udpCapacity(udp) === 0) {
    report(
      ['network', 'udp'],
      `has ${udp.to - udp.from + 1} ports; the least is a block of ${udpBlock}`,
      `ports are published in blocks of ${udpBlock}: to: ${udp.from + udpBlock - 1}`,
    )
  } else {
    const hint = `raise network.udp.to; ports count in whole blocks of ${udpBlock}`
    room(['network', 'udp'], udpCapacity(udp), hint, parts.dashboard ? 1 : 0)
  }
  if (parts.control?.provider === 'embedded' && udp.from <= stunPort && stunPort <= udp.to) {
    report(
      ['network', 'udp'],
      `holds ${stunPort}, which the embedded Headscale needs for STUN`,
      'start above it, for example at 21000',
    )
  }

  if (uid.from > uid.to)
    report(['network', 'uid'], `ends (${uid.to}) before it starts (${uid.from})`, 'swap from and to')
  else room(['network', 'uid'], uid.to - uid.from + 1, 'raise network.uid.to (60000 at most)')

  const memory = parts.gateway?.memory
  if (memory !== undefined && quotaBytes(memory) < quotaBytes(leastMemory)) {
    report(
      ['gateway', 'memory'],
      `must be at least ${leastMemory}`,
      'leave it out: the default grows with the number of nodes',
    )
  }
}
