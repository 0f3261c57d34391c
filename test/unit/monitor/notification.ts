import type { Notification } from '../../../src/monitor/alerts/index.ts'
import { start } from './timeline.ts'

/** What the operator is told of one Mac whose backup is missing. */
export const missingOf = (about: string, reason: string, todo: string): Notification => ({
  to: { operator: true },
  at: start,
  severity: 'alarm',
  items: [
    {
      what: 'new',
      finding: { key: 'k', user: 'alice', about, kind: 'missing', severity: 'alarm', since: start, reason, todo },
    },
  ],
})
