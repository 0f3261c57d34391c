import type { Notification } from '../alerts/index.ts'

/** One way to tell somebody. */
export interface Sender {
  /**
   * Sends one notification, once.
   * @throws SendFault with a line that holds no secret: the address itself may be one
   */
  send(notification: Notification, signal?: AbortSignal): Promise<void>
}

/** Why a notification was not delivered. */
export class SendFault extends Error {
  override readonly name = 'SendFault'
}
