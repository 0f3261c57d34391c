import { linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { composeExec, composeUp, type Stack, waitFor } from '../test/lab/support/index.ts'
import { backUp, writeBands, writeBundle } from '../test/support/bundles.ts'
import { member, share, startCrowd } from './crowd.ts'
import { cpuOver, cpuSeconds } from './gateway.ts'
import { memoryOf } from './sidecar.ts'
import { table } from './table.ts'

/** Bands of each bundle. */
const bands = 20_000
/** Seconds over which idle services are watched: one look, five reports, ten health checks. */
const watched = 300
/** Seconds over which the page is asked. */
const asked = 200

/**
 * The monitor's two services in a stack whose people have a bundle of 20,000 bands each: one look at all of them, what the
 * services take while nothing happens, and the page. The bands are names of one small file: a look reads none of them.
 */
export async function looksTable(counts: readonly number[]): Promise<string> {
  const columns: string[][] = []
  for (const count of counts) columns.push(await measure(count))
  const rows = goals.map(([what, goal], index) => [what, ...columns.map((column) => column[index] ?? ''), goal])
  return table(['What', ...counts.map((count) => `${count} users`), 'goal for 200: less than'], rows)
}

const goals: readonly (readonly [what: string, goal: string])[] = [
  ['first look: wall clock / CPU time', ''],
  ['look at rest', '2 s'],
  ['look after a tenth of the Macs backed up', '2 s'],
  ['scanner: RSS after them (highest)', '150 MiB'],
  ['reporter: RSS (highest)', ''],
  [`scanner idle, over ${watched} s, one look and health checks included`, '0.5 % of one core'],
  [`reporter idle, over ${watched} s, its reports and health checks included`, '0.5 % of one core'],
  ['page: first byte, first after each report / median of all / slowest', '300 ms'],
  ['page: size / compressed', '200 KiB'],
]

async function measure(count: number): Promise<string[]> {
  const stack = await startCrowd(count, 'manual')
  // Reading back has its own bounds and its own time; here it would be the bulk of what is measured.
  stack.edit('tmgen.yaml', (text) => `${text}monitor:\n  every: 1m\n  verify: { enabled: false }\n`)
  await stack.must(['generate'], { timeout: 300_000 })
  const bundles = Array.from({ length: count }, (_none, n) => fill(join(stack.storage, member(n), share)))
  console.error(`${count} users: ${count * bands} bands`)
  await composeUp(stack.dir, ['gateway', 'monitor', 'monitor-scanner'])
  const [scanner, reporter] = await Promise.all(['monitor-scanner', 'monitor'].map((name) => containerOf(stack, name)))
  const first = await look(stack, scanner!, 0)
  // What was just written is no rest: the next look or two still look anew.
  let before = first
  const atRest = await waitFor(
    'a look at rest',
    async () => {
      const next = await look(stack, scanner!, before.at)
      const isCalm = next.cpu < before.cpu / 2 || next.cpu < 1
      before = next
      return isCalm ? look(stack, scanner!, next.at) : undefined
    },
    { timeout: 400_000 },
  )
  const text = ({ wall, cpu }: Look) => `${wall.toFixed(2)} s / ${cpu.toFixed(2)} s`
  console.error(`${count} users: ${[first, atRest].map(text).join(' | ')}`)
  // Nobody writes: a Mac that wrote is counted anew at each look for a quarter of an hour.
  await setEvery(stack, '5m')
  await look(stack, scanner!, (await look(stack, scanner!, atRest.at)).at)
  const [idle, idleReporter] = await Promise.all([cpuOver(scanner!, watched), cpuOver(reporter!, watched)])
  const page = await askedPage(stack)
  await setEvery(stack, '1m')
  for (const bundle of bundles.slice(0, Math.ceil(count / 10))) {
    writeBands(bundle, bands, bands + 1)
    backUp(bundle, [new Date()], { from: bands + 1, to: bands + 2 })
  }
  const changed = await look(stack, scanner!, Date.now())
  const [memory, told] = [await memoryOf(scanner!), await memoryOf(reporter!)]
  const mib = ({ now, most }: { now: number; most: number }) => `${now.toFixed(0)} MiB (${most.toFixed(0)})`
  return [
    ...[first, atRest, changed].map(text),
    ...[memory, told].map(mib),
    ...[idle, idleReporter].map((percent) => `${percent.toFixed(2)} %`),
    ...page,
  ]
}

/** A bundle whose bands are names of one file, as ext4 takes 65,000 of. */
function fill(folder: string): string {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  const bundle = writeBundle(folder, 'A.sparsebundle', { bands: 1, completed: [new Date(Date.now() - 3600_000)] })
  const one = join(bundle, 'bands/1')
  writeFileSync(one, 'band')
  for (let index = 2; index < bands; index++) linkSync(one, join(bundle, 'bands', index.toString(16)))
  return bundle
}

async function containerOf(stack: Stack, service: string): Promise<string> {
  return (await stack.containerOf(service)).id
}

interface Look {
  /** ms since 1970. */
  at: number
  /** Seconds from its begin to what it saw being written, and of CPU since the last one. */
  wall: number
  cpu: number
}

/** The first look after one: what it took by the service's own account of when it began and wrote. */
async function look(stack: Stack, scanner: string, after: number): Promise<Look> {
  // The first one began with the container.
  const from = after === 0 ? 0 : cpuSeconds(scanner)
  return waitFor(
    'a look',
    async () => {
      const script = 'stat -c %.3Y /run/tmgen-looks/look.json && head -c 60 /run/tmgen-looks/look.json'
      const { stdout } = await composeExec(stack.dir, 'monitor', ['sh', '-c', script])
      const [, written, at] = /^([\d.]+)\n.*?"at":(\d+)/.exec(stdout) ?? []
      if (at === undefined || Number(at) <= after) return undefined
      return { at: Number(at), wall: Number(written) - Number(at) / 1000, cpu: cpuSeconds(scanner) - from }
    },
    { timeout: 300_000, every: 500 },
  )
}

/** Milliseconds to the first byte, and bytes; on the socket itself, four times a second through some reports. */
async function askedPage(stack: Stack): Promise<[string, string]> {
  const socketPath = join(stack.dir, 'state/page/operator.sock')
  const ask = (encoding: string) =>
    new Promise<{ first: number; bytes: number; tag: string }>((resolve, reject) => {
      const began = performance.now()
      const headers = { host: 'localhost', 'accept-encoding': encoding }
      request({ socketPath, path: '/', headers }, (answer) => {
        let [first, bytes] = [0, 0]
        answer.on('data', (part: Buffer) => {
          first ||= performance.now() - began
          bytes += part.length
        })
        answer.on('end', () => resolve({ first, bytes, tag: answer.headers.etag ?? '' }))
      })
        .on('error', reject)
        .end()
    })
  const took: { first: number; bytes: number; tag: string }[] = []
  for (const end = Date.now() + asked * 1000; Date.now() < end; ) {
    took.push(await ask('identity'))
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
  // The first answer after a report makes the page; the others have it.
  const made = took.filter(({ tag }, index) => index > 0 && tag !== took[index - 1]?.tag).map(({ first }) => first)
  const all = took.map(({ first }) => first).sort((a, b) => a - b)
  const ms = (value = 0) => `${value.toFixed(value < 10 ? 1 : 0)} ms`
  const kib = (bytes = 0) => `${(bytes / 1024).toFixed(0)} KiB`
  return [
    `${made.map((one) => ms(one)).join(', ')} / ${ms(all[all.length >> 1])} / ${ms(all.at(-1))}`,
    `${kib(took[0]?.bytes)} / ${kib((await ask('gzip')).bytes)}`,
  ]
}

/** Another time between two looks; the next look is still at the old one. */
async function setEvery(stack: Stack, every: string): Promise<void> {
  stack.edit('tmgen.yaml', (text) => text.replace(/^ {2}every: .*$/m, `  every: ${every}`))
  await stack.must(['generate'], { timeout: 300_000 })
}
