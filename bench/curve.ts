import { compose, composeUp, type Stack } from '../test/lab/support/index.ts'
import { copyOnce, type Speed, startLoader } from './copy.ts'
import { member, share, startCrowd } from './crowd.ts'
import { allUp, gatewayId } from './gateway.ts'
import { memoryOf } from './sidecar.ts'
import { spread, table } from './table.ts'

/** Soft limits in MiB; 64 is the least that tmgen.yaml takes. */
const limits = [128, 192, 256, 320, 384, 448, 512, 768]
const [size, rounds] = [256, 2]

/**
 * Put and get of one file by one user, while the other nodes idle, at several soft memory limits of the gateway. Each
 * point is a gateway started anew, so that no pool of an earlier point is left.
 * @param nodes how many nodes the gateway has, all of them up
 */
export async function curveTable(nodes: number): Promise<string> {
  const stack = await startCrowd(nodes)
  const client = await stack.client(member(0))
  const loader = await startLoader(client, size)
  await composeUp(stack.dir, ['gateway', `samba-${member(0)}`])
  await allUp(stack, nodes)
  await stack.healthy(`samba-${member(0)}`)
  const who = await stack.login(member(0))
  const host = await client.peerIp(`tm-${member(0)}`)
  const rows: string[][] = []
  for (const limit of limits) {
    await startWith(stack, limit, nodes)
    await stack.session(client, member(0), share)
    const { path, via } = await client.path(`tm-${member(0)}`)
    if (path !== 'direct') throw new Error(`the path is not direct, but by ${via}`)
    const idle = await memoryOf(await gatewayId(stack))
    const speeds: Speed[] = []
    for (let round = 0; round < rounds; round++) speeds.push(await copyOnce(loader, host, share, who))
    const { now, most } = await memoryOf(await gatewayId(stack))
    const [put, get] = [speeds.map((one) => one.put), speeds.map((one) => one.get)]
    const row = [
      String(limit),
      spread(put),
      spread(get),
      `${idle.now.toFixed(0)}`,
      `${now.toFixed(0)} (${most.toFixed(0)})`,
    ]
    console.error(`${nodes} nodes: ${row.join(' | ')}`)
    rows.push(row)
  }
  const head = [
    'Soft limit, MiB',
    'put, MiB/s: median (min-max)',
    'get, MiB/s',
    'RSS idle, MiB',
    'RSS after the load (highest)',
  ]
  return `One file of ${size} MiB, ${rounds} rounds at each limit.\n\n${table(head, rows)}`
}

/** Starts the gateway anew with this soft limit, as a person sets it. */
async function startWith(stack: Stack, limit: number, nodes: number): Promise<void> {
  stack.edit('tmgen.yaml', (text) => `${text.replace(/^gateway: .*\n/m, '')}gateway: { memory: ${limit}M }\n`)
  await stack.must(['generate'])
  await compose(stack.dir, ['restart', 'gateway'])
  await allUp(stack, nodes)
}
