import { TmgenError } from '../../errors.ts'
import { Secret } from '../../secret.ts'
import type { Notification } from '../alerts/index.ts'
import { apprise, mail, ntfy, type Sender, SendFault, webhook } from '../senders/index.ts'
import type { MailSettings, Settings } from '../settings.ts'
import { type Route, secretOf } from './routes.ts'

/** What sending needs of the world. */
export interface Outside {
  fetch: typeof globalThis.fetch
  /**
   * A file below secrets/monitor/, by its path from there; `undefined`: it is not there.
   * @throws TmgenError `disk` where it may not be read
   */
  secret(path: string): Promise<string | undefined>
}

/**
 * Sends one notification by one way, once. The address is read anew, so that a changed one needs no restart.
 * @throws SendFault
 */
export async function send(
  outside: Outside,
  settings: Settings,
  route: Route,
  notification: Notification,
): Promise<void> {
  const sender = await senderOf(outside, settings, route)
  await sender.send(notification)
}

async function senderOf(outside: Outside, settings: Settings, { kind, to, address }: Route): Promise<Sender> {
  const { fetch } = outside
  const { name } = settings.workspace
  if (kind === 'mail') return mailSender(outside, settings.mail, address, name)
  const user = 'user' in to ? to.user : undefined
  const url = await addressIn(outside, secretOf(kind, user))
  switch (kind) {
    case 'webhook':
      return webhook({ fetch }, url, name)
    case 'apprise':
      return apprise({ fetch }, url, name)
    case 'ntfy': {
      const token = await read(outside, secretOf('ntfy-token', user))
      return ntfy({ fetch }, url, name, token ? new Secret(token) : undefined)
    }
  }
}

async function mailSender(outside: Outside, server: MailSettings | null, to: string, name: string): Promise<Sender> {
  // tmgen writes none of it without the other.
  if (server === null || to === '') throw new SendFault('there is no mail server in tmgen.yaml')
  const password = server.account === null ? undefined : await read(outside, 'mail-password')
  const authorities = await read(outside, 'mail-ca')
  return mail(
    { ...server, password: password ? new Secret(password) : undefined, authorities: authorities || undefined },
    to,
    name,
  )
}

/** The http or https address in a file below secrets/monitor/. @throws SendFault where there is none */
export async function addressIn(outside: Outside, path: string): Promise<Secret> {
  const text = await read(outside, path)
  if (text === undefined || text === '') throw new SendFault(`there is no address in secrets/monitor/${path}`)
  if (!/^https?:\/\/\S+$/.test(text) || !URL.canParse(text))
    throw new SendFault(`secrets/monitor/${path} holds no http or https address`)
  return new Secret(text)
}

async function read(outside: Outside, path: string): Promise<string | undefined> {
  try {
    return (await outside.secret(path))?.trim()
  } catch (error) {
    if (error instanceof TmgenError) throw new SendFault(`secrets/monitor/${path} cannot be read: whose is it?`)
    throw error
  }
}
