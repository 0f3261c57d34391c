import { createInterface } from 'node:readline'
import { execa } from 'execa'
import { onCleanup } from './cleanup.ts'
import type { Client, Login } from './client.ts'
import { waitFor } from './wait.ts'

/** What the workload tells while it runs; `at` in milliseconds since 1970. */
export interface WorkloadEvent {
  event: 'lost' | 'back' | 'acked' | 'done' | 'failed'
  at: number
  why?: string
  [more: string]: unknown
}

/** What it did, by its last event; numbers of bytes, of operations and of handles. */
export interface WorkloadTotals {
  acked: number
  writes: number
  flushes: number
  plists: number
  renames: number
  deletes: number
  backups: number
  checked: number
  doubtful: number
  lost: number
  taken_up: number
  opened_anew: number
}

export interface Workload {
  events: WorkloadEvent[]
  /** Waits until the server acknowledged something after that time. */
  goesOnAfter(at: number): Promise<void>
  /** Lets it come to its end: every byte is checked. Throws when one is wrong, with what it said. */
  finish(): Promise<WorkloadTotals>
}

/**
 * Starts lab/client/workload.py in a client: a sparse bundle is written to //host/share as backupd writes it, until
 * finish(). The login travels by stdin.
 */
export async function startWorkload(
  client: Client,
  host: string,
  share: string,
  login: Login,
  { bands = 24, bandSize = 8 << 20, seed = Date.now() } = {},
): Promise<Workload> {
  await client.must(['rm', '-f', '/run/workload.stop'])
  const program = ['python3', '/usr/local/lib/tmgen-lab/workload.py']
  const child = execa('docker', ['exec', '-i', client.id, ...program], {
    input: JSON.stringify({ host, share, ...login, name: `workload-${seed}`, bands, band_size: bandSize, seed }),
    reject: false,
    buffer: { stdout: false },
  })
  onCleanup('workload', async () => void child.kill('SIGKILL'))
  const events: WorkloadEvent[] = []
  createInterface({ input: child.stdout }).on('line', (line) => {
    const event = JSON.parse(line) as WorkloadEvent
    events.push({ ...event, at: event.at * 1000 })
  })
  let over: string | undefined
  const ended = child.then(({ exitCode, stderr }) => {
    over = `seed ${seed}: the workload exited ${exitCode}: ${JSON.stringify(events.at(-1))}\n${stderr}`
    return exitCode
  })
  return {
    events,
    goesOnAfter: async (at) => {
      const goesOn = () => events.some((one) => one.event === 'acked' && one.at > at)
      await waitFor('the workload to go on', () => over ?? goesOn(), { timeout: 180_000 })
      if (over !== undefined) throw new Error(over)
    },
    finish: async () => {
      await client.must(['touch', '/run/workload.stop'])
      const code = await ended
      const last = events.at(-1)
      if (code !== 0 || last?.event !== 'done') throw new Error(over)
      return last as unknown as WorkloadTotals
    },
  }
}
