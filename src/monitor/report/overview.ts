import type { History } from '../history/index.ts'
import { recall } from '../ledger.ts'
import { type Look, nodeLookSchema, type ShareSeen } from '../observation/index.ts'
import {
  type HostMemory,
  judge,
  judgeDashboard,
  judgeHost,
  judgeNode,
  judgeVerified,
  lookedAt,
  type MacMemory,
  type NodeMemory,
  sortProblems,
} from '../rules/index.ts'
import type { Settings } from '../settings.ts'
import { type MacReport, mostSnapshots, type NodeReport, type Report } from './report.ts'
import { recallVerified } from './take-verified.ts'
import { verifiedOf } from './verified-report.ts'

/** How everybody does. */
export type Everybody = Pick<Report, 'macs' | 'nodes' | 'host' | 'disks'>

/**
 * Judges everybody by what is remembered.
 * @param look the last one
 * @param begun when this monitor started: of the time before nobody can say that it did not look
 */
export function judgeAll(
  history: History,
  settings: Settings,
  look: Look | undefined,
  now: number,
  begun: number,
): Everybody {
  const since = watchedSince(history, settings, now)
  const seen = new Map(look?.shares.map((one) => [`${one.user}/${one.mac}`, one]))
  return {
    macs: settings.users.flatMap(({ name: user, macs, quotas, policy }) =>
      macs.map((mac) => {
        const key = `${user}/${mac}`
        const who = { user, mac, watchedSince: Math.max(since[key] ?? now, begun) }
        const memory = recall(history, user, mac, policy.every)
        const verified = recallVerified(history, user, mac)
        const readSince = toBeReadSince(memory, who.watchedSince)
        const others = judgeVerified(verified, readSince, settings.verify, lookedAt(memory, now))
        const { share, samba } = seen.get(key) ?? {}
        return {
          ...judge(who, memory, policy, now, others),
          quotaBytes: quotas[mac] ?? null,
          snapshots: snapshotsOf(share),
          seen: seenOf(share),
          connection: samba ? { sessions: samba.sessions, since: samba.since, openFiles: samba.files } : null,
          verified: verifiedOf(verified),
        }
      }),
    ),
    nodes: settings.users.map(({ name: user, policy }) => ({
      user,
      told: policy.enabled,
      problems: judgeNode(nodeMemory(history, user), settings.host, now),
      seen: nodeSeen(history, user),
    })),
    host: sortProblems([
      ...judgeHost(
        history.remembered('host') as HostMemory | undefined,
        Math.max(since[''] ?? now, begun),
        settings.host,
        now,
      ),
      ...(settings.dashboard ? judgeDashboard(nodeMemory(history, settings.dashboard.name), settings.host, now) : []),
    ]),
    disks: (look?.disks ?? []).map(({ path, users, total, free }) => ({
      path,
      users: users.length,
      people: users,
      totalBytes: total,
      freeBytes: free,
    })),
  }
}

const nodeMemory = (history: History, name: string) => history.remembered(`node:${name}`) as NodeMemory | undefined

/** What the gateway last said of a person's node. */
function nodeSeen(history: History, user: string): NodeReport['seen'] {
  const seen = nodeLookSchema.safeParse(history.remembered(`seen:${user}`)).data
  if (!seen) return null
  const { at, state, sessions, present, path, bytesIn, bytesOut } = seen
  return { at, state, sessions, present, path, bytesIn, bytesOut }
}

/** Complete backups that the bundles' histories list. Several bundles of one Mac count together. */
function snapshotsOf(share: ShareSeen | undefined): number[] {
  if (share?.outcome !== 'seen') return []
  const times = share.bundles.flatMap(({ completed }) => completed)
  return [...new Set(times)].sort((a, b) => a - b).slice(-mostSnapshots)
}

/** Since when there is something to be read back; null: there is nothing. */
function toBeReadSince(memory: MacMemory | undefined, watchedSince: number): number | null {
  const isSomething = memory?.bundles.some(({ lost, bands }) => lost === null && (bands ?? 0) > 0)
  return memory && isSomething ? Math.max(memory.firstAt, watchedSince) : null
}

/** Since when each Mac is to be looked at, and since when there is a monitor at all (`''`). */
function watchedSince(history: History, { users }: Settings, now: number): Record<string, number> {
  const before = (history.remembered('watched') ?? {}) as Record<string, number>
  const keys = ['', ...users.flatMap(({ name, macs }) => macs.map((mac) => `${name}/${mac}`))]
  const after = Object.fromEntries(keys.map((key) => [key, Math.min(before[key] ?? now, now)]))
  if (JSON.stringify(after) !== JSON.stringify(before)) history.remember('watched', after)
  return after
}

/** What a look told, in the words of `tmgen status`. */
function seenOf(share: ShareSeen | undefined): MacReport['seen'] {
  if (share?.outcome !== 'seen') return null
  const { bundles } = share
  const sum = (numbers: number[]) => (numbers.length === 0 ? null : numbers.reduce((total, one) => total + one, 0))
  const last = (times: number[]) => (times.length === 0 ? null : Math.max(...times))
  return {
    usedBytes: sum(
      bundles.flatMap(({ bands, bandSize }) => (bands === null || bandSize === null ? [] : bands.count * bandSize)),
    ),
    lastWrite: last(bundles.map(({ lastWrite }) => lastWrite)),
    lastBackup: last(bundles.flatMap(({ completed }) => completed)),
    backups: sum(bundles.flatMap(({ listed }) => listed ?? [])),
    bundles: bundles.length,
    notes: [...bundles.flatMap(({ notes }) => notes), ...share.notes],
  }
}
