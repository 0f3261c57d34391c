import type { Notification } from '../alerts/index.ts'
import { SendFault } from '../senders/index.ts'
import type { Settings } from '../settings.ts'
import { type Outside, send } from './channels.ts'

/** What came of a test on one channel; `error`: `''` where it was delivered. */
export interface Tested {
  channel: string
  error: string
}

/** Sends a test to every channel, once, past the queue. */
export async function testAlert(outside: Outside, settings: Settings, now: number): Promise<Tested[]> {
  const finding = {
    key: 'test',
    user: undefined,
    about: 'this server',
    kind: 'monitor',
    severity: 'warning',
    since: now,
    reason: 'this is a test: alerts arrive here',
    todo: '',
  } as const
  const notification: Notification = {
    to: { operator: true },
    at: now,
    severity: 'warning',
    items: [{ what: 'new', finding }],
  }
  return Promise.all(
    settings.alerts.map(async (channel) => {
      try {
        await send(outside, channel, notification, settings.workspace.name)
        return { channel, error: '' }
      } catch (error) {
        if (!(error instanceof SendFault)) throw error
        return { channel, error: error.message }
      }
    }),
  )
}
