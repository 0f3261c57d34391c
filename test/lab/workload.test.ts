import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Client,
  cleanUp,
  docker,
  type Stack,
  seconds,
  startTwoUsers,
  startWorkload,
  type Workload,
} from './support/index.ts'

/** Something that happens while a backup runs. `cuts`: whether connections may end over it. */
interface Fault {
  what: string
  cuts: boolean
  make: () => Promise<unknown>
}

/** A fault that was made: from its begin until the workload went on, in milliseconds since 1970. */
interface Made {
  what: string
  cuts: boolean
  from: number
  until: number
}

describe('a backup as backupd writes it', () => {
  const time = seconds({ ci: 90, soak: 900 })
  let stack: Stack
  let alice: Client

  beforeAll(async () => {
    ;({ stack, alice } = await startTwoUsers())
  })
  afterAll(cleanUp)

  test(`keeps every acknowledged byte through faults`, { timeout: time + 400_000 }, async () => {
    const login = await stack.login('alice')
    const workload = await startWorkload(alice, await alice.peerIp('tm-alice'), 'macbook', login)
    await workload.goesOnAfter(0)
    const made = await makeFaults(workload, [
      { what: 'the connection is reset', cuts: true, make: () => packets('reject with tcp reset', 1) },
      { what: 'the gateway is killed', cuts: true, make: killGateway },
      { what: 'the path is cut for 5 s', cuts: false, make: () => packets('drop', 5) },
      { what: 'Samba restarts', cuts: true, make: restartSamba },
      { what: 'the gateway takes up a config', cuts: false, make: newConfig },
      ...(time > 300_000
        ? [{ what: 'the path is cut for 45 s', cuts: true, make: () => packets('drop', 45) }]
        : ([] as Fault[])),
    ])
    const totals = await workload.finish()
    const lost = workload.events.filter(({ event }) => event === 'lost')
    const cutting = made.filter(({ cuts }) => cuts)
    console.log(
      `${made.length} faults (${cutting.length} that cut), ${lost.length} reconnects, ${totals.taken_up} handles taken up, ` +
        `${totals.opened_anew} opened anew, ${mib(totals.acked)} MiB in ${totals.writes} writes acknowledged, ` +
        `${totals.flushes} full flushes, ${totals.backups} backups, ${totals.plists} plists, ${totals.renames} bands ` +
        `renamed, ${mib(totals.checked)} MiB checked, ${totals.doubtful} units of 4 KiB were in doubt`,
    )
    const without = lost.filter(({ at }) => !cutting.some(({ from, until }) => from <= at && at <= until))
    expect(without, 'connections that ended without a fault').toEqual([])
    expect(lost.length).toBeGreaterThanOrEqual(cutting.length)
    // A durable handle outlives everything but its own server.
    const anew = workload.events.filter(({ event, opened_anew }) => event === 'back' && Number(opened_anew) > 0)
    const restarts = made.filter(({ what }) => what === 'Samba restarts')
    expect(anew.filter(({ at }) => !restarts.some(({ from, until }) => from <= at && at <= until))).toEqual([])
    expect(totals.taken_up).toBeGreaterThan(0)
  })

  /** Each of the faults in turn, once at least, until the time is over; the workload goes on between them. */
  async function makeFaults(workload: Workload, faults: Fault[]): Promise<Made[]> {
    const made: Made[] = []
    const end = Date.now() + time
    for (let at = 0; at < faults.length || Date.now() < end; at++) {
      const { what, cuts, make } = faults[at % faults.length] as Fault
      const from = Date.now()
      await make()
      await workload.goesOnAfter(Date.now())
      made.push({ what, cuts, from, until: Date.now() })
    }
    return made
  }

  /** What the client's firewall does with SMB, both ways, for some seconds. */
  function packets(verdict: string, duration: number): Promise<string> {
    const script = `table inet fault {
  chain in { type filter hook input priority 0; tcp sport 445 ${verdict}; }
  chain out { type filter hook output priority 0; tcp dport 445 ${verdict}; }
}
`
    const command = `nft -f - && sleep ${duration}; nft delete table inet fault`
    return alice.must(['sh', '-c', command], { input: script })
  }

  async function killGateway(): Promise<void> {
    const { id } = await stack.containerOf('gateway')
    await docker(['kill', '--signal', 'KILL', id])
    await docker(['start', id])
    await stack.running('alice')
  }

  async function restartSamba(): Promise<void> {
    await docker(['restart', (await stack.containerOf('samba-alice')).id])
  }

  /** The same config with other bytes: it is loaded anew, and nobody may notice. */
  async function newConfig(): Promise<void> {
    stack.edit('generated/caddy/config.json', (text) => (text.endsWith('\n\n') ? text.trimEnd() : `${text}\n`))
    await stack.loaded()
  }

  function mib(bytes: number): number {
    return Math.round(bytes / 1024 ** 2)
  }
})
