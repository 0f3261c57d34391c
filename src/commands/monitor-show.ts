import { TmgenError } from '../errors.ts'
import { reportJson } from '../monitor/report/json.ts'
import type { Report } from '../monitor/report/report.ts'
import { isFresh, monitorReport, wayFault } from '../stack/monitor-report.ts'
import { table } from '../ui/output.ts'
import { printable } from '../ui/printable.ts'
import type { Context } from './context.ts'
import { look, mustBeHere } from './look.ts'
import { age } from './status-table.ts'

/** `tmgen monitor show`: what the monitor found last, a line a Mac. Writes nothing and asks nobody. */
export async function monitorShow(context: Context, { json }: { json?: boolean }): Promise<undefined> {
  const { ui } = context
  const world = await context.world()
  const { dir, deployment } = await look(context, 'no')
  mustBeHere(deployment, 'monitor show')
  const report = await monitorReport(world, dir)
  if (report === undefined)
    throw new TmgenError('docker', 'the monitor has not reported yet', {
      hint: 'docker compose up -d, then docker compose logs monitor monitor-scanner',
    })
  if (json) {
    ui.json(reportJson(report))
    return
  }
  const now = world.now()
  if (report.macs.length > 0) ui.data(tableOf(report, now))
  for (const text of notesOf(report, now)) ui.note(printable(text))
}

const iso = (time: number | null) => (time === null ? null : new Date(time).toISOString())

function tableOf({ macs }: Report, now: Date): string {
  const rows = macs.map(({ user, mac, state, since, lastSuccess, connection, verified, reason }) => {
    const covered = verified === null || verified.bands === 0 ? '-' : `${verified.percent} %`
    const ages = [since, lastSuccess].map((time) => age(iso(time), now))
    return [user, mac, state, ...ages, connectedText(connection, now), covered, reason].map(printable)
  })
  return table(['USER', 'MAC', 'STATE', 'SINCE', 'LAST BACKUP', 'CONNECTED', 'READ BACK', 'WHY'], rows)
}

/** For how long; `no`, or `-` where that is not known. */
function connectedText(connection: Report['macs'][number]['connection'], now: Date): string {
  return connection === null ? '-' : connection.since === null ? 'no' : age(iso(connection.since), now)
}

function notesOf(report: Report, now: Date): string[] {
  const notes = [...report.notes]
  if (!isFresh(report, now.getTime()))
    notes.push(`the monitor reported ${age(iso(report.at), now)} ago: docker compose up -d`)
  for (const { reason, todo } of report.host) notes.push(`this server: ${reason}: ${todo}`)
  for (const { user, problems } of report.nodes) notes.push(...problems.map(({ reason }) => `${user}: ${reason}`))
  for (const { user, mac, problems } of report.macs)
    for (const { reason, todo } of problems) if (todo !== '') notes.push(`${user}/${mac}: ${reason}: ${todo}`)
  notes.push(...report.channels.flatMap((way) => wayFault(way) ?? []))
  if (report.channels.length === 0) notes.push('nobody is told: alerts are off (docs/how-to/alerts.md)')
  return notes
}
