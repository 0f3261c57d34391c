import type { Notification } from '../alerts/index.ts'
import { SendFault } from '../senders/index.ts'
import type { Settings } from '../settings.ts'
import { type Outside, send } from './channels.ts'
import { routesOf } from './routes.ts'

/** What came of a test on one channel; `error`: `''` where it was delivered. */
export interface Tested {
  channel: string
  error: string
}

/** Sends a test by every way of the operator, or of one person, once, past the queue. */
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
    reason: 'this is a test: alerts arrive here',
    todo: '',
  } as const
  const items = [{ what: 'new', finding } as const]
  const routes = routesOf(settings).filter(({ to }) => ('user' in to ? to.user : undefined) === user)
  return Promise.all(
    routes.map(async (route) => {
      const notification: Notification = { to: route.to, at: now, severity: 'warning', items }
      try {
        await send(outside, settings, route, notification)
        return { channel: route.name, error: '' }
      } catch (error) {
        if (!(error instanceof SendFault)) throw error
        return { channel: route.name, error: error.message }
      }
    }),
  )
}
