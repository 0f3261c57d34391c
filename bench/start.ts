import { performance } from 'node:perf_hooks'
import { type Client, composeDown, type Stack } from '../test/lab/support/index.ts'
import { startPair } from './pair.ts'
import { spread, table } from './table.ts'

const share = 'macbook'

/** Seconds from `docker compose up -d` to alice's first listing of her share. */
async function upToSession(stack: Stack, client: Client): Promise<number> {
  const { user, password } = await stack.login('alice')
  await client.must(['sh', '-c', 'umask 077; cat > /run/bench.auth'], {
    input: `username = ${user}\npassword = ${password}\ndomain = WORKGROUP\n`,
  })
  const started = performance.now()
  await stack.up()
  const host = await client.peerIp('tm-alice')
  // In the client, so that no `docker exec` lies between two tries; 200 of at most 3 s.
  const script = `tries=0
until timeout 3 smbclient "//$0/${share}" -m SMB3 -A /run/bench.auth -c ls >/dev/null 2>&1; do
  tries=$((tries + 1)); [ "$tries" -lt 200 ] || exit 1; sleep 0.1
done`
  await client.must(['sh', '-c', script, host])
  return (performance.now() - started) / 1000
}

/** Starts of a workspace of two users whose images are built: the first, which enrols the nodes, then `rounds` more. */
export async function startTable(rounds: number): Promise<string> {
  const { stack, client } = await startPair()
  const first = await upToSession(stack, client)
  await stack.running('alice', 'bob')
  const enrolled: number[] = []
  for (let round = 0; round < rounds; round++) {
    await composeDown(stack.dir)
    enrolled.push(await upToSession(stack, client))
  }
  return table(
    ['`docker compose up -d` to the first SMB session', 'seconds: median (min-max)', 'goal: less than'],
    [
      ['nodes enrolled before', spread(enrolled, 1), '10'],
      ['the very first start, nodes enrol (once)', first.toFixed(1), ''],
    ],
  )
}
