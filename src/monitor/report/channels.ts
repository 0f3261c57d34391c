import type { ChannelKind } from '../../config/rules.ts'
import { TmgenError } from '../../errors.ts'
import { Secret } from '../../secret.ts'
import type { Notification } from '../alerts/index.ts'
import { apprise, ntfy, type Sender, SendFault, webhook } from '../senders/index.ts'

/** What sending needs of the world. */
export interface Outside {
  fetch: typeof globalThis.fetch
  /** A file of secrets/monitor/; `undefined`: it is not there. @throws TmgenError `disk` where it may not be read */
  secret(name: string): Promise<string | undefined>
}

/**
 * Sends one notification to one channel, once. The address is read anew, so that a changed one needs no restart.
 * @throws SendFault
 */
export async function send(
  outside: Outside,
  kind: ChannelKind,
  notification: Notification,
  workspace: string,
): Promise<void> {
  const sender = await senderOf(outside, kind, workspace)
  await sender.send(notification)
}

async function senderOf({ fetch, secret: read }: Outside, kind: ChannelKind, workspace: string): Promise<Sender> {
  const secret = async (name: string) => {
    try {
      return (await read(name))?.trim()
    } catch (error) {
      if (error instanceof TmgenError) throw new SendFault(`secrets/monitor/${name} cannot be read: whose is it?`)
      throw error
    }
  }
  const text = await secret(kind)
  if (text === undefined || text === '') throw new SendFault(`there is no address in secrets/monitor/${kind}`)
  if (!/^https?:\/\/\S+$/.test(text) || !URL.canParse(text))
    throw new SendFault(`secrets/monitor/${kind} holds no http or https address`)
  const url = new Secret(text)
  switch (kind) {
    case 'webhook':
      return webhook({ fetch }, url, workspace)
    case 'apprise':
      return apprise({ fetch }, url, workspace)
    case 'ntfy': {
      const token = await secret('ntfy-token')
      return ntfy({ fetch }, url, workspace, token ? new Secret(token) : undefined)
    }
  }
}
