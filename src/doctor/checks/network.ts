import { observePorts, observeSubnet } from '../../converge/index.ts'
import { isBefore, versionOf } from '../../version.ts'
import { type Check, fail, NotSeen, ok, warn } from '../types.ts'

/** UDP in batches: sending since Linux 4.18, receiving since 5.0. */
const goodKernel = [5, 0]
/** With so many bytes no datagram was dropped in the benchmarks (docs/performance.md). */
const goodBuffer = 4_000_000

const kernel: Check = {
  name: 'kernel',
  looks: 'whether the kernel is 5.0 or newer.',
  cause: 'older ones cannot pass UDP packets in batches: copies are slower.',
  remedy: 'a newer kernel',
  test: async (patient) => {
    await patient.dockerHost()
    const text = await patient.world.host.procLine('/proc/sys/kernel/osrelease')
    const version = versionOf(text ?? '')
    if (!text || !version) throw new NotSeen('this is not Linux')
    return isBefore(version, goodKernel)
      ? warn(`Linux ${text} is older than ${goodKernel.join('.')}`)
      : ok(`Linux ${text}`)
  },
}

const buffers: Check = {
  name: 'udp-buffers',
  looks: 'at the largest UDP buffers that the kernel gives (net.core.rmem_max, wmem_max).',
  cause: 'small ones drop packets of fast copies, which then take longer.',
  remedy: 'sysctl -w net.core.rmem_max=7500000 net.core.wmem_max=7500000, and the same lines below /etc/sysctl.d',
  test: async (patient) => {
    await patient.dockerHost()
    const small: string[] = []
    const all: string[] = []
    for (const name of ['rmem_max', 'wmem_max'] as const) {
      const bytes = Number((await patient.world.host.procLine(`/proc/sys/net/core/${name}`)) ?? Number.NaN)
      if (Number.isNaN(bytes)) throw new NotSeen(`net.core.${name} is not shown here`)
      all.push(`${name} ${bytes}`)
      if (bytes < goodBuffer) small.push(`net.core.${name} is ${bytes}, less than ${goodBuffer}`)
    }
    return small.length > 0 ? warn(...small) : ok(all.join(', '))
  },
}

const subnet: Check = {
  name: 'subnet',
  looks: 'whether network.subnet overlaps a route of this host or another Docker network.',
  cause: 'packets to the Samba containers go astray, or to a network of yours.',
  remedy: 'choose another private subnet in tmgen.yaml; `docker network ls` and `ip route` show what is taken',
  test: async (patient) => {
    const deployment = await patient.here()
    const { faults, notes } = await observeSubnet(patient.world, deployment)
    if (faults.length > 0) return fail(...faults.map((fault) => fault.message))
    if (notes.length > 0) throw new NotSeen(notes.join('; '))
    return ok(`${deployment.network.subnet} is free`)
  },
}

const ports: Check = {
  name: 'udp-ports',
  looks: 'whether another program holds one of the UDP ports that the nodes use.',
  cause: 'the gateway does not start while Docker cannot publish them.',
  remedy: 'choose another network.udp.from in tmgen.yaml, or stop that program: ss -lunp',
  test: async (patient) => {
    const deployment = await patient.here()
    if (deployment.users.length === 0) throw new NotSeen('no users yet')
    await patient.docker()
    const faults = await observePorts(patient.world, deployment)
    if (faults.length > 0) return fail(...faults.map((fault) => fault.message))
    return ok(`${deployment.network.udp.from} to ${deployment.network.udp.to}: free, or our own`)
  },
}

export const networkChecks = [kernel, buffers, subnet, ports]
