import { printable } from '../../ui/printable.ts'
import {
  afresh,
  decide,
  enqueue,
  type Finding,
  type Found,
  findingsOf,
  type Notification,
  type Queue,
  type Told,
} from '../alerts/index.ts'
import type { History } from '../history/index.ts'
import type { Settings } from '../settings.ts'
import { queueOf } from './deliver.ts'
import type { Everybody } from './overview.ts'
import { type Route, routesOf } from './routes.ts'

/** Notifications that wait for one way of one person: there may be 1,000 people. */
const mostForOne = 20

/** The ways by which each recipient was told last, by the id of a person, or `''`: the operator. */
type Ways = Record<string, string[]>

/**
 * Puts what is to be told into the queue: each recipient for themselves, who knows only what they were told. The operator
 * is told of everybody, a person of their own Macs.
 */
export function tell(history: History, settings: Settings, everybody: Everybody, now: number): void {
  const routes = routesOf(settings)
  const { macs, nodes, host } = everybody
  const silent = new Set(settings.users.filter(({ policy }) => !policy.enabled).map(({ name }) => name))
  const found = findingsOf({ macs, nodes, host, silent })
  const isWatched = watchedOf(settings, everybody, found)
  const waysBefore = (history.remembered('told:ways') ?? {}) as Ways
  const waysAfter: Ways = {}
  let queue = withoutOthers(queueOf(history), routes)

  const tellOne = (all: readonly Told[], id: string, user: string | undefined): [string, Told[]] => {
    const to = user === undefined ? ({ operator: true } as const) : { user }
    const ways = routes.filter((route) => ('user' in route.to ? route.to.user : undefined) === user)
    // While somebody cannot be told, nothing counts as told to them: they are told later all that is wrong then.
    if (ways.length === 0) return [id, []]
    const before = all.filter(({ finding }) => isWatched(finding))
    const findings = user === undefined ? found.findings : found.findings.filter((one) => one.user === user)
    const { told, notifications } = decide(before, { ...found, findings }, now, settings.host.remind)
    const own = notifications.filter((one) => ('user' in one.to ? one.to.user : undefined) === user)
    const put = (channel: string, notification: Notification) => {
      queue = enqueue(queue, channel, notification, now, user === undefined ? undefined : mostForOne)
    }
    for (const way of ways) {
      const isNew = waysBefore[id]?.includes(nameOf(way)) === false
      if (!isNew) for (const one of own) put(way.channel, one)
      else {
        // By this one they were told nothing yet. What waits was for the address before.
        queue = { ...queue, waiting: queue.waiting.filter(({ channel }) => channel !== way.channel) }
        const one = afresh({ ...found, findings }, to, now)
        if (one) put(way.channel, one)
      }
    }
    waysAfter[id] = ways.map(nameOf)
    return [id, told]
  }

  const [, told] = tellOne((history.remembered('told') ?? []) as Told[], '', undefined)
  history.remember('told', told)
  const toldUsers = (history.remembered('told:users') ?? {}) as Record<string, Told[]>
  const after = settings.users.map(({ id, name }) => tellOne(toldUsers[id] ?? [], id, name))
  history.remember('told:users', Object.fromEntries(after.filter(([, told]) => told.length > 0)))
  if (JSON.stringify(waysAfter) !== JSON.stringify(waysBefore)) history.remember('told:ways', waysAfter)
  history.remember('queue', queue)
}

/** A mail address is in tmgen.yaml, so that another one is another way; of what lies in secrets/monitor/ none is kept. */
const nameOf = ({ channel, address }: Route) => `${channel} ${address}`

/** Nothing waits for a way that is not in tmgen.yaml any more. */
function withoutOthers(queue: Queue, routes: readonly Route[]): Queue {
  const isNamed = (channel: string) => routes.some((route) => route.channel === channel)
  return {
    ...queue,
    waiting: queue.waiting.filter(({ channel }) => isNamed(channel)),
    channels: Object.fromEntries(Object.entries(queue.channels).filter(([channel]) => isNamed(channel))),
  }
}

/**
 * Says whether somebody still looks at what was told. Of a person who is served no longer or of whom nobody is to be
 * told, a Mac, a dashboard or a disk that is not in tmgen.yaml any more nothing is known, and so nothing is well again.
 */
function watchedOf({ users, dashboard }: Settings, { disks }: Everybody, { findings }: Found) {
  const told = users.filter(({ policy }) => policy.enabled)
  const names = new Set(told.map(({ name }) => name))
  const abouts = new Set(told.flatMap(({ name, macs }) => [name, ...macs.map((mac) => `${name}/${mac}`)]))
  const found = new Set(findings.map(({ key }) => key))
  return ({ key, kind, user, users, about, reason }: Finding): boolean => {
    if (user !== undefined) return abouts.has(about)
    if (users !== undefined) return users.some((name) => names.has(name))
    if (found.has(key)) return true
    if (kind === 'disk') return disks.some(({ path }) => reason.startsWith(`${printable(path)} has `))
    return kind !== 'node' || dashboard !== null
  }
}
