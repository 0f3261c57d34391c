import { readFileSync } from 'node:fs'
import { startLoader } from './copy.ts'
import { table } from './table.ts'
import { mustBeDirect, share, startWays } from './ways.ts'

/** Operations of each kind in a round; a tenth of it for listings. */
const count = 200
const program = readFileSync(new URL('latency.py', import.meta.url), 'utf8')

/** How long one SMB operation takes when the one before it is done, through each way, in turn in every round. */
export async function latencyTable(rounds: number): Promise<string> {
  const { stack, client, ways } = await startWays()
  const { user, password } = await stack.login('alice')
  const loader = await startLoader(client, 1)
  await loader.must(['sh', '-c', 'cat > /dev/shm/latency.py'], { input: program })
  const found = new Map<string, Map<string, number[]>>()
  for (let round = 0; round < rounds; round++) {
    for (const way of Object.values(ways)) {
      await mustBeDirect(client, way)
      const ran = ['python3', '/dev/shm/latency.py', way.host, share, String(count)]
      const printed = await loader.must(ran, { input: `${user}\n${password}\n`, timeout: 240_000 })
      for (const [operation, times] of Object.entries(JSON.parse(printed) as Record<string, number[]>)) {
        const byWay = found.get(operation) ?? new Map<string, number[]>()
        byWay.set(way.what, [...(byWay.get(way.what) ?? []), ...times])
        found.set(operation, byWay)
      }
    }
  }
  const names = Object.values(ways).map((way) => way.what)
  const rows = [...found].map(([operation, byWay]) => [
    operation,
    ...names.map((name) => [0.5, 0.99].map((p) => (quantile(byWay.get(name) ?? [], p) * 1000).toFixed(2)).join(' / ')),
  ])
  const what = `${rounds * count} operations of each kind one after the other, a tenth for listings; milliseconds, p50 / p99.
The client is a Python program, whose own time is part of every figure.`
  return `${what}\n\n${table(['Operation', ...names], rows)}`
}

/** The value that a share `p` of all values do not exceed. */
function quantile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const found = sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))]
  if (found === undefined) throw new Error('no values, no quantile')
  return found
}
