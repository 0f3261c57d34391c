import { composeUp } from '../test/lab/support/index.ts'
import { startLoader } from './copy.ts'
import { member, share, startCrowd } from './crowd.ts'
import { allUp, gatewayId } from './gateway.ts'
import { memoryOf } from './sidecar.ts'
import { median, spread, table } from './table.ts'
import { type Copy, signIn, together } from './together.ts'

/** MiB that each user copies at once with the others; alone a user copies this file as often as there are users. */
const size = 128

/** MiB/s of all together, and the slowest user's rate over the mean of all. */
interface Round {
  total: number
  fairness: number
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
  const all = []
  for (const user of users) {
    const client = await stack.client(user)
    const loader = await startLoader(client, size)
    await signIn(loader, await stack.login(user))
    await stack.session(client, user, share)
    const { path } = await client.path(`tm-${user}`)
    if (path !== 'direct') throw new Error(`the path of ${user} is not direct`)
    all.push({ loader, share, host: await client.peerIp(`tm-${user}`) })
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
      found[way].one.push(sum(await together(all.slice(0, 1), repeat(copy)), size * count))
      found[way].all.push(sum(await together(all, copy(0)), size))
      const [one, many] = [found[way].one.at(-1), found[way].all.at(-1)]
      console.error(`${way}: one ${one?.total.toFixed(0)}, all ${many?.total.toFixed(0)}, ${many?.fairness.toFixed(2)}`)
    }
    for (const { loader } of all) await loader.must(['cmp', '/dev/shm/file', '/dev/shm/back'])
  }
  const memory = await memoryOf(await gatewayId(stack))
  const row = (way: Way) => {
    const totals = (who: Who) => found[way][who].map((one) => one.total)
    const ratio = median(totals('all')) / median(totals('one'))
    const fairness = Math.min(...found[way].all.map((one) => one.fairness))
    return [way, spread(totals('one')), spread(totals('all')), ratio.toFixed(2), fairness.toFixed(2)]
  }
  const head = [
    '',
    'one user, MiB/s: median (min-max)',
    `${count} users in all, MiB/s`,
    'ratio of medians',
    'slowest / mean, worst round',
  ]
  const goals = ['goal', '', '', 'at least 1.00', 'at least 0.50']
  const rss = `RSS of the gateway after the load: ${memory.now.toFixed(0)} MiB (highest ${memory.most.toFixed(0)}).`
  return `${size} MiB a user, ${rounds} rounds.\n\n${table(head, [row('put'), row('get'), goals])}\n\n${rss}`
}

type Way = 'put' | 'get'
type Who = 'one' | 'all'

/** @param each MiB that each of them copied */
function sum(copies: readonly Copy[], each: number): Round {
  const took = Math.max(...copies.map((one) => one.ended)) - Math.min(...copies.map((one) => one.begun))
  const rates = copies.map((one) => each / (one.ended - one.begun))
  const mean = rates.reduce((all, one) => all + one, 0) / rates.length
  return { total: (each * copies.length) / took, fairness: Math.min(...rates) / mean }
}
