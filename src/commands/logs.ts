import { TmgenError } from '../errors.ts'
import type { DeployedUser } from '../resolve/types.ts'
import { printable } from '../ui/printable.ts'
import type { World } from '../world.ts'
import type { Context } from './context.ts'
import {
  gatewayLogLine,
  jsonLine,
  type LogLine,
  type LogSource,
  sambaLogLine,
  showLine,
  sinceTime,
  stamped,
} from './log-lines.ts'
import { look, mustBeHere, userOf } from './look.ts'

export interface LogsOptions {
  follow?: boolean
  since?: string
  tail: number
  gateway?: boolean
  samba?: boolean
  json?: boolean
}

/** Reading a whole log may take this long, in ms: its size is bounded by the log limits of the compose file. */
const readTimeoutMs = 120_000

/** `tmgen logs NAME`: the lines about one user's node and those of the user's Samba, by time; nobody else's. */
export async function logs(context: Context, name: string, options: LogsOptions): Promise<undefined> {
  const { ui } = context
  const { deployment } = await look(context, 'no')
  const user = userOf(deployment, name)
  mustBeHere(deployment, 'logs')
  const world = await context.world()
  const show = (line: LogLine) => ui.data(options.json ? jsonLine(line) : showLine(line))
  const logOf = (source: LogSource) => new ContainerLog(world, context.dir, user, source)
  const sources = wanted(context, user, options).map(logOf)
  const since = options.since === undefined ? undefined : sinceTime(options.since, world.now())
  const begun = world.now().toISOString()

  const kept = await Promise.all(sources.map((log) => log.newest(options.tail, since)))
  const lines = kept.flat().sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0))
  for (const line of options.tail === 0 ? lines : lines.slice(-options.tail)) show(line)
  if (options.follow) {
    const stop = new AbortController()
    const ends = sources.map((log) => log.follow(begun, show, stop.signal).finally(() => stop.abort()))
    await Promise.all(ends)
  } else if (lines.length === 0) ui.say(`no lines of ${name}${since ? ` since ${since}` : ''}`)
  return undefined
}

/** The sources asked for. A disabled user has no container. */
function wanted({ ui }: Context, user: DeployedUser, options: LogsOptions): LogSource[] {
  if (options.gateway) return ['gateway']
  if (user.enabled) return options.samba ? ['samba'] : ['gateway', 'samba']
  ui.note(`${user.name} is disabled: no Samba runs`)
  return options.samba ? [] : ['gateway']
}

/** The log of the gateway or of a Samba container, as far as it is about one user. */
class ContainerLog {
  readonly #world: World
  readonly #dir: string
  readonly #user: DeployedUser
  readonly #source: LogSource
  /** Time of the newest line seen, others' included. */
  #seen = ''

  constructor(world: World, dir: string, user: DeployedUser, source: LogSource) {
    this.#world = world
    this.#dir = dir
    this.#user = user
    this.#source = source
  }

  /** The newest lines, at most `count` (0: all). */
  async newest(count: number, since: string | undefined): Promise<LogLine[]> {
    let lines: LogLine[] = []
    const keep = (line: LogLine) => {
      lines.push(line)
      if (count > 0 && lines.length >= 2 * count) lines = lines.slice(-count)
    }
    await this.#read(since === undefined ? [] : ['--since', since], keep, { timeoutMs: readTimeoutMs })
    return count === 0 ? lines : lines.slice(-count)
  }

  /** Lines after those of `newest` (before it: after `begun`), until the containers end or `signal` says so. */
  async follow(begun: string, show: (line: LogLine) => void, signal: AbortSignal): Promise<void> {
    const after = this.#seen
    const isNew = (line: LogLine) => line.time > after && show(line)
    await this.#read(['--follow', '--since', after || begun], isNew, { timeoutMs: 0, signal })
  }

  async #read(
    options: string[],
    take: (line: LogLine) => unknown,
    limits: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<void> {
    const service = this.#source === 'gateway' ? 'gateway' : `samba-${this.#user.name}`
    const args = ['compose', 'logs', '--no-color', '--no-log-prefix', '--timestamps', ...options, service]
    const onLine = (text: string) => {
      const line = this.#parse(text)
      if (line) take(line)
    }
    const { exitCode, stderr } = await this.#world.docker.run(args, { cwd: this.#dir, onLine, ...limits })
    if (exitCode === 0) return
    const why = stderr.trim().split('\n').at(-1) ?? ''
    throw new TmgenError('docker', `docker compose logs ${service}: ${printable(why) || `exit ${exitCode}`}`, {
      hint: 'start the stack once: docker compose up -d',
    })
  }

  #parse(text: string): LogLine | undefined {
    const found = stamped(text)
    if (!found) return undefined
    this.#seen = found.time
    if (this.#source === 'samba') return sambaLogLine(found.time, found.text)
    return gatewayLogLine(found.time, found.text, this.#user.name)
  }
}
