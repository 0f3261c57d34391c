import type { Report } from '../../../src/monitor/report/index.ts'
import { day, hour, start } from './timeline.ts'

type Mac = Report['macs'][number]

/** When the reports of these tests are from. */
export const at = start + 60 * day

/** A Mac that backs up each hour. */
export function wellMac(user: string, mac: string, change: Partial<Mac> = {}): Mac {
  return {
    user,
    mac,
    state: 'ok',
    since: at - hour,
    reason: 'backed up 1 hour ago',
    todo: '',
    problems: [],
    lastSuccess: at - hour,
    running: false,
    connection: { sessions: 1, since: at - hour, openFiles: 2 },
    quotaBytes: 2 ** 40,
    snapshots: Array.from({ length: 48 }, (_, index) => at - (47 - index) * day + hour),
    seen: {
      usedBytes: 310 * 2 ** 30,
      lastWrite: at - hour,
      lastBackup: at - hour,
      backups: 61,
      bundles: 1,
      notes: [],
    },
    verified: null,
    ...change,
  }
}

export const missing = {
  kind: 'missing',
  severity: 'alarm',
  since: at - 9 * hour,
  reason: 'no backup for 3 days: the Mac writes nothing',
  todo: 'see whether Time Machine and Tailscale are on, on the Mac',
} as const

/** A Mac that stopped. */
export function missingMac(user: string, mac: string): Mac {
  const { since, reason, todo } = missing
  return wellMac(user, mac, { state: 'missing', since, reason, todo, problems: [missing], lastSuccess: at - 81 * hour })
}

export const wellNode = (user: string): Report['nodes'][number] => ({
  user,
  told: true,
  problems: [],
  seen: { at, state: 'running', sessions: 1, present: true, path: 'direct', bytesIn: 2 ** 35, bytesOut: 2 ** 31 },
})

/** So many people with one Mac each; those whose number `isMissing` tells are in trouble. */
export function reportOf(people: number, isMissing: (index: number) => boolean = () => false): Report {
  const names = Array.from({ length: people }, (_, index) => `person-${String(index + 1).padStart(3, '0')}`)
  return {
    version: 1,
    workspace: 'timemachine',
    at,
    lookedAt: at - 90_000,
    every: 300_000,
    macs: names.map((user, index) => (isMissing(index) ? missingMac(user, 'macbook') : wellMac(user, 'macbook'))),
    nodes: names.map(wellNode),
    host: [],
    disks: [{ path: '/srv/timemachine', users: people, people: names, totalBytes: 2 ** 44, freeBytes: 2 ** 43 }],
    channels: [{ name: 'ntfy', waiting: 0, lost: 0, sentAt: at - day, failedAt: null, error: '' }],
    notes: [],
  }
}
