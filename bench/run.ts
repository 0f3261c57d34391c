// Benchmarks on the real stack: prints Markdown. Options: options.ts; progress goes to stderr.
import { cleanUp } from '../test/lab/support/index.ts'
import { cliTable } from './cli.ts'
import { curveTable } from './curve.ts'
import { filesTable } from './files.ts'
import { growthTable } from './growth.ts'
import { latencyTable } from './latency.ts'
import { looksTable } from './looks.ts'
import { load, machine, now } from './machine.ts'
import { nodesTable } from './nodes.ts'
import { type Options, type Part, readOptions } from './options.ts'
import { writePage } from './page.ts'
import { proxyTable } from './proxy.ts'
import { startTable } from './start.ts'
import { transferTable } from './transfer.ts'
import { usersTable } from './users.ts'

/** Every part: its title, and what makes its tables on a stack of its own. */
function measures({ size, rounds }: Options): Record<Part, [title: string, run: () => Promise<string>]> {
  return {
    transfer: [`Put and get of one ${size} MiB file, ${rounds} rounds`, () => transferTable(size, rounds)],
    curve2: ['Throughput by memory limit, 2 nodes', () => curveTable(2)],
    curve50: ['Throughput by memory limit, 50 nodes', () => curveTable(50)],
    curve200: ['Throughput by memory limit, 200 nodes', () => curveTable(200)],
    users: ['8 users at once', () => usersTable(8, rounds)],
    files: ['Many small files', () => filesTable(rounds)],
    latency: ['Latency of single operations', () => latencyTable(rounds)],
    nodes200: ['200 nodes', () => nodesTable(200)],
    nodes500: ['500 nodes', () => nodesTable(500)],
    proxy: ['Published UDP ports', proxyTable],
    growth: ['Cost of growth', growthTable],
    looks: ['The monitor: looks, rest and page', () => looksTable([2, 200])],
    cli: ['The command', cliTable],
    start: ['Start', () => startTable(rounds)],
  }
}

const options = readOptions(process.argv.slice(2))
try {
  const found = new Map<string, string>([['machine', await machine()]])
  console.log(`${found.get('machine')}\n`)
  const all = measures(options)
  for (const part of options.parts) {
    const [title, run] = all[part]
    const before = `Measured ${now()}; load of the machine just before: ${load()}`
    console.error(`${part}: ${before}`)
    const text = `### ${title}\n\n${before}\n\n${await run()}\n`
    console.log(text)
    found.set(part, text)
    await cleanUp()
    // Part by part, so that one that fails does not cost the others.
    if (options.write) writePage(found)
  }
} finally {
  await cleanUp()
}
