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
  /** This one is not taken, and the next may be: asked again as it is, it would be refused again. */
  readonly isRefused: boolean

  constructor(message: string, { isRefused = false }: { isRefused?: boolean } = {}) {
    super(message)
    this.isRefused = isRefused
  }
}
