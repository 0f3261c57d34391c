import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Stack } from '../test/lab/support/index.ts'
import { copyOnce, type Speed, startLoader } from './copy.ts'
import { memoryOf } from './sidecar.ts'
import { median, spread, table } from './table.ts'
import { mustBeDirect, type Way as Path, share, startWays } from './ways.ts'

interface Way extends Path {
  speeds: Speed[]
}

/**
 * Copies one file to and from the same Samba over each way, all ways in turn in every round, from the same client.
 * A path that is not direct UDP ends the benchmark.
 * @param size MiB of the file
 * @returns Markdown: speeds and memory, then the ratios
 */
export async function transferTable(size: number, rounds: number): Promise<string> {
  const { stack, client, ways: found } = await startWays()
  const measured = (way: Path): Way => ({ ...way, speeds: [] })
  const ways = {
    direct: measured(found.direct),
    kernel: measured(found.kernel),
    userspace: measured(found.userspace),
    gateway: measured(found.gateway),
  }
  const who = await stack.login('alice')
  const loader = await startLoader(client, size)
  for (let round = 1; round <= rounds; round++) {
    for (const way of Object.values(ways)) {
      await mustBeDirect(client, way)
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
  return `The gateway's soft memory limit: ${limit.toFixed(0)} MiB, 2 nodes. Goal: RSS of at most 256 MiB and 1.2 MiB a node.`
}

interface GatewayConfig {
  apps: { tailscale: { memory_limit: number } }
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
      ['gateway / userspace sidecar', ratio(userspace, 'put'), ratio(userspace, 'get'), 'at least 1.00 both'],
      ['gateway / kernel sidecar', ratio(kernel, 'put'), ratio(kernel, 'get'), 'at least 0.85 both'],
    ],
  )
}
