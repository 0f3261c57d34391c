import { networkInterfaces } from 'node:os'
import { TmgenError } from '../errors.ts'
import type { Disk, Docker, Host } from '../world.ts'
import { certificateOf } from './certificate.ts'
import { processesAt } from './open-files.ts'
import { parseMountInfo, parseRoutes, parseUdpPorts } from './proc.ts'

/** Largest text taken from /proc, in bytes. */
const maxProc = 32 * 1024 * 1024

interface DockerNetwork {
  Name?: string
  Id?: string
  Labels?: Record<string, string> | null
  Options?: Record<string, string> | null
  IPAM?: { Config?: { Subnet?: string }[] | null } | null
}
interface DockerContainer {
  NetworkSettings?: { Ports?: Record<string, { HostPort?: string }[] | null> | null }
}

const projectLabel = 'com.docker.compose.project'

/** What this Linux host says of itself: /proc, and Docker where it answers. */
export function nodeHost(disk: Disk, docker: Docker): Host {
  /** Proc files have size 0 and are read whole; elsewhere than on Linux they are absent. */
  const proc = async (path: string) =>
    new TextDecoder().decode((await disk.readFile(path, maxProc)) ?? new Uint8Array())

  /** `list` names things, `inspect` describes them; undefined where Docker does not answer. */
  async function inspectAll<T>(list: string[], inspect: string[]): Promise<T[] | undefined> {
    try {
      const ids = await docker.run(list)
      if (ids.exitCode !== 0) return undefined
      const names = ids.stdout.split('\n').filter((line) => line !== '')
      if (names.length === 0) return []
      const described = await docker.run([...inspect, ...names])
      // One that vanished in between makes the exit code 1; the others are still printed.
      return JSON.parse(described.stdout) as T[]
    } catch (error) {
      if (error instanceof TmgenError || error instanceof SyntaxError) return undefined
      throw error
    }
  }

  return {
    async routes(own) {
      const networks = await inspectAll<DockerNetwork>(['network', 'ls', '-q'], ['network', 'inspect'])
      const ownBridges = new Set<string>()
      const found: { cidr: string; name: string }[] = []
      for (const network of networks ?? []) {
        const bridge = network.Options?.['com.docker.network.bridge.name'] ?? `br-${(network.Id ?? '').slice(0, 12)}`
        const isOwn = network.Labels?.[projectLabel] === own
        // The route of a bridge says nothing that its network does not say better.
        ownBridges.add(bridge)
        for (const { Subnet } of network.IPAM?.Config ?? [])
          if (Subnet !== undefined && !isOwn && !Subnet.includes(':'))
            found.push({ cidr: Subnet, name: `Docker network ${network.Name}` })
      }
      for (const route of parseRoutes(await proc('/proc/net/route')))
        if (!ownBridges.has(route.device)) found.push({ cidr: route.cidr, name: `route over ${route.device}` })
      const notes =
        networks === undefined ? ['Docker does not answer: its networks were not compared with network.subnet'] : []
      return { found, notes }
    },
    async udpPortsTaken(ports, own) {
      const held = new Set([
        ...parseUdpPorts(await proc('/proc/net/udp')),
        ...parseUdpPorts(await proc('/proc/net/udp6')),
      ])
      const taken = ports.filter((port) => held.has(port))
      if (taken.length === 0) return []
      const filter = ['ps', '-q', '--filter', `label=${projectLabel}=${own}`]
      const ours = new Set<number>()
      for (const container of (await inspectAll<DockerContainer>(filter, ['inspect'])) ?? [])
        for (const [name, bindings] of Object.entries(container.NetworkSettings?.Ports ?? {}))
          if (name.endsWith('/udp')) for (const binding of bindings ?? []) ours.add(Number(binding.HostPort))
      return taken.filter((port) => !ours.has(port))
    },
    addresses: () =>
      Object.values(networkInterfaces()).flatMap((all) =>
        (all ?? []).flatMap(({ family, address }) => (family === 'IPv4' ? [address] : [])),
      ),
    isRoot: () => process.geteuid?.() === 0,
    usersOf: async (path) => processesAt(path),
    async procLine(path) {
      const bytes = await disk.readFile(path, maxProc)
      return bytes === undefined ? undefined : new TextDecoder().decode(bytes).split('\n', 1)[0]
    },
    async machineId() {
      const bytes = await disk.readFile('/etc/machine-id', 4096)
      const id = bytes === undefined ? '' : new TextDecoder().decode(bytes).trim()
      return /^[0-9a-f]{32}$/.test(id) ? id : undefined
    },
    certificate: certificateOf,
    mounts: async () => parseMountInfo(await proc('/proc/self/mountinfo')),
    async dockerRoot() {
      try {
        const result = await docker.run(['info', '--format', '{{.DockerRootDir}}'])
        const path = result.stdout.trim()
        return result.exitCode === 0 && path.startsWith('/') ? path : undefined
      } catch (error) {
        if (error instanceof TmgenError) return undefined
        throw error
      }
    },
  }
}
