import type { Report } from '../report/index.ts'
import { ownApi } from './openapi.ts'
import { type Past, pastOf, userJson } from './past.ts'
import { personPage } from './person.ts'
import { early, json, missing, page, type Site, styleSheet } from './site.ts'

type Told = Pick<Report['host'][number], 'reason' | 'todo'>

/** What of these is told follows the first colon: errors, paths and commands of whoever runs the server. */
const withoutCause = new Set<string>(['monitor', 'gateway', 'disk', 'node', 'unreadable', 'unverified'])

/** The same in words for the person whose backup it is. */
function inOwnWords<T extends Told>(one: T, kind: string): T {
  const reason = withoutCause.has(kind) ? (one.reason.split(/: /, 1)[0] ?? '') : one.reason
  const todo = one.todo.replace(/, then tmgen .*$/, '')
  return { ...one, reason, todo: /\btmgen\b|\bdocker\b|\bdocs\//.test(todo) ? 'tell whoever runs this server' : todo }
}

/** What of a report is this person's own; nothing of others, of the host, or of how anybody is told. */
export function ownReport(report: Report, user: string): Report {
  const own = <T extends { user: string }>(all: readonly T[]) => all.filter((one) => one.user === user)
  const problems = (all: Report['host']) => all.map((one) => inOwnWords(one, one.kind))
  return {
    version: report.version,
    workspace: '',
    at: report.at,
    lookedAt: report.lookedAt,
    every: report.every,
    macs: own(report.macs).map((mac) => ({
      ...inOwnWords(mac, mac.state),
      problems: problems(mac.problems),
      // Paths and errors of the server.
      verified: mac.verified && { ...mac.verified, failed: mac.verified.failed && 'not read' },
    })),
    nodes: own(report.nodes).map((node) => ({ ...node, problems: problems(node.problems) })),
    host: [],
    disks: [],
    channels: [],
    notes: [],
  }
}

function inOwnPast(past: Past): Past {
  return { ...past, events: past.events.map((one) => ({ ...one, ...inOwnWords({ ...one, todo: '' }, one.state) })) }
}

/** The site that one person sees on their own node. Whose it is follows from where it is served, never from the path. */
export const personSite =
  (user: string): Site =>
  ({ report, history }, path, now) => {
    if (path === '/style.css') return styleSheet
    if (path === '/openapi.json') return json(ownApi())
    if (!report) return early
    const own = ownReport(report, user)
    const [node] = own.nodes
    if (!node || (path !== '/' && path !== '/api/v1/me')) return missing
    const past = inOwnPast(pastOf(history, own, user))
    return path === '/' ? page(personPage(own, node, past, now, true)) : json(userJson(own, past, node))
  }
