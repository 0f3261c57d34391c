import { due, emptyQueue, failed, type Queue, type Queued, sent } from '../alerts/index.ts'
import type { History } from '../history/index.ts'
import { SendFault } from '../senders/index.ts'
import type { Settings } from '../settings.ts'
import { type Outside, send } from './channels.ts'
import { inParallel } from './parallel.ts'
import type { Report } from './report.ts'
import { type Route, routesOf } from './routes.ts'

/** Tries of one way in one go; what is left waits for the next. */
const mostTries = 200
/** Ways that are tried at a time, and ms after which no other try is begun: everybody is judged once a minute. */
const [atOnce, goMs] = [8, 30_000]

/** What waits, and how each way does. */
export const queueOf = (history: History) => (history.remembered('queue') ?? emptyQueue) as Queue

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
        await sendOrShorten(world, settings, route, next)
        history.remember('queue', sent(queueOf(history), next.id, now))
      } catch (error) {
        if (!(error instanceof SendFault)) throw error
        world.say(`${route.name}: not delivered: ${error.message}`)
        history.remember('queue', failed(queueOf(history), next.id, error.message, now, error.isRefused))
      }
    }
  })
}

/** What is refused as it is is told once more in a few words: that there is trouble must arrive. */
async function sendOrShorten(
  world: Outside & { say(line: string): void },
  settings: Settings,
  route: Route,
  { notification }: Queued,
): Promise<void> {
  try {
    await send(world, settings, route, notification)
  } catch (error) {
    if (!(error instanceof SendFault && error.isRefused)) throw error
    await send(world, settings, route, { ...notification, isShort: true })
    world.say(`${route.name}: delivered in short: ${error.message}`)
  }
}

/** How each way does. */
export function waysOf(history: History, settings: Settings): Report['channels'] {
  const { waiting, channels } = queueOf(history)
  return routesOf(settings).map(({ channel, name }: Route) => {
    const state = Object.hasOwn(channels, channel) ? channels[channel] : undefined
    const own = waiting.filter((one) => one.channel === channel)
    return {
      name,
      waiting: own.length,
      lost: state?.lost ?? 0,
      sentAt: state?.sentAt ?? null,
      failedAt: state?.failedAt ?? null,
      // What was refused still waits when others were taken since.
      error: state?.error || own.find(({ error }) => error !== '')?.error || '',
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
