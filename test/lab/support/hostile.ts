import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Client, Login } from './client.ts'
import { docker, run } from './docker.ts'
import type { Stack } from './stack.ts'
import { waitFor } from './wait.ts'

const script = readFileSync(fileURLToPath(new URL('./hostile.py', import.meta.url)))

/** What the client has seen so far. */
export interface Seen {
  opened: number
  refused: number
  /** Connections that it holds. */
  open: number
  /** It has done what it was told and, where it holds something, goes on holding it. */
  ready: boolean
  answers: Record<string, string[]>
  tries?: number
  code?: number
  said?: string
}

export interface Trouble {
  seen(): Promise<Seen>
  /** Waits until the script says that it is ready. */
  ready(timeout?: number): Promise<Seen>
  /** Ends it and gives the last it has seen; throws what it threw. */
  stop(): Promise<Seen>
  /** Waits until it ends by itself. */
  done(): Promise<Seen>
}

const running = new Set<() => Promise<unknown>>()

/** Ends what a test that failed has left under way. */
export async function endTrouble(): Promise<void> {
  for (const stop of running) await stop().catch(() => undefined)
}

/** Starts one kind of trouble of hostile.py in a client, which goes on while the caller does other things. */
export async function trouble(
  client: Client,
  kind: 'resets' | 'halfopen' | 'idle' | 'unread' | 'stall' | 'pause' | 'garbage',
  host: string,
  ...args: (string | number)[]
): Promise<Trouble> {
  const [told, end] = [`/tmp/hostile.${kind}.json`, `/tmp/hostile.${kind}.stop`]
  await client.must(['rm', '-f', told, end])
  // 16 minutes: the script ends by itself after 15.
  const command = ['python3', '-', kind, host, ...args.map(String)]
  let over: Error | undefined
  const ended = client.must(command, { input: script, timeout: 960_000 }).then(
    () => undefined,
    (error: Error) => {
      over = error
    },
  )
  const seen = async () => {
    if (over) throw over
    return JSON.parse(await client.must(['cat', told])) as Seen
  }
  const done = async () => {
    await ended
    running.delete(stop)
    return seen()
  }
  const stop = async () => {
    await client.must(['touch', end])
    return done()
  }
  running.add(stop)
  return {
    seen,
    done,
    ready: (timeout = 60_000) =>
      waitFor(
        `${kind} to be under way`,
        async () => {
          const now = await seen()
          if (!now.ready) throw new Error(`not ready: ${JSON.stringify(now)}`)
          return now
        },
        { timeout },
      ),
    stop,
  }
}

/** Puts a fresh random file on a share, gets it back and compares every byte; gives the milliseconds that it took. */
export async function copyWhole(
  client: Client,
  host: string,
  share: string,
  login: Login,
  mib: number,
): Promise<number> {
  const made = `head -c ${mib}M /dev/urandom > /tmp/whole && rm -f /tmp/back`
  await client.must(['sh', '-c', made])
  const started = Date.now()
  const ran = await client.smb(host, share, login, 'put /tmp/whole whole; get whole /tmp/back; del whole')
  const took = Date.now() - started
  if (ran.code !== 0) throw new Error(`the copy failed: ${ran.stdout}${ran.stderr}`)
  await client.must(['cmp', '/tmp/whole', '/tmp/back'])
  return took
}

export interface Memory {
  /** MiB in use by the container, as Docker tells it. */
  used: number
  /** Its hard limit in MiB. */
  limit: number
}

/** Memory of a service's container now. */
export async function memory(stack: Stack, service: string): Promise<Memory> {
  const { id } = await stack.containerOf(service)
  const line = await docker(['stats', '--no-stream', '--format', '{{.MemUsage}}', id])
  const [used, limit] = line.split('/').map(mebibytes)
  return { used: used as number, limit: limit as number }
}

function mebibytes(text: string): number {
  const [, number, unit] = /^\s*([\d.]+)(\w+)\s*$/.exec(text) ?? []
  const power = ['B', 'KiB', 'MiB', 'GiB', 'TiB'].indexOf(unit ?? '')
  if (power < 0) throw new Error(`not a size of memory: ${text}`)
  return Number(number) * 1024 ** (power - 2)
}

/** How a container has lived so far: all of it changes when it is killed or starts again. */
export async function life(stack: Stack, service: string): Promise<string> {
  const { id } = await stack.containerOf(service)
  return docker(['inspect', '-f', '{{.Id}} {{.State.StartedAt}} {{.RestartCount}} {{.State.OOMKilled}}', id])
}

/** Lines that a service has logged since a time. */
export async function linesSince(stack: Stack, service: string, since: Date): Promise<string[]> {
  const { id } = await stack.containerOf(service)
  const { stdout, stderr } = await run('docker', ['logs', '--since', since.toISOString(), id])
  return (stdout + stderr).split('\n').filter((line) => line !== '')
}
