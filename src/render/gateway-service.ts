import { udpBlock } from '../config/check-network.ts'
import type { Deployment } from '../resolve/types.ts'
import type { ImageSource } from './contexts.ts'
import { pageMount } from './pages.ts'
import { choice, common, imageOf, mount, owner, target } from './service-parts.ts'
import type { YamlMap } from './yaml.ts'

const MiB = 1024 ** 2

/** Hard limit of the gateway in MiB. It depends on the blocks alone, so that a user within a block changes nothing. */
function gatewayMemory(deployment: Deployment, blocks: number): number {
  // The process holds to its soft limit; measured: 420 MiB after load at a soft limit of 512 MiB, 1.1 MiB a node idle.
  const byBlocks = 1024 + blocks * 128
  const bySoftLimit = Math.ceil((deployment.gatewayMemory * 1.5) / (1024 * MiB)) * 1024
  return deployment.gatewayMemory * 1.5 > byBlocks * MiB ? bySoftLimit : byBlocks
}

/** The gateway's service: nothing in it belongs to one user. */
export function gatewayService(deployment: Deployment, source: ImageSource): YamlMap {
  const { from, to } = deployment.network.udp
  // A node behind an uplink of IPv4 alone never tells a peer an IPv6 address; Docker's userland proxy, on by default,
  // would start a second process a port for it (256 ports: 512 processes of 386 MiB in all, 256 of 193 MiB with this).
  const address = deployment.network.ipv6 ? '' : '0.0.0.0:'
  const ports: string[] = []
  for (let port = from; port <= to; port += udpBlock) {
    const range = `${port}-${Math.min(port + udpBlock - 1, to)}`
    ports.push(`${address}${range}:${range}/udp`)
  }
  return {
    ...imageOf('gateway', source),
    ...common,
    command: ['run', '--config', '/etc/tmgen/caddy/config.json'],
    user: owner,
    tmpfs: ['/tmp:size=16m,mode=1777'],
    mem_limit: choice('TMGEN_GATEWAY_MEMORY', `${gatewayMemory(deployment, ports.length)}m`),
    pids_limit: 1024,
    stop_grace_period: '10s',
    volumes: [
      mount('./generated/caddy', '/etc/tmgen/caddy', true),
      mount('./secrets/gateway', '/run/secrets/tmgen', true),
      mount('./state/gateway', '/var/lib/tmgen', false),
      mount('./state/status', '/run/tmgen', false),
      // Always: a page that is switched on is a matter of config, and cuts nobody's backup. To connect to a socket, its
      // own mode counts and not the mount's.
      mount('./state/page', pageMount, true),
      // Not every host has a machine id; /dev/null is on each, and no regular file.
      { source: choice('TMGEN_MACHINE_ID', '/dev/null'), ...target('/etc/tmgen/machine-id', true) },
    ],
    networks: { shares: { ipv4_address: deployment.network.gatewayIp }, uplink: {} },
    ports,
    labels: { 'tmgen.workspace': deployment.workspace.id },
  }
}
