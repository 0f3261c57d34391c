import { count } from '../../count.ts'
import { printable } from '../../ui/printable.ts'
import type { HostLook, NodeLook } from '../observation/index.ts'
import type { HostPolicy } from './policy.ts'
import { type Problem, problem, sortProblems, span } from './problems.ts'

/** What is remembered of the looks at one node, a user's or the dashboard's: what is wrong, and since when. Times in ms since 1970. */
export interface NodeMemory {
  lastAt: number
  /** The fault in a sentence, `''`: none. */
  fault: string
  since: number
  /** The fault that the gateway told of last, `''`: none. It stands while the gateway is silent. */
  said?: string
  /** Since when the fault is known from before the gateway's silence alone; null: it is seen. */
  unseen?: number | null
  /** ms of earlier silence since then, of which nobody knows whether the fault lasted. */
  gap?: number
}

/** What the gateway says is wrong with a node; `''`: nothing. */
function nodeFault(user: string, look: NodeLook): string {
  if (look.keyNeeded) return `the node waits for an auth key: tmgen provision ${user}`
  if (look.state === 'running') return ''
  return `the node is ${printable(look.state ?? 'unknown')}${look.error === '' ? '' : `: ${printable(look.error)}`}`
}

/** What is wrong with the Samba container; `''`: nothing that is known. */
function sambaFault(user: string, { samba }: NodeLook): string {
  if (samba === null || ['healthy', 'starting'].includes(samba)) return ''
  return `Samba is ${printable(samba)}: tmgen logs ${user} --samba`
}

/**
 * Adds one look. The fault may change its words and still last. A gateway that is silent is the host's fault, not the
 * node's: it neither ends what it said of the node nor makes it last.
 */
export function advanceNode(before: NodeMemory | undefined, user: string, look: NodeLook): NodeMemory {
  const { at } = look
  const isSilent = look.state === null
  const said = isSilent ? (before?.said ?? '') : nodeFault(user, look)
  const samba = sambaFault(user, look)
  const fault = said === '' ? samba : said
  const lasts = before !== undefined && (before.fault === '') === (fault === '')
  const since = lasts ? Math.min(before.since, at) : at
  const isUnseen = isSilent && said !== '' && samba === ''
  const old = lasts ? (before.unseen ?? null) : null
  const gap = lasts ? (before.gap ?? 0) : 0
  if (isUnseen) return { lastAt: at, fault, since, said, unseen: Math.min(old ?? at, at), gap }
  return { lastAt: at, fault, since, said, unseen: null, gap: gap + (old === null ? 0 : Math.max(0, at - old)) }
}

/** What is wrong with one node. */
export function judgeNode(memory: NodeMemory | undefined, policy: HostPolicy, now: number): Problem[] {
  if (memory === undefined || memory.fault === '') return []
  const { fault, since, unseen = null, gap = 0 } = memory
  return (unseen ?? now) - since - gap < policy.node ? [] : [problem('node', since, fault, 'run tmgen doctor')]
}

/** What is wrong with the dashboard's node: a problem of the host, for it is nobody's backup. */
export function judgeDashboard(memory: NodeMemory | undefined, policy: HostPolicy, now: number): Problem[] {
  return judgeNode(memory, policy, now).map((one) => ({ ...one, reason: `the dashboard is not there: ${one.reason}` }))
}

/** What is remembered of the looks at the host. */
export interface HostMemory {
  lastAt: number
  /** Since when the gateway is silent. */
  silent: number | null
  disks: { path: string; users: readonly string[]; freePercent: number; low: number | null }[]
}

/** Percent more than the bound that must be free before a disk is well again: no to and fro. */
const slack = 1

/** Adds one look at the host. */
export function advanceHost(before: HostMemory | undefined, look: HostLook, policy: HostPolicy): HostMemory {
  const disks = look.disks.map(({ path, users, total, free }) => {
    const freePercent = total > 0 ? (free / total) * 100 : 0
    const low = before?.disks.find((disk) => disk.path === path)?.low ?? null
    const isLow = freePercent < policy.diskFree + (low === null ? 0 : slack)
    return { path, users, freePercent, low: isLow ? (low ?? look.at) : null }
  })
  return { lastAt: look.at, silent: look.gateway === 'silent' ? (before?.silent ?? look.at) : null, disks }
}

/** What is wrong with the host: the disk (never a quota: Time Machine fills it by design), the gateway, the monitor. */
export function judgeHost(
  memory: HostMemory | undefined,
  watchedSince: number,
  policy: HostPolicy,
  now: number,
): Problem[] {
  const problems: Problem[] = []
  const last = Math.max(memory?.lastAt ?? 0, watchedSince)
  if (now - last > 3 * policy.every)
    problems.push(
      problem('monitor', last, `the monitor has not looked for ${span(now - last)}`, 'see docker compose logs monitor'),
    )
  if (memory === undefined) return problems
  if (memory.silent !== null && now - memory.silent >= policy.node)
    problems.push(problem('gateway', memory.silent, 'the gateway does not answer', 'docker compose up -d'))
  for (const { path, users, freePercent, low } of memory.disks) {
    if (low === null) continue
    const reason = `${printable(path)} has ${freePercent.toFixed(1)} % left; ${count(users.length, 'person backs', 'people back')} up there`
    problems.push(
      problem('disk', low, reason, 'make room, or move people to another disk: macOS needs it to free its own'),
    )
  }
  return sortProblems(problems)
}
