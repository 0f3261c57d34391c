import type { Notification } from './decide.ts'

/** A notification on its way to one channel. Times in ms since 1970. */
export interface Queued {
  id: number
  channel: string
  notification: Notification
  since: number
  tries: number
  nextAt: number
  /** Why the last try failed, in a line without a secret. */
  error: string
  /** It was refused for what is in it: others need not wait for it. */
  isRefused?: boolean
}

/** What is to be sent, and how sending goes. */
export interface Queue {
  nextId: number
  waiting: Queued[]
  /** By channel: how many were given up, and the last failure and success. */
  channels: Record<string, { lost: number; failedAt: number | null; error: string; sentAt: number | null }>
}

/** Notifications that wait for one channel, unless said otherwise; the oldest are given up for newer ones. */
export const mostWaiting = 100
/** Waits before the second try, the third and so on, in ms; the last one repeats. */
const waits = [1, 5, 15, 60, 240].map((minutes) => minutes * 60_000)
/** After so long, in ms, nobody needs it: the state itself is told again by then. */
const giveUpAfter = 3 * 24 * 3600_000

export const emptyQueue: Queue = { nextId: 1, waiting: [], channels: {} }

const quiet = { lost: 0, failedAt: null, error: '', sentAt: null }
const channelOf = (queue: Queue, name: string) =>
  Object.hasOwn(queue.channels, name) ? (queue.channels[name] ?? quiet) : quiet

/** Adds a notification for one channel. @param most that wait for it */
export function enqueue(
  queue: Queue,
  channel: string,
  notification: Notification,
  now: number,
  most = mostWaiting,
): Queue {
  const entry = { id: queue.nextId, channel, notification, since: now, tries: 0, nextAt: now, error: '' }
  const same = queue.waiting.filter((one) => one.channel === channel)
  const over = same.slice(0, Math.max(0, same.length + 1 - most))
  const state = channelOf(queue, channel)
  return {
    nextId: queue.nextId + 1,
    waiting: [...queue.waiting.filter((one) => !over.includes(one)), entry],
    channels: { ...queue.channels, [channel]: { ...state, lost: state.lost + over.length } },
  }
}

/**
 * What is to be tried now: of each channel the oldest alone, so that the order is kept and a dead one is asked once. What
 * was refused comes after all others.
 */
export function due({ waiting }: Queue, now: number): Queued[] {
  const heads = new Map<string, Queued>()
  const [refused, others] = [waiting.filter((one) => one.isRefused), waiting.filter((one) => !one.isRefused)]
  for (const entry of [...others, ...refused]) if (!heads.has(entry.channel)) heads.set(entry.channel, entry)
  // A time far ahead is of a clock that was set back since.
  return [...heads.values()].filter(({ nextAt }) => nextAt <= now || nextAt - now > (waits.at(-1) ?? 0))
}

export function sent(queue: Queue, id: number, now: number): Queue {
  const entry = queue.waiting.find((one) => one.id === id)
  if (entry === undefined) return queue
  return {
    ...queue,
    waiting: queue.waiting.filter((one) => one !== entry),
    channels: {
      ...queue.channels,
      [entry.channel]: { ...channelOf(queue, entry.channel), sentAt: now, failedAt: null, error: '' },
    },
  }
}

/**
 * @param error in a line, without a secret
 * @param isRefused for what is in it
 */
export function failed(queue: Queue, id: number, error: string, now: number, isRefused = false): Queue {
  const entry = queue.waiting.find((one) => one.id === id)
  if (entry === undefined) return queue
  const state = { ...channelOf(queue, entry.channel), failedAt: now, error }
  const isOver = now - entry.since >= giveUpAfter
  const tries = entry.tries + 1
  const wait = waits[Math.min(tries, waits.length) - 1] ?? 0
  const again = { ...entry, tries, error, isRefused, nextAt: now + wait }
  return {
    ...queue,
    waiting: queue.waiting.flatMap((one) => (one !== entry ? one : isOver ? [] : again)),
    channels: { ...queue.channels, [entry.channel]: { ...state, lost: state.lost + (isOver ? 1 : 0) } },
  }
}
