import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { addressOf, type Client, type Stack, startSamba } from '../test/lab/support/index.ts'
import { copyOnce, type Speed, startLoader } from './copy.ts'
import { startPair } from './pair.ts'
import { memoryOf, startSidecar } from './sidecar.ts'
import { median, spread, table } from './table.ts'

/** One way to a Samba server. */
interface Way {
  what: string
  host: string
  /** Node of the tailnet whose path must be direct, and the container whose memory counts. */
  tailnet?: { node: string; container: string }
  speeds: Speed[]
}

const share = 'macbook'

/** `what` of a direct way is plain Samba; the other three go through a node. */
async function makeWays(
  stack: Stack,
  client: Client,
): Promise<Record<'direct' | 'kernel' | 'userspace' | 'gateway', Way>> {
  const lanIp = (container: { id: string }) => addressOf(container, stack.lan.name)
  const sidecar = async (mode: 'kernel' | 'userspace', what: string): Promise<Way> => {
    const { tailscaled, node } = await startSidecar(stack, client, mode)
    return { what, host: await client.peerIp(node), tailnet: { node, container: tailscaled.id }, speeds: [] }
  }
  const samba = await startSamba(stack, 'direct', await lanIp(client), stack.lan.name)
  const { id: container } = await stack.containerOf('gateway')
  const host = await client.peerIp('tm-alice')
  const gateway = { what: 'tmgen gateway', host, tailnet: { node: 'tm-alice', container }, speeds: [] }
  return {
    direct: { what: 'Samba directly, no tailnet', host: await lanIp(samba), speeds: [] },
    kernel: await sidecar('kernel', 'tailscaled sidecar, kernel TUN'),
    userspace: await sidecar('userspace', 'tailscaled sidecar, userspace networking'),
    gateway,
  }
}

/**
 * Copies one file to and from the same Samba over each way, all ways in turn in every round, from the same client.
 * A path that is not direct UDP ends the benchmark.
 * @param size MiB of the file
 * @returns Markdown: speeds and memory, then the ratios
 */
export async function transferTable(size: number, rounds: number): Promise<string> {
  const { stack, client } = await startPair()
  await stack.up()
  await stack.running('alice', 'bob')
  await stack.session(client, 'alice', share)
  const ways = await makeWays(stack, client)
  const who = await stack.login('alice')
  const loader = await startLoader(client, size)
  for (let round = 1; round <= rounds; round++) {
    for (const way of Object.values(ways)) {
      if (way.tailnet) await mustBeDirect(client, way.tailnet.node)
      const speed = await copyOnce(loader, way.host, share, who)
      way.speeds.push(speed)
      console.error(`round ${round}: ${way.what}: put ${speed.put.toFixed(0)}, get ${speed.get.toFixed(0)} MiB/s`)
    }
  }
  return `${await speedTable(Object.values(ways))}\n\n${ratioTable(ways)}\n\n${memoryLimit(stack)}`
}

/** The soft limit that the gateway runs with, as the workspace's own config says it. */
function memoryLimit(stack: Stack): string {
  const config = JSON.parse(readFileSync(join(stack.dir, 'generated/caddy/config.json'), 'utf8')) as GatewayConfig
  const limit = config.apps.tailscale.memory_limit / 1024 ** 2
  return `The gateway's soft memory limit: ${limit.toFixed(0)} MiB, 2 nodes. Goal: RSS of at most 450 MiB.`
}

interface GatewayConfig {
  apps: { tailscale: { memory_limit: number } }
}

async function mustBeDirect(client: Client, node: string): Promise<void> {
  const { path, via } = await client.path(node)
  if (path !== 'direct') throw new Error(`the path to ${node} is not direct, but by ${via}`)
}

async function speedTable(ways: Way[]): Promise<string> {
  const rows: string[][] = []
  for (const way of ways) {
    const memory = way.tailnet && (await memoryOf(way.tailnet.container))
    const [put, get] = [way.speeds.map((one) => one.put), way.speeds.map((one) => one.get)]
    rows.push([
      way.what,
      spread(put),
      spread(get),
      memory ? `${memory.now.toFixed(0)} (${memory.most.toFixed(0)})` : '',
    ])
  }
  return table(['Way', 'put, MiB/s: median (min-max)', 'get, MiB/s', 'RSS after the load, MiB (highest)'], rows)
}

function ratioTable({ gateway, userspace, kernel }: Record<'gateway' | 'userspace' | 'kernel', Way>): string {
  const ratio = (below: Way, which: keyof Speed) =>
    (median(gateway.speeds.map((one) => one[which])) / median(below.speeds.map((one) => one[which]))).toFixed(2)
  return table(
    ['Ratio of medians', 'put', 'get', 'goal'],
    [
      ['gateway / userspace sidecar', ratio(userspace, 'put'), ratio(userspace, 'get'), 'at least 0.85 both'],
      ['gateway / kernel sidecar', ratio(kernel, 'put'), ratio(kernel, 'get'), ''],
    ],
  )
}
