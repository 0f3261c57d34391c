import { existsSync, readFileSync } from 'node:fs'
import { docker, run, type Stack, serviceId, waitFor } from '../test/lab/support/index.ts'

/** One line of the gateway's log. */
export interface LogLine {
  /** Seconds since 1970, to the microsecond. */
  ts: number
  msg: string
  [more: string]: unknown
}

/** Id of the gateway's container. */
export async function gatewayId(stack: Stack): Promise<string> {
  const id = await serviceId(stack.dir, 'gateway')
  if (id === undefined) throw new Error('the gateway does not run')
  return id
}

/** What the gateway logged since `from` (seconds since 1970); of all its lives. */
export async function gatewayLog(stack: Stack, from = 0): Promise<LogLine[]> {
  const { stdout, stderr } = await run('docker', ['logs', await gatewayId(stack)])
  const lines: LogLine[] = []
  for (const line of `${stdout}\n${stderr}`.split('\n')) {
    if (!line.startsWith('{')) continue
    const one = JSON.parse(line) as LogLine
    if (one.ts >= from) lines.push(one)
  }
  return lines
}

/** Waits for a line of the log that is `wanted`, younger than `from`. */
export async function logged(
  stack: Stack,
  from: number,
  what: string,
  wanted: (line: LogLine) => boolean,
): Promise<LogLine> {
  return waitFor(what, async () => (await gatewayLog(stack, from)).find(wanted), { timeout: 120_000 })
}

/** Waits until `count` nodes came up since the container's last start; seconds from that start to the last of them. */
export async function allUp(stack: Stack, count: number): Promise<number> {
  const started = await startOf(stack)
  const ups = await waitFor(
    `${count} nodes`,
    async () => {
      const lines = (await gatewayLog(stack, started)).filter((line) => line.msg === 'node is up')
      return new Set(lines.map((line) => line.node)).size >= count ? lines : undefined
    },
    { timeout: 240_000, every: 1000 },
  )
  return Math.max(...ups.map((line) => line.ts)) - started
}

async function startOf(stack: Stack): Promise<number> {
  const text = await docker(['inspect', '-f', '{{.State.StartedAt}}', await gatewayId(stack)])
  return Date.parse(text) / 1000
}

/** Percent of one core that a container takes over `seconds`; health checks inside it count. */
export async function cpuOver(id: string, seconds: number): Promise<number> {
  const before = cpuSeconds(id)
  const began = process.hrtime.bigint()
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  const took = Number(process.hrtime.bigint() - began) / 1e9
  return (100 * (cpuSeconds(id) - before)) / took
}

/** CPU time that a container has taken, by its cgroup: version 2 with systemd or cgroupfs, or version 1. */
export function cpuSeconds(id: string): number {
  const roots = ['/sys/fs/cgroup', '/sys/fs/cgroup/cpuacct', '/sys/fs/cgroup/cpu,cpuacct']
  for (const group of roots.flatMap((root) => [`${root}/docker/${id}`, `${root}/system.slice/docker-${id}.scope`])) {
    if (existsSync(`${group}/cpuacct.usage`)) return Number(readFileSync(`${group}/cpuacct.usage`, 'utf8')) / 1e9
    if (!existsSync(`${group}/cpu.stat`)) continue
    const found = /^usage_usec (\d+)$/m.exec(readFileSync(`${group}/cpu.stat`, 'utf8'))
    if (found) return Number(found[1]) / 1e6
  }
  throw new Error(`the cgroup of container ${id} was not found`)
}
