import type { Config, ConfigUser } from '../config/schema.ts'
import type { Deployment, MailServer, Telling } from './types.ts'

const usualPort = { starttls: 587, implicit: 465, none: 25 } as const

/** The mail server with every default filled in. */
export function mailServerOf({ mail }: Config['monitor']): MailServer | null {
  if (mail === undefined) return null
  const { host, tls, from, to } = mail
  return { host, port: mail.port ?? usualPort[tls], tls, account: mail.account ?? null, from, to }
}

export function tellingOf({ monitor }: ConfigUser): Telling {
  return { alerts: [...(monitor?.alerts ?? [])].sort(), mail: monitor?.mail ?? null, ping: monitor?.ping ?? false }
}

/** Whether a person is told anything by a way of their own. */
export const isTold = ({ alerts, ping }: Telling): boolean => alerts.length > 0 || ping

/** Whether anybody is told anything, so that the monitor needs a network. */
export function isTelling({ monitor, users }: Deployment): boolean {
  return monitor.alerts.length > 0 || monitor.ping || users.some((user) => user.enabled && isTold(user.tell))
}
