import type { ChannelKind } from '../../config/rules.ts'
import { decide, due, emptyQueue, enqueue, failed, findingsOf, type Queue, sent, type Told } from '../alerts/index.ts'
import type { History } from '../history/index.ts'
import type { GatewayNode, Look } from '../observation/index.ts'
import { SendFault } from '../senders/index.ts'
import type { Settings } from '../settings.ts'
import type { Handed } from '../verify/part.ts'
import { type Outside, send } from './channels.ts'
import type { Ledgers } from './ledgers.ts'
import { type Everybody, judgeAll } from './overview.ts'
import type { Report } from './report.ts'
import { takeLook } from './take.ts'
import { takeVerified } from './take-verified.ts'

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
/** Tries to send in one go; what is left waits for the next. */
const mostTries = 200

/** Takes looks, judges, tells. All that it keeps is in the history, so that it can be ended at any time. */
export class Reporter {
  readonly #history: History
  readonly #world: ReporterWorld
  /** State of each Mac as it was last logged. */
  /** When its first round was. */
  #begun = Number.POSITIVE_INFINITY
  readonly #logged = new Map<string, string>()

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
      if (isNew) {
        takeLook(history, settings, look, gateway)
        this.#history.remember('looked', look.at)
      }
      const judged = judgeAll(history, settings, look, now, this.#begun)
      this.#decide(settings, judged, now)
      this.#prune(settings, now)
      return judged
    })
    this.#log(everybody)
    await this.#deliver(settings, now)
    const report: Report = {
      version: 1,
      at: now,
      lookedAt: look?.at ?? null,
      every: settings.host.every,
      ...everybody,
      channels: settings.alerts.map((name) => this.#channel(name)),
      notes: [...notes],
    }
    this.#world.write(report)
    return report
  }

  #decide(settings: Settings, { macs, nodes, host }: Everybody, now: number): void {
    // While nobody can be told, nothing counts as told: who is named later is told all that is wrong then.
    if (settings.alerts.length === 0) {
      this.#history.remember('told', [])
      this.#history.remember('queue', emptyQueue)
      return
    }
    const silent = new Set(settings.users.filter(({ policy }) => !policy.enabled).map(({ name }) => name))
    const before = (this.#history.remembered('told') ?? []) as Told[]
    const found = findingsOf({ macs, nodes, host, silent })
    const { told, notifications } = decide(before, found, now, settings.host.remind)
    this.#history.remember('told', told)
    let queue = this.#queue()
    const isNamed = (channel: string) => (settings.alerts as string[]).includes(channel)
    queue = { ...queue, waiting: queue.waiting.filter(({ channel }) => isNamed(channel)) }
    // So far the channels are the operator's, who is told of everybody.
    for (const notification of notifications)
      if ('operator' in notification.to)
        for (const channel of settings.alerts) queue = enqueue(queue, channel, notification, now)
    this.#history.remember('queue', queue)
  }

  /** Sends what is due: each channel for itself, so that a slow one holds up no other. */
  async #deliver(settings: Settings, now: number): Promise<void> {
    const channel = async (kind: ChannelKind) => {
      for (let tries = 0; tries < mostTries; tries++) {
        const next = due(this.#queue(), now).find((entry) => entry.channel === kind)
        if (next === undefined) return
        try {
          await send(this.#world, kind, next.notification, settings.workspace.name)
          this.#history.remember('queue', sent(this.#queue(), next.id, now))
        } catch (error) {
          if (!(error instanceof SendFault)) throw error
          this.#world.say(`${kind}: not delivered: ${error.message}`)
          this.#history.remember('queue', failed(this.#queue(), next.id, error.message, now))
        }
      }
    }
    await Promise.all(settings.alerts.map(channel))
  }

  #queue(): Queue {
    return (this.#history.remembered('queue') ?? emptyQueue) as Queue
  }

  #channel(name: ChannelKind): Report['channels'][number] {
    const { waiting, channels } = this.#queue()
    const state = Object.hasOwn(channels, name) ? channels[name] : undefined
    return {
      name,
      waiting: waiting.filter(({ channel }) => channel === name).length,
      lost: state?.lost ?? 0,
      sentAt: state?.sentAt ?? null,
      failedAt: state?.failedAt ?? null,
      error: state?.error ?? '',
    }
  }

  #prune({ host }: Settings, now: number): void {
    const last = this.#history.remembered('pruned')
    if (typeof last === 'number' && last <= now && now - last < day) return
    this.#history.prune(now - host.keep)
    this.#world.ledgers.prune(now - host.keep)
    this.#history.remember('pruned', now)
  }

  /** What became of each Mac, in the log of the container, once each time that it changes. */
  #log({ macs, nodes, host }: Everybody): void {
    const lines = new Map<string, string>()
    for (const { user, mac, state, reason } of macs) lines.set(`${user}/${mac}`, `${state}: ${reason}`)
    for (const { user, problems } of nodes)
      for (const { kind, reason } of problems) lines.set(`${user} ${kind}`, reason)
    for (const { kind, reason } of host) lines.set(`this server ${kind}`, reason)
    for (const [about, text] of lines) {
      // The reason counts time; only the state is compared.
      const state = text.split(':')[0] ?? ''
      if (this.#logged.get(about) !== state) this.#world.say(`${about}: ${text}`)
      this.#logged.set(about, state)
    }
    for (const about of [...this.#logged.keys()]) if (!lines.has(about)) this.#logged.delete(about)
  }
}
