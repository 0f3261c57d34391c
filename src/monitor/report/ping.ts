import { printable } from '../../ui/printable.ts'
import type { History } from '../history/index.ts'
import { ping, SendFault } from '../senders/index.ts'
import type { Settings } from '../settings.ts'
import { addressIn, type Outside } from './channels.ts'
import { unreached } from './deliver.ts'
import type { Everybody } from './overview.ts'
import { inParallel } from './parallel.ts'
import type { Report } from './report.ts'
import { pingedOf, secretOf, type Watch } from './routes.ts'

/** What a watch was told last. Times in ms since 1970. */
interface Pinged {
  isWell: boolean
  sentAt: number | null
  failedAt: number | null
  error: string
}

/** A watch is pinged at each look, and not more often than this, in ms. */
const leastWait = 5 * 60_000
/** An alert that has waited for so long, in ms, is a failure of the monitor. */
const longestWait = 3600_000
/** Pings at a time, and ms for all of them: what is not done by then is for the next round. */
const [atOnce, goMs] = [16, 20_000]

/** Tells each watch how it is. What is not known is not told: then silence tells. */
export async function pingAll(
  history: History,
  world: Outside & { say(line: string): void },
  settings: Settings,
  everybody: Everybody,
  lookedAt: number | null,
  now: number,
): Promise<Report['channels']> {
  const before = (history.remembered('pings') ?? {}) as Record<string, Pinged>
  const after: Record<string, Pinged> = {}
  const watches = pingedOf(settings)
  for (const { channel } of watches) if (before[channel]) after[channel] = before[channel]
  const wait = Math.max(settings.host.every, leastWait)
  const signal = AbortSignal.timeout(goMs)
  await inParallel(watches, atOnce, async (watch) => {
    const reason = reasonOf(watch, everybody, lookedAt === null ? null : unreached(history, settings, now, longestWait))
    const last = after[watch.channel]
    if (reason === undefined || signal.aborted || !isDue(last, reason === '', now, wait)) return
    try {
      const url = await addressIn(world, secretOf('ping', watch.user))
      await ping({ fetch: world.fetch }, url, printable(reason), signal)
      after[watch.channel] = { isWell: reason === '', sentAt: now, failedAt: null, error: '' }
    } catch (error) {
      if (!(error instanceof SendFault)) throw error
      if (last?.error !== error.message) world.say(`${watch.name}: not delivered: ${error.message}`)
      after[watch.channel] = { isWell: false, sentAt: last?.sentAt ?? null, failedAt: now, error: error.message }
    }
  })
  if (JSON.stringify(after) !== JSON.stringify(before)) history.remember('pings', after)
  return watches.map(({ channel, name }) => ({
    name,
    waiting: 0,
    lost: 0,
    sentAt: after[channel]?.sentAt ?? null,
    failedAt: after[channel]?.failedAt ?? null,
    error: after[channel]?.error ?? '',
  }))
}

/** A failed one is tried again in the next round, a change is told at once. A time ahead is of a clock that was set. */
function isDue(last: Pinged | undefined, isWell: boolean, now: number, wait: number): boolean {
  if (last === undefined || last.sentAt === null || last.error !== '' || last.isWell !== isWell) return true
  return now - last.sentAt >= wait || last.sentAt > now
}

/** Why it is not well; `''`: it is; `undefined`: nobody knows, or nobody is to be told. */
function reasonOf({ user }: Watch, everybody: Everybody, undelivered: string | null): string | undefined {
  if (user !== undefined) return reasonOfUser(user, everybody)
  const blind = everybody.host.find(({ kind }) => kind === 'monitor')
  return blind?.reason ?? undelivered ?? undefined
}

/** A person is well whose Macs are backed up in time, as the rules have it: one that is away is excused. */
function reasonOfUser(user: string, { macs }: Everybody): string | undefined {
  const own = macs.filter((mac) => mac.user === user)
  const problems = own.flatMap(({ mac, problems }) => problems.map((problem) => ({ mac, ...problem })))
  const bad = problems.find(({ kind, severity }) => kind !== 'monitor' && (severity === 'alarm' || kind === 'never'))
  if (bad) return `${user}/${bad.mac}: ${bad.reason}`
  const isUnknown = problems.some(({ kind }) => kind === 'monitor' || kind === 'unreadable')
  if (isUnknown || own.every(({ lastSuccess }) => lastSuccess === null)) return undefined
  return ''
}
