import { setTimeout } from 'node:timers/promises'
import { lookAtShare } from '../backups/index.ts'
import { TmgenError, TmgenErrors } from '../errors.ts'
import { formatError } from '../format-error.ts'
import type { DeployedUser } from '../resolve/types.ts'
import { gatewayStatus } from '../stack/gateway-status.ts'
import { isFresh, monitorReport } from '../stack/monitor-report.ts'
import { gatewayNotes } from '../stack/node-notes.ts'
import { composeServices } from '../stack/services.ts'
import { printable, printableJson } from '../ui/printable.ts'
import type { World } from '../world.ts'
import type { Context } from './context.ts'
import { look } from './look.ts'
import { keyOf, userRows } from './rows.ts'
import { type NodeStatus, nodeStatus, type ShareSeen, type StatusRow, statusRow } from './status-rows.ts'
import { statusTable } from './status-table.ts'

export interface StatusOptions {
  watch?: boolean
  json?: boolean
}

interface Report {
  rows: StatusRow[]
  /** The node of the operators' page; null: there is none. */
  dashboard: NodeStatus | null
  notes: string[]
  now: Date
}

/** Between two looks of --watch, in ms: a look costs about half a second of one core. */
const everyMs = 5_000
/** Warnings that are shown; with many people the table is to stay in sight. */
const mostWarnings = 12

/**
 * `tmgen status`: how everybody does, a row a user on stdout, warnings on stderr. Writes nothing and asks the control
 * plane nothing: the gateway, Docker and the shares tell.
 * @param pause waits between two looks; false ends the watch (tests)
 */
export async function status(
  context: Context,
  options: StatusOptions,
  pause: () => Promise<boolean> = () => setTimeout(everyMs, true),
): Promise<undefined> {
  if (!options.watch) return show(context, options, await report(context))
  do {
    try {
      show(context, options, await report(context))
    } catch (error) {
      // A tmgen.yaml that is being edited does not end the watch.
      if (!(error instanceof TmgenError || error instanceof TmgenErrors)) throw error
      context.ui.say(formatError(error))
    }
  } while (await pause())
  return undefined
}

async function report(context: Context): Promise<Report> {
  const world = await context.world()
  const { dir, deployment, lock, observed, notes } = await look(context, 'no')
  const now = world.now()
  const isLocal = deployment.host === 'local'
  const [gateway, services] = isLocal
    ? await Promise.all([gatewayStatus(world, dir), composeServices(world, dir)])
    : [undefined, undefined]
  if (!isLocal) notes.push('host: remote: gateway, Samba and shares are on another machine: run tmgen status there')
  else if (services === undefined) notes.push('docker compose does not answer: Samba was not looked at')
  else if (gateway === undefined) notes.push('the gateway does not answer: docker compose up -d')
  notes.push(...gatewayNotes(gateway))
  const { backupNote } = await import('../archive/index.ts')
  const unsafe = await backupNote(world, dir, lock)
  if (unsafe !== undefined) notes.push(unsafe)
  const told = isLocal ? await monitorReport(world, dir) : undefined
  const report = told && isFresh(told, now.getTime()) ? told : undefined
  if (told !== undefined && report === undefined)
    notes.push('the monitor does not report: docker compose up -d, then docker compose logs monitor')
  notes.push(...(report?.host ?? []).map(({ reason }) => `this server: ${reason}`))
  const listed = userRows(deployment, observed, undefined, now)
  const { observeLimits } = await import('../limits/index.ts')
  const limits = await observeLimits(world, deployment)
  const rows: StatusRow[] = []
  for (const [index, user] of deployment.users.entries())
    rows.push(
      statusRow(
        {
          user,
          listed: listed[index]!,
          deployment,
          gateway,
          services,
          shares: isLocal ? await shares(world, user, now) : new Map(),
          storage: limits.get(user.id),
          report,
        },
        now,
      ),
    )
  const page = deployment.dashboard
  const key = page && keyOf(page, observed, now)
  const dashboard = page && key ? nodeStatus(page, { name: page.hostname, key }, deployment, gateway) : null
  return { rows, dashboard, notes, now }
}

async function shares(world: World, user: DeployedUser, now: Date): Promise<Map<string, ShareSeen>> {
  const seen = new Map<string, ShareSeen>()
  for (const { name } of user.macs) {
    try {
      seen.set(name, (await lookAtShare(world, user.storage, name, now)) ?? 'not made yet')
    } catch (error) {
      if (!(error instanceof TmgenError)) throw error
      seen.set(name, { fault: error.message })
    }
  }
  return seen
}

function show({ ui, io }: Context, { json, watch }: StatusOptions, { rows, dashboard, notes, now }: Report): undefined {
  if (json) {
    const value = { at: now.toISOString(), users: rows, dashboard, notes }
    if (watch) ui.data(printableJson(value))
    else ui.json(value)
    return
  }
  if (watch && io.stdout.isTTY === true) io.stdout.write('\u001b[H\u001b[2J')
  if (rows.length === 0) ui.say('no users yet: tmgen add user NAME --login LOGIN')
  else ui.data(statusTable(rows, now, dashboard))
  const warnings = [...rows, ...(dashboard ? [dashboard] : [])].flatMap((row) =>
    row.warnings.map((text) => `${row.name}: ${text}`),
  )
  const all = [...notes, ...warnings]
  for (const text of all.slice(0, mostWarnings)) ui.note(printable(text))
  if (all.length > mostWarnings) ui.note(`and ${all.length - mostWarnings} more: tmgen status --json`)
}
