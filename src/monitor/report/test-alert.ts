import type { Notification } from '../alerts/index.ts'
import { pingLog, SendFault } from '../senders/index.ts'
import type { Settings } from '../settings.ts'
import { addressIn, type Outside, send } from './channels.ts'
import { routesOf, secretOf, watchesOf } from './routes.ts'

/** What came of a test on one channel; `error`: `''` where it was delivered. */
export interface Tested {
  channel: string
  error: string
}

const text = 'this is a test: alerts arrive here'

/**
 * Sends a test by every way of the operator, or of one person, once, past the queue; a watch off the host is told by
 * `/log`, which leaves it as it is.
 */
export async function testAlert(
  outside: Outside,
  settings: Settings,
  now: number,
  user?: string | undefined,
): Promise<Tested[]> {
  const finding = {
    key: 'test',
    user,
    about: user ?? 'this server',
    kind: 'monitor',
    severity: 'warning',
    since: now,
    reason: text,
    todo: '',
  } as const
  const items = [{ what: 'new', finding } as const]
  const routes = routesOf(settings).filter(({ to }) => ('user' in to ? to.user : undefined) === user)
  const watches = watchesOf(settings).filter((watch) => watch.user === user)
  return Promise.all([
    ...routes.map((route) => {
      const notification: Notification = { to: route.to, at: now, severity: 'warning', items }
      return tested(route.name, () => send(outside, settings, route, notification))
    }),
    ...watches.map(({ name }) =>
      tested(name, async () => {
        const url = await addressIn(outside, secretOf('ping', user))
        await pingLog({ fetch: outside.fetch }, url, text)
      }),
    ),
  ])
}

async function tested(channel: string, action: () => Promise<void>): Promise<Tested> {
  try {
    await action()
    return { channel, error: '' }
  } catch (error) {
    if (!(error instanceof SendFault)) throw error
    return { channel, error: error.message }
  }
}
