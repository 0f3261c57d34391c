import type { Container } from '../test/lab/support/index.ts'
import { startLoader } from './copy.ts'
import { median, spread, table } from './table.ts'
import { signIn } from './together.ts'
import { mustBeDirect, share, startWays, type Way } from './ways.ts'

/** Files of one kind: `each` of them in one go, removed before the next. */
const kinds = [
  { what: '8 MiB (a band)', bytes: 8 * 1024 ** 2, each: 100 },
  { what: '64 KiB', bytes: 64 * 1024, each: 3334 },
]

/** Many files of one size, put one after the other in one session, through each way in turn in every round. */
export async function filesTable(rounds: number): Promise<string> {
  const { stack, client, ways } = await startWays()
  const loader = await startLoader(client, 8)
  await signIn(loader, await stack.login('alice'))
  const all = Object.values(ways)
  const speeds = new Map(kinds.map((kind) => [kind, new Map<Way, number[]>(all.map((way) => [way, []]))]))
  for (let round = 1; round <= rounds; round++) {
    for (const kind of kinds) {
      for (const way of all) {
        await mustBeDirect(client, way)
        const took = await putMany(loader, way.host, kind)
        speeds
          .get(kind)
          ?.get(way)
          ?.push(kind.each / took)
        console.error(`round ${round}: ${kind.what}: ${way.what}: ${(kind.each / took).toFixed(0)} files/s`)
      }
    }
  }
  const tables = kinds.map((kind) => {
    const rates = (way: Way) => speeds.get(kind)?.get(way) ?? []
    const rows = all.map((way) => [
      way.what,
      spread(rates(way), 1),
      ((median(rates(way)) * kind.bytes) / 1024 ** 2).toFixed(0),
      (median(rates(ways.gateway)) / median(rates(way))).toFixed(2),
    ])
    const head = [`${rounds * kind.each} files of ${kind.what}`, 'files/s: median (min-max)', 'MiB/s', 'gateway / this']
    return table(head, rows)
  })
  return tables.join('\n\n')
}

/** Seconds that putting the files took, in one session; they are removed afterwards, in another. */
async function putMany(loader: Container, host: string, kind: (typeof kinds)[number]): Promise<number> {
  const each = (command: string) => `i=0; while [ $i -lt ${kind.each} ]; do echo "${command}"; i=$((i + 1)); done`
  const script = `set -eu
head -c ${kind.bytes} /dev/shm/file > /dev/shm/one
{ ${each('put /dev/shm/one many$i')}; } > /dev/shm/puts
{ ${each('del many$i')}; } > /dev/shm/dels
smb() { smbclient "//$0/${share}" -m SMB3 -A /dev/shm/auth -t 60 < "$1" > /dev/shm/said 2>&1; }
began=$(date +%s.%N)
smb /dev/shm/puts
ended=$(date +%s.%N)
[ "$(grep -c 'putting file' /dev/shm/said)" = ${kind.each} ] || { tail -n 5 /dev/shm/said >&2; exit 1; }
smb /dev/shm/dels
echo "$began $ended"`
  const [began, ended] = (await loader.must(['sh', '-c', script, host], { timeout: 280_000 })).split(' ').map(Number)
  if (!began || !ended) throw new Error(`${host}: no times`)
  return ended - began
}
