import { decide, due, emptyQueue, enqueue, failed, findingsOf, type Queue, sent, type Told } from '../alerts/index.ts'
import type { History } from '../history/index.ts'
import { SendFault } from '../senders/index.ts'
import type { Settings } from '../settings.ts'
import { type Outside, send } from './channels.ts'
import type { Everybody } from './overview.ts'
import { inParallel } from './parallel.ts'
import type { Report } from './report.ts'
import { type Route, routesOf } from './routes.ts'

/** Tries of one way in one go; what is left waits for the next. */
const mostTries = 200
/** Ways that are tried at a time, and ms after which no other try is begun: everybody is judged once a minute. */
const [atOnce, goMs] = [8, 30_000]
/** Notifications that wait for one way of one person: there may be 1,000 people. */
const mostForOne = 20

const queueOf = (history: History) => (history.remembered('queue') ?? emptyQueue) as Queue

/**
 * Puts what is to be told into the queue: each recipient for themselves, who knows only what they were told. The operator
 * is told of everybody, a person of their own Macs.
 */
export function tell(history: History, settings: Settings, { macs, nodes, host }: Everybody, now: number): void {
  const routes = routesOf(settings)
  const silent = new Set(settings.users.filter(({ policy }) => !policy.enabled).map(({ name }) => name))
  const found = findingsOf({ macs, nodes, host, silent })
  let queue = queueOf(history)
  const isNamed = (channel: string) => routes.some((route) => route.channel === channel)
  queue = {
    ...queue,
    waiting: queue.waiting.filter(({ channel }) => isNamed(channel)),
    channels: Object.fromEntries(Object.entries(queue.channels).filter(([channel]) => isNamed(channel))),
  }
  const tellOne = (before: readonly Told[], user: string | undefined): Told[] => {
    const ways = routes.filter(({ to }) => ('user' in to ? to.user : undefined) === user)
    // While somebody cannot be told, nothing counts as told to them: they are told later all that is wrong then.
    if (ways.length === 0) return []
    const findings = user === undefined ? found.findings : found.findings.filter((one) => one.user === user)
    const { told, notifications } = decide(before, { ...found, findings }, now, settings.host.remind)
    for (const notification of notifications)
      if (('user' in notification.to ? notification.to.user : undefined) === user)
        for (const { channel } of ways)
          queue = enqueue(queue, channel, notification, now, user === undefined ? undefined : mostForOne)
    return told
  }
  const names = new Set(settings.users.map(({ name }) => name))
  const before = (history.remembered('told') ?? []) as Told[]
  // Of somebody who is served no longer nothing is known, and so nothing is well again.
  const known = before.filter(({ finding }) => finding.user === undefined || names.has(finding.user))
  history.remember('told', tellOne(known, undefined))
  const toldUsers = (history.remembered('told:users') ?? {}) as Record<string, Told[]>
  const after = settings.users.map(({ id, name }) => [id, tellOne(toldUsers[id] ?? [], name)] as const)
  history.remember('told:users', Object.fromEntries(after.filter(([, told]) => told.length > 0)))
  history.remember('queue', queue)
}

/** Sends what is due: each way for itself, so that a slow one holds up no other. */
export async function deliver(
  history: History,
  world: Outside & { say(line: string): void },
  settings: Settings,
  now: number,
): Promise<void> {
  const over = AbortSignal.timeout(goMs)
  await inParallel(routesOf(settings), atOnce, async (route) => {
    for (let tries = 0; tries < mostTries && !over.aborted; tries++) {
      const next = due(queueOf(history), now).find(({ channel }) => channel === route.channel)
      if (next === undefined) return
      try {
        await send(world, settings, route, next.notification)
        history.remember('queue', sent(queueOf(history), next.id, now))
      } catch (error) {
        if (!(error instanceof SendFault)) throw error
        world.say(`${route.name}: not delivered: ${error.message}`)
        history.remember('queue', failed(queueOf(history), next.id, error.message, now))
      }
    }
  })
}

/** How each way does. */
export function waysOf(history: History, settings: Settings): Report['channels'] {
  const { waiting, channels } = queueOf(history)
  return routesOf(settings).map(({ channel, name }: Route) => {
    const state = Object.hasOwn(channels, channel) ? channels[channel] : undefined
    return {
      name,
      waiting: waiting.filter((one) => one.channel === channel).length,
      lost: state?.lost ?? 0,
      sentAt: state?.sentAt ?? null,
      failedAt: state?.failedAt ?? null,
      error: state?.error ?? '',
    }
  })
}

/** Why the operator is not reached, where what waits for them has waited for so long (ms); `''`: they are. */
export function unreached(history: History, settings: Settings, now: number, longest: number): string {
  const { waiting } = queueOf(history)
  const late = routesOf(settings).find(
    ({ channel, to }) =>
      'operator' in to && waiting.some((one) => one.channel === channel && now - one.since >= longest),
  )
  return late ? `alerts are not delivered by ${late.name}` : ''
}
