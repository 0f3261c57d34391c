import { bytesText } from '../bytes.ts'
import { table } from '../ui/output.ts'
import { printable } from '../ui/printable.ts'
import type { NodeStatus, StatusRow } from './status-rows.ts'

const header = ['USER', 'NODE', 'IP', 'PATH', 'KEY', 'SAMBA', 'OPEN', 'USED', 'LIMIT', 'WRITTEN', 'LAST BACKUP']

/** A line a user: of several Macs, what is used counts together, and the one whose last backup is oldest is shown. The dashboard has a node and nothing else. */
export function statusTable(rows: readonly StatusRow[], now: Date, dashboard: NodeStatus | null = null): string {
  const page = dashboard === null ? [] : [{ ...dashboard, samba: null, macs: [], limit: null }]
  return table(
    header,
    [...rows, ...page].map((row) => cells(row, now).map(printable)),
  )
}

function cells(row: StatusRow, now: Date): string[] {
  return [
    row.name,
    row.enabled ? (row.node.state ?? '-') : 'disabled',
    row.node.ips.find((ip) => !ip.includes(':')) ?? row.node.ips[0] ?? '-',
    row.path ?? '-',
    row.key.state,
    row.samba ?? '-',
    row.sessions === null ? '-' : String(row.sessions),
    used(row.macs),
    row.limit?.state ?? '-',
    age(newest(row.macs.map((mac) => mac.lastWrite)), now),
    lastBackup(row.macs, now),
  ]
}

function used(macs: StatusRow['macs']): string {
  const known = macs.flatMap((mac) => mac.usedBytes ?? [])
  if (known.length === 0) return '-'
  const [bytes, quota] = [sum(known), sum(macs.map((mac) => mac.quotaBytes))]
  return `${bytesText(bytes)} of ${bytesText(quota)}`
}

function lastBackup(macs: StatusRow['macs'], now: Date): string {
  const oldest = [...macs].sort((a, b) => ((a.lastBackup ?? '') < (b.lastBackup ?? '') ? -1 : 1))[0]
  if (oldest === undefined) return '-'
  const text = oldest.lastBackup === null ? 'none' : age(oldest.lastBackup, now)
  return macs.length === 1 ? text : `${text} (${oldest.name})`
}

const sum = (all: readonly number[]) => all.reduce((total, one) => total + one, 0)

/** ISO texts of one zone sort as their times do. */
const newest = (times: readonly (string | null)[]) => times.reduce((a, b) => ((a ?? '') > (b ?? '') ? a : b), null)

/** How long ago, in its largest unit: `5m`, `3h`, `12d`. */
export function age(time: string | null, now: Date): string {
  if (time === null) return '-'
  const seconds = Math.max(0, Math.floor((now.getTime() - Date.parse(time)) / 1000))
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`
  return seconds < 48 * 3600 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`
}
