import { statSync } from 'node:fs'
import { join } from 'node:path'
import { composeUp, type Stack } from '../test/lab/support/index.ts'
import { generateTimes } from './cli.ts'
import { startCrowd, usersLine } from './crowd.ts'
import { logged } from './gateway.ts'
import { median, spread, table } from './table.ts'

const counts = [10, 100, 1000]
const rounds = 5

/** What grows with the number of users, and by how much for each of them. */
export async function growthTable(): Promise<string> {
  const rows: Row[] = [
    { what: '`generate`, everything is written', times: [] },
    { what: '`generate`, nothing to do (what `plan` does)', times: [] },
    { what: 'gateway: loads a config that changes no node', times: [] },
    { what: 'gateway: loads a config that changes one node', times: [] },
    { what: 'gateway: loads a config with a node more', times: [] },
    { what: 'gateway: from that config in place to loaded', times: [] },
  ]
  for (const count of counts) {
    const { first, again } = await generateTimes(count, rounds)
    const reload = await reloads(count)
    for (const [n, times] of [first, again, ...reload].entries()) rows[n]!.times.push(times)
    console.error(`${count} users: ${rows.map((row) => spread(row.times.at(-1)!)).join(' | ')}`)
  }
  const cells = rows.map(({ what, times }) => {
    const each = times.map((one, n) => median(one) / counts[n]!)
    // Of the least number of users to the most: below 1 the cost of a user falls.
    return [what, ...times.map((one) => spread(one)), (each.at(-1)! / each[0]!).toFixed(2)]
  })
  const head = ['ms: median (min-max)', ...counts.map((count) => `${count} users`), 'cost of a user, 1,000 to 10']
  return `${table(head, [...cells, ['goal', '', '', '', 'at most 1.00']])}\n\n${nodesNote}`
}

const nodesNote = `The gateway's nodes have no auth key here and wait for one: what is measured is the configuration. It looks
for a new config once a second, which is part of the last line alone.`

interface Row {
  what: string
  /** Milliseconds, by the number of users. */
  times: number[][]
}

/** Milliseconds of a reload without a changed node, with one changed, with one more; and of that from file to loaded. */
async function reloads(count: number): Promise<[number[], number[], number[], number[]]> {
  const stack = await startCrowd(count, 'manual')
  await composeUp(stack.dir, ['gateway'])
  await logged(stack, 0, 'the first config', (line) => line.msg === 'config loaded')
  const [same, changed, more, whole]: [number[], number[], number[], number[]] = [[], [], [], []]
  for (let round = 1; round <= rounds; round++) {
    stack.edit('tmgen.yaml', (text) => `${text.replace(/^gateway: .*\n/m, '')}gateway: { memory: ${800 + round}M }\n`)
    same.push((await reload(stack)).took)
    stack.edit('tmgen.yaml', (text) => text.replace(/^( {2}- .*logins: )\[[^\]]*\]/m, `$1[someone${round}]`))
    changed.push((await reload(stack)).took)
    stack.edit('tmgen.yaml', (text) => text.replace(/^users:\n/m, `$&${usersLine(count + round)}`))
    const one = await reload(stack)
    more.push(one.took)
    whole.push(one.whole)
  }
  return [same, changed, more, whole]
}

/** Milliseconds in which the gateway took the config that `generate` writes: the loading alone, and since it lay there. */
async function reload(stack: Stack): Promise<{ took: number; whole: number }> {
  const config = join(stack.dir, 'generated/caddy/config.json')
  const before = statSync(config).mtimeMs
  await stack.must(['generate'], { timeout: 300_000 })
  const written = statSync(config).mtimeMs
  if (written === before) throw new Error('generate left the config of the gateway as it was')
  const line = await logged(stack, written / 1000, 'the config to be loaded', ({ msg }) => msg === 'config loaded')
  return { took: Number(line.took) * 1000, whole: line.ts * 1000 - written }
}
