import { TmgenError } from '../errors.ts'
import type { Report } from '../monitor/report/report.ts'
import { table } from '../ui/output.ts'
import { printable } from '../ui/printable.ts'
import type { Context } from './context.ts'
import { look } from './look.ts'
import { isFresh, monitorReport } from './monitor-report.ts'
import { age } from './status-table.ts'

/** `tmgen monitor show`: what the monitor found last, a line a Mac. Writes nothing and asks nobody. */
export async function monitorShow(context: Context, { json }: { json?: boolean }): Promise<undefined> {
  const { ui } = context
  const world = await context.world()
  const { dir, deployment } = await look(context, 'no')
  if (deployment.host === 'remote')
    throw new TmgenError('docker', 'the monitor runs on another machine (host: remote)', {
      hint: 'run tmgen monitor show there',
    })
  const report = await monitorReport(world, dir)
  if (report === undefined)
    throw new TmgenError('docker', 'the monitor has not reported yet', {
      hint: 'docker compose up -d, then docker compose logs monitor monitor-scanner',
    })
  if (json) {
    ui.json(jsonOf(report))
    return
  }
  const now = world.now()
  if (report.macs.length > 0) ui.data(tableOf(report, now))
  for (const text of notesOf(report, now)) ui.note(printable(text))
}

const iso = (time: number | null) => (time === null ? null : new Date(time).toISOString())

function jsonOf(report: Report) {
  const problem = (one: Report['host'][number]) => ({ ...one, since: iso(one.since) })
  return {
    at: iso(report.at),
    lookedAt: iso(report.lookedAt),
    macs: report.macs.map((mac) => ({
      ...mac,
      since: iso(mac.since),
      lastSuccess: iso(mac.lastSuccess),
      problems: mac.problems.map(problem),
      verified: mac.verified && { ...mac.verified, at: iso(mac.verified.at) },
      seen: mac.seen && { ...mac.seen, lastWrite: iso(mac.seen.lastWrite), lastBackup: iso(mac.seen.lastBackup) },
    })),
    nodes: report.nodes.map((node) => ({ ...node, problems: node.problems.map(problem) })),
    host: report.host.map(problem),
    channels: report.channels.map((one) => ({ ...one, sentAt: iso(one.sentAt), failedAt: iso(one.failedAt) })),
    notes: report.notes,
  }
}

function tableOf({ macs }: Report, now: Date): string {
  const rows = macs.map(({ user, mac, state, since, lastSuccess, verified, reason }) => {
    const covered = verified === null || verified.bands === 0 ? '-' : `${verified.percent} %`
    return [user, mac, state, age(iso(since), now), age(iso(lastSuccess), now), covered, reason].map(printable)
  })
  return table(['USER', 'MAC', 'STATE', 'SINCE', 'LAST BACKUP', 'READ BACK', 'WHY'], rows)
}

function notesOf(report: Report, now: Date): string[] {
  const notes = [...report.notes]
  if (!isFresh(report, now.getTime()))
    notes.push(`the monitor reported ${age(iso(report.at), now)} ago: docker compose up -d`)
  for (const { reason, todo } of report.host) notes.push(`this server: ${reason}: ${todo}`)
  for (const { user, problems } of report.nodes) notes.push(...problems.map(({ reason }) => `${user}: ${reason}`))
  for (const { user, mac, problems } of report.macs)
    for (const { reason, todo } of problems) if (todo !== '') notes.push(`${user}/${mac}: ${reason}: ${todo}`)
  for (const { name, waiting, lost, error } of report.channels)
    if (error !== '' || lost > 0)
      notes.push(`${name}: ${error || 'alerts were given up'} (${waiting} wait, ${lost} given up)`)
  if (report.channels.length === 0) notes.push('nobody is told: alerts are off (docs/how-to/alerts.md)')
  return notes
}
