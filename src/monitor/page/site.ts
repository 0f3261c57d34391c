import type { History } from '../history/index.ts'
import { type Report, reportJson } from '../report/index.ts'
import { metricsText } from './metrics.ts'
import { openApi } from './openapi.ts'
import { overviewPage } from './overview.ts'
import { pastOf, userJson } from './past.ts'
import { personPage } from './person.ts'
import { style } from './style.ts'

export interface Answer {
  status: 200 | 404 | 503
  type: string
  body: string
}

/** What the site is made of. */
export interface Known {
  /** `undefined`: the monitor has not reported yet. */
  report: Report | undefined
  history: History
}

/** What is at a path; `path` is without the query, `now` in ms since 1970. */
export type Site = (known: Known, path: string, now: number) => Answer

export const page = (body: string): Answer => ({ status: 200, type: 'text/html; charset=utf-8', body })
export const json = (value: unknown): Answer => ({
  status: 200,
  type: 'application/json',
  body: `${JSON.stringify(value)}\n`,
})
const text = (status: Answer['status'], body: string): Answer => ({ status, type: 'text/plain; charset=utf-8', body })

export const missing = text(404, 'There is no such page.\n')
export const early = text(503, 'The monitor has not reported yet: it looks within the first minutes.\n')
export const styleSheet: Answer = { status: 200, type: 'text/css; charset=utf-8', body: style }

/** The operator's site: everybody. Reads only. */
export const answerTo: Site = ({ report, history }, path, now) => {
  if (path === '/style.css') return styleSheet
  if (path === '/openapi.json') return json(openApi())
  if (!report) return early
  if (path === '/') return page(overviewPage(report, now))
  if (path === '/metrics')
    return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: metricsText(report) }
  if (path === '/api/v1/overview') return json(reportJson(report))
  const [, api, user] = /^(\/api\/v1)?\/users\/([a-z0-9-]{1,64})$/.exec(path) ?? []
  const node = report.nodes.find((one) => one.user === user)
  if (!node) return missing
  const past = pastOf(history, report, node.user)
  return api !== undefined ? json(userJson(report, past, node)) : page(personPage(report, node, past, now))
}
