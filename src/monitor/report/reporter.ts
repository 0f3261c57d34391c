import type { History } from '../history/index.ts'
import type { GatewayNode, Look } from '../observation/index.ts'
import { sortProblems } from '../rules/index.ts'
import type { Settings } from '../settings.ts'
import type { Handed } from '../verify/part.ts'
import type { Outside } from './channels.ts'
import { deliver, waysOf } from './deliver.ts'
import { judgeKeeping, type Unkept } from './keeping.ts'
import type { Ledgers } from './ledgers.ts'
import { type Everybody, judgeAll } from './overview.ts'
import { followOwners } from './owners.ts'
import { pingAll } from './ping.ts'
import type { Report } from './report.ts'
import { keepStates } from './states.ts'
import { takeLook } from './take.ts'
import { takeVerified } from './take-verified.ts'
import { tell } from './tell.ts'

/** What the reporter needs of the world. */
export interface ReporterWorld extends Outside {
  /** What the scanner saw last; `undefined`: nothing yet. */
  look(): Promise<Look | undefined>
  gateway(): Promise<Record<string, GatewayNode> | undefined>
  /** What the scanner read back of late, also what was taken already. */
  handed(): Promise<Handed[]>
  ledgers: Ledgers
  write(report: Report): void
  /** A line for the log. */
  say(line: string): void
}

const day = 24 * 3600_000

/** Takes looks, judges, tells. All that it keeps is in the history, so that it can be ended at any time. */
export class Reporter {
  readonly #history: History
  readonly #world: ReporterWorld
  /** When its first round was. */
  #begun = Number.POSITIVE_INFINITY
  #unkept: Unkept | undefined
  /** What was logged last: the state of each Mac, and each problem of a node or the host. */
  #logged: ReadonlyMap<string, string> = new Map()

  constructor(history: History, world: ReporterWorld) {
    this.#history = history
    this.#world = world
  }

  /** Takes what was read back since. @returns whether it is to be judged now, and not with the next round */
  async take(settings: Settings): Promise<boolean> {
    const handed = await this.#world.handed()
    return this.#history.together(() => takeVerified(this.#history, this.#world.ledgers, settings, handed))
  }

  /** Goes through it once. @param notes what is wrong with the history */
  async round(settings: Settings, now: number, notes: readonly string[] = []): Promise<Report> {
    const history = this.#history
    // The clock may have been ahead when the host started.
    this.#begun = Math.min(this.#begun, now)
    const look = await this.#world.look()
    const isNew = look !== undefined && look.at !== this.#history.remembered('looked')
    const gateway = isNew ? await this.#world.gateway() : undefined
    const everybody = history.together(() => {
      followOwners(history, settings)
      if (isNew) {
        takeLook(history, settings, look, gateway)
        this.#history.remember('looked', look.at)
      }
      const judged = judgeAll(history, settings, look, now, this.#begun)
      judged.host = sortProblems([...judged.host, ...judgeKeeping(this.#unkeptAt(now), settings.host, now)])
      keepStates(history, judged, now)
      tell(history, settings, judged, now)
      this.#prune(settings, now)
      return judged
    })
    this.#log(everybody)
    const lookedAt = look?.at ?? null
    const [pings] = await Promise.all([
      pingAll(history, this.#world, settings, everybody, lookedAt, now),
      deliver(history, this.#world, settings, now),
    ])
    const report: Report = {
      version: 1,
      workspace: settings.workspace.name,
      at: now,
      lookedAt,
      every: settings.host.every,
      ...everybody,
      channels: [...waysOf(history, settings), ...pings],
      notes: [...notes],
    }
    this.#world.write(report)
    return report
  }

  #unkeptAt(now: number): Unkept | undefined {
    const why = this.#history.trouble
    this.#unkept = why === '' ? undefined : { since: Math.min(this.#unkept?.since ?? now, now), why }
    return this.#unkept
  }

  #prune({ host }: Settings, now: number): void {
    const last = this.#history.remembered('pruned')
    if (typeof last === 'number' && last <= now && now - last < day) return
    this.#history.prune(now - host.keep)
    this.#world.ledgers.prune(now - host.keep)
    this.#history.remember('pruned', now)
  }

  /** What became of each Mac, and what is wrong, in the log of the container: once, however its words count on. */
  #log({ macs, nodes, host }: Everybody): void {
    const lines = [
      ...macs.map(({ user, mac, state, reason }) => [`${user}/${mac}`, state, `${state}: ${reason}`] as const),
      ...nodes.flatMap(({ user, problems }) =>
        problems.map(({ kind, reason }) => [`${user} ${kind}`, kind, reason] as const),
      ),
      ...host.map(({ kind, reason }) => [`this server ${kind}`, kind, reason] as const),
    ]
    for (const [about, state, text] of lines)
      if (this.#logged.get(about) !== state) this.#world.say(`${about}: ${text}`)
    this.#logged = new Map(lines.map(([about, state]) => [about, state]))
  }
}
