import { Secret } from '../../secret.ts'
import { type Notification, textOf } from '../alerts/index.ts'
import { type PostOptions, post } from './post.ts'
import { type Sender, SendFault } from './types.ts'

const json = 'application/json; charset=utf-8'

/** JSON to an address of the operator's own: `{version, workspace, to, at, severity, title, body, items}`. */
export function webhook(options: PostOptions, url: Secret, workspace: string): Sender {
  return {
    send: (notification, signal) =>
      post(options, url, { type: json, body: JSON.stringify(webhookBody(notification, workspace)) }, signal),
  }
}

function webhookBody(notification: Notification, workspace: string) {
  const { to, at, severity, items, isShort = false } = notification
  return {
    version: 1,
    workspace,
    to: 'user' in to ? to.user : null,
    at: new Date(at).toISOString(),
    severity,
    ...textOf(notification, workspace),
    items: (isShort ? [] : items).map(({ what, finding }) => ({
      what,
      about: finding.about,
      user: finding.user ?? null,
      kind: finding.kind,
      severity: finding.severity,
      since: new Date(finding.since).toISOString(),
      reason: finding.reason,
      todo: finding.todo,
    })),
  }
}

/** ntfy's priorities: 5 also rings where the phone is silent. */
const priority = { alarm: 4, warning: 3, recovery: 2 } as const
/**
 * ntfy takes 4,096 bytes of message, and makes an attachment of a longer one, which servers without attachments refuse;
 * and 8,192 bytes of JSON with title and topic in it (message-size-limit in its server/config.go, and twice of it).
 */
const ntfyBytes = 4000
const ntfyTag = { alarm: 'rotating_light', warning: 'warning', recovery: 'white_check_mark' } as const

/** @param url of the topic, for example https://ntfy.sh/TOPIC; as JSON, since a header holds no name in any script */
export function ntfy(options: PostOptions, url: Secret, workspace: string, token?: Secret): Sender {
  const topic = new URL(url.reveal())
  const name = decoded(topic.pathname.split('/').at(-1) ?? '')
  const base = new Secret(new URL('.', topic).href)
  const headers = token ? { authorization: `Bearer ${token.reveal()}` } : {}
  return {
    send: (notification, signal) => {
      const { title, body: message } = textOf(notification, workspace, ntfyBytes)
      const { severity } = notification
      const body = { topic: name, title, message, priority: priority[severity], tags: [ntfyTag[severity]] }
      return post(options, base, { type: json, body: JSON.stringify(body), headers }, signal)
    },
  }
}

/** @throws SendFault for what no topic can be */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new SendFault('the topic in the address cannot be read')
  }
}

const appriseType = { alarm: 'failure', warning: 'warning', recovery: 'success' } as const

/** @param url of an Apprise API, for example http://apprise:8000/notify/KEY */
export function apprise(options: PostOptions, url: Secret, workspace: string): Sender {
  return {
    send: (notification, signal) => {
      const body = { ...textOf(notification, workspace), type: appriseType[notification.severity], format: 'text' }
      return post(options, url, { type: json, body: JSON.stringify(body) }, signal)
    },
  }
}

/**
 * A dead man's switch off the host: pinged while all is well, `/fail` when it is not. It tells when pings stop, whatever
 * the reason.
 * @param url the check's ping address
 * @param reason why it is not well; `''`: it is
 */
export async function ping(options: PostOptions, url: Secret, reason: string, signal?: AbortSignal): Promise<void> {
  await pingAt(options, url, reason === '' ? '' : '/fail', reason, signal)
}

/**
 * Tries a check's address and leaves the check as it is: `/log` is shown among its events and is neither well nor not. A
 * ping would tell that all is well, whether it is or not.
 */
export async function pingLog(options: PostOptions, url: Secret, text: string): Promise<void> {
  await pingAt(options, url, '/log', text)
}

async function pingAt(options: PostOptions, url: Secret, end: string, body: string, signal?: AbortSignal) {
  const target = new URL(url.reveal())
  if (end !== '') target.pathname = `${target.pathname.replace(/\/+$/, '')}${end}`
  await post(options, new Secret(target.href), { type: 'text/plain; charset=utf-8', body }, signal)
}
