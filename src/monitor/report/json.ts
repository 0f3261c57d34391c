import type { MacReport, NodeReport, Report, ReportJson } from './report.ts'

export const isoOf = (time: number) => new Date(time).toISOString()
const iso = (time: number | null) => (time === null ? null : isoOf(time))

/** The report with its times as text. */
export function reportJson(report: Report): ReportJson {
  return {
    workspace: report.workspace,
    at: isoOf(report.at),
    lookedAt: iso(report.lookedAt),
    macs: report.macs.map(macJson),
    nodes: report.nodes.map(nodeJson),
    host: report.host.map(problem),
    disks: report.disks,
    channels: report.channels.map((one) => ({ ...one, sentAt: iso(one.sentAt), failedAt: iso(one.failedAt) })),
    notes: report.notes,
  }
}

export function macJson(mac: MacReport): ReportJson['macs'][number] {
  return {
    ...mac,
    since: isoOf(mac.since),
    lastSuccess: iso(mac.lastSuccess),
    problems: mac.problems.map(problem),
    snapshots: mac.snapshots.map(isoOf),
    connection: mac.connection && { ...mac.connection, since: iso(mac.connection.since) },
    verified: mac.verified && { ...mac.verified, at: iso(mac.verified.at) },
    seen: mac.seen && { ...mac.seen, lastWrite: iso(mac.seen.lastWrite), lastBackup: iso(mac.seen.lastBackup) },
  }
}

export function nodeJson(node: NodeReport): ReportJson['nodes'][number] {
  const { seen, problems } = node
  return { ...node, problems: problems.map(problem), seen: seen && { ...seen, at: isoOf(seen.at) } }
}

const problem = (one: Report['host'][number]) => ({ ...one, since: isoOf(one.since) })
