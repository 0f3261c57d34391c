import type { ChannelKind } from '../../config/rules.ts'
import type { Notification } from '../alerts/index.ts'
import type { Settings } from '../settings.ts'

/** One way in which one recipient is told. */
export interface Route {
  /** Names it in the queue. A person's has the id in it, so that nothing that waits ever reaches another of that name. */
  channel: string
  /** Names it to people. */
  name: string
  to: Notification['to']
  kind: ChannelKind
  /** The mail address; `''` for other kinds. */
  address: string
}

/** A way to a watch off the host. */
export interface Watch {
  channel: string
  name: string
  /** Whose Macs it is about; `undefined`: the monitor itself. */
  user: string | undefined
}

/** Every way in which somebody is told, the operator's first. */
export function routesOf({ alerts, mail, users }: Settings): Route[] {
  const operator = { operator: true } as const
  return [
    ...alerts.flatMap((kind): Route[] => {
      if (kind !== 'mail') return [{ channel: kind, name: kind, to: operator, kind, address: '' }]
      return (mail?.to ?? []).map((address) => {
        const name = `mail ${address}`
        return { channel: name, name, to: operator, kind, address }
      })
    }),
    ...users.flatMap(({ name: user, id, tell }) =>
      tell.alerts.map((kind): Route => {
        const address = kind === 'mail' ? (tell.mail ?? '') : ''
        return { channel: `${id}/${kind}`, name: `${user}/${kind}`, to: { user }, kind, address }
      }),
    ),
  ]
}

/** Every watch that is in tmgen.yaml, the monitor's own first. */
export function watchesOf({ ping, users }: Settings): Watch[] {
  return [
    ...(ping ? [{ channel: 'ping', name: 'ping', user: undefined }] : []),
    ...users
      .filter(({ tell }) => tell.ping)
      .map(({ name: user, id }) => ({ channel: `${id}/ping`, name: `${user}/ping`, user })),
  ]
}

/** Those that are pinged: none of a person of whom nobody is to be told. */
export function pingedOf(settings: Settings): Watch[] {
  return watchesOf({ ...settings, users: settings.users.filter(({ policy }) => policy.enabled) })
}

/** Where the address of a way lies, from secrets/monitor/. */
export const secretOf = (file: string, user: string | undefined): string =>
  user === undefined ? file : `users/${user}/${file}`
