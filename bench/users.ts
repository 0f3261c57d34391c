import { composeUp } from '../test/lab/support/index.ts'
import { startLoader } from './copy.ts'
import { member, share, startCrowd } from './crowd.ts'
import { allUp, cpuSeconds, gatewayId } from './gateway.ts'
import { memoryOf } from './sidecar.ts'
import { median, spread, table } from './table.ts'
import { type Copy, signIn, together } from './together.ts'

/** MiB that each user copies at once with the others; alone a user copies this file as often as there are users. */
const size = 128

/** MiB/s of all together, the slowest user's rate over the mean of all, and the gateway's CPU seconds for a GiB. */
interface Round {
  total: number
  fairness: number
  cpu: number
}

/**
 * `count` users, each with a Mac, a node and a Samba of their own, copy at the same time through one gateway; in turn
 * with one user alone who copies as much as all of them.
 */
export async function usersTable(count: number, rounds: number): Promise<string> {
  const stack = await startCrowd(count)
  const users = Array.from({ length: count }, (_, n) => member(n))
  await composeUp(stack.dir)
  await allUp(stack, count)
  const all: Parameters<typeof together>[0][number][] = []
  for (const user of users) {
    const client = await stack.client(user)
    const loader = await startLoader(client, size)
    await signIn(loader, await stack.login(user))
    await stack.session(client, user, share)
    const { path } = await client.path(`tm-${user}`)
    if (path !== 'direct') throw new Error(`the path of ${user} is not direct`)
    all.push({ loader, share, host: await client.peerIp(`tm-${user}`) })
  }
  const gateway = await gatewayId(stack)
  const measured = async (loaders: typeof all, commands: string, each: number): Promise<Round> => {
    const before = cpuSeconds(gateway)
    const copies = await together(loaders, commands)
    return { ...sum(copies, each), cpu: ((cpuSeconds(gateway) - before) * 1024) / (each * loaders.length) }
  }
  const put = (n: number) => `put /dev/shm/file bench${n}.bin`
  const get = (n: number) => `get bench${n}.bin /dev/shm/back`
  const repeat = (one: (n: number) => string) => users.map((_, n) => one(n)).join(';')
  const found = { put: { one: [], all: [] }, get: { one: [], all: [] } } as Record<Way, Record<Who, Round[]>>
  for (let round = 1; round <= rounds; round++) {
    for (const [way, copy] of [
      ['put', put],
      ['get', get],
    ] as const) {
      found[way].one.push(await measured(all.slice(0, 1), repeat(copy), size * count))
      found[way].all.push(await measured(all, copy(0), size))
      console.error(`${way}: ${JSON.stringify([found[way].one.at(-1), found[way].all.at(-1)])}`)
    }
    for (const { loader } of all) await loader.must(['cmp', '/dev/shm/file', '/dev/shm/back'])
  }
  const memory = await memoryOf(gateway)
  const row = (way: Way) => {
    const totals = (who: Who) => found[way][who].map((one) => one.total)
    const ratio = median(totals('all')) / median(totals('one'))
    const fairness = Math.min(...found[way].all.map((one) => one.fairness))
    const cpu = (who: Who) => median(found[way][who].map((one) => one.cpu)).toFixed(2)
    const gatewayCpu = `${cpu('one')}, ${cpu('all')}`
    return [way, spread(totals('one')), spread(totals('all')), ratio.toFixed(2), fairness.toFixed(2), gatewayCpu]
  }
  const head = [
    '',
    'one user, MiB/s: median (min-max)',
    `${count} users in all, MiB/s`,
    'ratio of medians',
    'slowest / mean, worst round',
    'CPU seconds of the gateway for a GiB: one user, all',
  ]
  const goals = ['goal', '', '', 'at least 1.00', 'at least 0.50', '']
  const rss = `RSS of the gateway after the load: ${memory.now.toFixed(0)} MiB (highest ${memory.most.toFixed(0)}).`
  return `${size} MiB a user, ${rounds} rounds.\n\n${table(head, [row('put'), row('get'), goals])}\n\n${rss}`
}

type Way = 'put' | 'get'
type Who = 'one' | 'all'

/** @param each MiB that each of them copied */
function sum(copies: readonly Copy[], each: number): Omit<Round, 'cpu'> {
  const took = Math.max(...copies.map((one) => one.ended)) - Math.min(...copies.map((one) => one.begun))
  const rates = copies.map((one) => each / (one.ended - one.begun))
  const mean = rates.reduce((all, one) => all + one, 0) / rates.length
  return { total: (each * copies.length) / took, fairness: Math.min(...rates) / mean }
}
