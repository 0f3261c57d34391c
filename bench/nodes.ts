import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { compose, composeUp, type Stack } from '../test/lab/support/index.ts'
import { member, share, startCrowd } from './crowd.ts'
import { allUp, cpuOver, gatewayId, logged } from './gateway.ts'
import { memoryOf } from './sidecar.ts'
import { spread, table } from './table.ts'

/** Nodes have settled when they took less than `calm` percent of a core for 5 s; that is waited for `patience` seconds. */
const [calm, patience] = [5, 300]
/** Seconds over which the CPU time of idle nodes is taken. */
const watched = 60
/** Users that are added one after the other. */
const more = 4

/** A gateway of `count` nodes: enrolment, idle cost, restart, and one user more. No Samba container runs. */
export async function nodesTable(count: number): Promise<string> {
  const stack = await startCrowd(count)
  await allowMore(stack, count)
  await composeUp(stack.dir, ['gateway'])
  const enrolled = await allUp(stack, count)
  console.error(`${count} nodes: enrolled in ${enrolled.toFixed(1)} s`)
  const id = await gatewayId(stack)
  const settled = await settle(id)
  const cpu = await cpuOver(id, watched)
  const idle = await memoryOf(id)
  console.error(`${count} nodes: ${cpu.toFixed(2)} %, ${idle.now.toFixed(0)} MiB`)
  const added: Added[] = []
  for (let n = 0; n < more; n++) {
    added.push(await addOne(stack, member(count + n)))
    console.error(JSON.stringify(added.at(-1)))
  }
  await compose(stack.dir, ['restart', 'gateway'])
  const back = await allUp(stack, count + more)
  const of = (which: keyof Added) =>
    spread(
      added.map((one) => one[which]),
      2,
    )
  const rows = [
    ['all nodes enrolled, from the start of the container', `${enrolled.toFixed(1)} s`, count === 200 ? '30 s' : ''],
    [
      `below ${calm} % of a core, from then on`,
      settled === undefined ? `not in ${patience} s` : `${settled.toFixed(0)} s`,
      '',
    ],
    ['all nodes up again after a restart', `${back.toFixed(1)} s`, ''],
    [
      `CPU idle, over ${watched} s, health checks included`,
      `${cpu.toFixed(2)} % of one core`,
      count === 200 ? '1 %' : '',
    ],
    ['RSS idle (highest)', `${idle.now.toFixed(0)} MiB (${idle.most.toFixed(0)})`, ''],
    ['a user more: `tmgen add user`, all of it', `${of('command')} s`, ''],
    ['a user more: from the config in place to loaded', `${of('loaded')} s`, ''],
    ['a user more: from the config in place to the node up', `${of('up')} s`, '2 s'],
  ]
  return table(['What', `${count} nodes: median (min-max)`, 'goal: less than'], rows)
}

/** Waits until the nodes have settled; seconds that took. */
async function settle(id: string): Promise<number | undefined> {
  for (let waited = 5; waited <= patience; waited += 5) if ((await cpuOver(id, 5)) < calm) return waited
  return undefined
}

/** Lets the users that come later have their tags, as a policy pasted beforehand would. */
async function allowMore(stack: Stack, count: number): Promise<void> {
  const policy = JSON.parse(await stack.must(['policy', 'show'])) as { tagOwners: Record<string, string[]> }
  for (let n = 0; n < more; n++) policy.tagOwners[`tag:tm-${member(count + n)}`] = ['tag:tmgen']
  await stack.headscale.setPolicy(policy)
}

/** Seconds. */
interface Added {
  command: number
  loaded: number
  up: number
}

/** Adds a user while the gateway runs; the clock of the gateway's log is this machine's. */
async function addOne(stack: Stack, user: string): Promise<Added> {
  const config = join(stack.dir, 'generated/caddy/config.json')
  const started = performance.now()
  await stack.must(['add', 'user', user, '--login', user, '--mac', share])
  const command = (performance.now() - started) / 1000
  if (!readFileSync(config, 'utf8').includes(`"${user}"`)) throw new Error(`${user} is not in the gateway's config`)
  const written = statSync(config).mtimeMs / 1000
  const loaded = await logged(stack, written, 'the config to be loaded', (line) => line.msg === 'config loaded')
  const up = await logged(
    stack,
    written,
    `the node of ${user}`,
    (line) => line.msg === 'node is up' && line.node === user,
  )
  return { command, loaded: loaded.ts - written, up: up.ts - written }
}
