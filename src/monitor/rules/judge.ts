import { printable } from '../../ui/printable.ts'
import { judgeBundle } from './judge-bundle.ts'
import type { MacMemory } from './memory.ts'
import type { Policy } from './policy.ts'
import { type Problem, type ProblemKind, problem, sortProblems, span } from './problems.ts'

/** How the backup of one Mac does. */
export interface MacState {
  user: string
  mac: string
  /** The worst problem, or: ok; running: a backup runs; waiting: for the first backup, which is not yet overdue. */
  state: ProblemKind | 'ok' | 'running' | 'waiting'
  /** Since when, ms since 1970. */
  since: number
  reason: string
  todo: string
  /** Worst first. */
  problems: Problem[]
  /** The last backup that counts, ms since 1970. */
  lastSuccess: number | null
  running: boolean
}

/** Looks that may fail, or be missed, before somebody is told. */
const patience = 3

/**
 * Says how the backup of one Mac does.
 * @param memory `undefined`: it was never looked at
 * @param watchedSince ms since 1970: since when the monitor is to look at it, and could: from its own start on
 * @param others what else was found: by reading back
 */
export function judge(
  { user, mac, watchedSince }: { user: string; mac: string; watchedSince: number },
  memory: MacMemory | undefined,
  policy: Policy,
  now: number,
  others: readonly Problem[] = [],
): MacState {
  const own = [...notLooking(memory, watchedSince, policy, now), ...found(memory, policy, lookedAt(memory, now))]
  const problems = sortProblems([...own, ...others])
  const told = problems.find(({ severity }) => severity !== 'note') ?? problems.find(({ kind }) => kind === 'away')
  const lastSuccess = memory?.success?.at ?? null
  const running = memory?.running ?? false
  const name = { user, mac, problems, lastSuccess, running }
  if (told && (told.severity !== 'note' || (told.kind === 'away' && !running)))
    return { ...name, state: told.kind, since: told.since, reason: told.reason, todo: told.todo }
  const begun = memory?.firstAt ?? watchedSince
  if (running) {
    const since = memory?.tries?.first ?? memory?.lastAt ?? now
    return { ...name, state: 'running', since, reason: 'a backup runs', todo: '' }
  }
  if (lastSuccess === null)
    return { ...name, state: 'waiting', since: begun, reason: 'no complete backup yet', todo: '' }
  return { ...name, state: 'ok', since: lastSuccess, reason: `backed up ${span(now - lastSuccess)} ago`, todo: '' }
}

/**
 * The time until which anything is known of a Mac, at most now: that of the last look. What lasts is judged by it: while
 * nobody looks, nobody knows whether it goes on.
 */
export function lookedAt(memory: MacMemory | undefined, now: number): number {
  return Math.min(memory?.lastAt ?? now, now)
}

function notLooking(memory: MacMemory | undefined, watchedSince: number, policy: Policy, now: number): Problem[] {
  const last = Math.max(memory?.lastAt ?? 0, watchedSince)
  if (now - last <= patience * policy.every) return []
  const reason = `nobody has looked at this share for ${span(now - last)}`
  return [problem('monitor', last, reason, 'see docker compose logs monitor')]
}

function found(memory: MacMemory | undefined, policy: Policy, now: number): Problem[] {
  if (memory === undefined) return []
  const problems = memory.bundles.flatMap((bundle) => judgeBundle(bundle, memory, policy, now))
  if (memory.outcome === 'unreadable' && now - memory.since > patience * policy.every)
    problems.push(
      problem(
        'unreadable',
        memory.since,
        `the share cannot be looked at: ${printable(memory.cause)}`,
        'run tmgen doctor',
      ),
    )
  problems.push(...overdue(memory, policy, now))
  return problems
}

function overdue(memory: MacMemory, policy: Policy, now: number): Problem[] {
  const { success, tries } = memory
  if (success === null) return now - memory.firstAt > policy.first ? [never(memory, now)] : []
  const age = now - success.at
  if (age <= policy.stale) return failing(tries, policy, now)
  const since = success.at + policy.stale
  // It only grows until the next backup: who is missing stays so, wherever the Mac goes.
  const isExcused = memory.reach < Math.min(policy.online, policy.stale)
  if (isExcused && age <= policy.away)
    return [
      ...failing(tries, policy, now),
      problem('away', since, `no backup for ${span(age)}: as far as is known, the Mac was hardly in reach`, ''),
    ]
  if (tries !== null && now - tries.last < policy.stale) {
    const reason = `no complete backup for ${span(age)}: the Mac wrote ${span(now - tries.last)} ago and completed none`
    return [problem('failed', since, reason, 'see what Time Machine says on the Mac, then tmgen logs USER')]
  }
  const where = isExcused ? ' or has been away all the time' : ''
  const reason = `no backup for ${span(age)}: the Mac writes nothing${where}`
  return [problem('missing', since, reason, 'see whether Time Machine and Tailscale are on, on the Mac')]
}

function failing(tries: MacMemory['tries'], policy: Policy, now: number): Problem[] {
  if (tries === null || tries.last - tries.first < policy.failing || now - tries.last > policy.failing) return []
  const reason = `the Mac has been writing for ${span(tries.last - tries.first)} and has completed nothing`
  return [problem('failing', tries.first, reason, 'see what Time Machine says on the Mac')]
}

function never(memory: MacMemory, now: number): Problem {
  const isBegun = memory.bundles.some(({ lost }) => lost === null)
  const reason = isBegun
    ? `the first backup has not been completed for ${span(now - memory.firstAt)}`
    : `no backup has begun for ${span(now - memory.firstAt)}`
  return problem('never', memory.firstAt, reason, isBegun ? 'keep the Mac awake and in reach' : 'send tmgen guide USER')
}
