import { TmgenError } from '../errors.ts'
import type { Report } from '../monitor/report/report.ts'
import { shellWord } from '../render/index.ts'
import { servedUsers } from '../resolve/nodes.ts'
import type { DeployedUser } from '../resolve/types.ts'
import {
  type Argv,
  decide,
  type Place,
  placeOf,
  type Recorded,
  type Snapshot,
  snapshotsIn,
  takeCommands,
} from '../snapshots/index.ts'
import { monitorReport } from '../stack/monitor-report.ts'
import { table } from '../ui/output.ts'
import { printable } from '../ui/printable.ts'
import type { World } from '../world.ts'
import type { Context } from './context.ts'
import { look, mustBeHere } from './look.ts'

/** One user with the snapshots that there are. */
export interface Seen {
  user: DeployedUser
  place: Place
  snapshots: Snapshot[]
}

async function served(context: Context): Promise<{ dir: string; users: DeployedUser[] }> {
  const { dir, deployment } = await look(context, 'no')
  mustBeHere(deployment, 'snapshots')
  return { dir, users: servedUsers(deployment) }
}

/** The snapshots that each of them has. */
export async function snapshotsOf(world: World, users: readonly DeployedUser[]): Promise<Seen[]> {
  const all: Seen[] = []
  for (const user of users) {
    const place = await placeOf(world, user)
    all.push({ user, place, snapshots: await snapshotsIn(world, place) })
  }
  return all
}

/** `tmgen snapshots take`: for a timer of root. A snapshot for each user whose backup completed since the last one. */
export async function snapshotsTake(context: Context, { dryRun }: { dryRun?: boolean }): Promise<number | undefined> {
  const { ui } = context
  const world = await context.world()
  const { dir, users } = await served(context)
  const report = await monitorReport(world, dir)
  if (report === undefined)
    throw new TmgenError('docker', 'the monitor has recorded nothing yet: it tells when a backup is complete', {
      hint: 'docker compose up -d, then docker compose logs monitor',
    })
  if (!dryRun) mustBeRoot(world, 'tmgen snapshots take')
  const now = world.now().getTime()
  const failed: string[] = []
  for (const { user, place, snapshots } of await snapshotsOf(world, users)) {
    if (place.kind === 'none') continue
    const decision = decide(snapshots, recordedOf(report, user.name), now)
    const commands = takeCommands(place, decision)
    if (dryRun) for (const command of commands) ui.data(printable(line(command)))
    else if (await runAll(world, commands, (why) => ui.note(printable(`${user.name}: ${why}`)))) {
      if (decision.take !== undefined) ui.done(`${user.name}@${decision.take}`)
      for (const name of decision.letGo) ui.say(`${user.name}@${name}: let go`)
    } else failed.push(user.name)
  }
  return failed.length > 0 ? 1 : undefined
}

/** What the monitor recorded of all Macs of a user, by the server's clock. */
function recordedOf({ macs }: Report, user: string): Recorded {
  const own = macs.filter((mac) => mac.user === user)
  const completed = own.flatMap(({ lastSuccess }) => lastSuccess ?? [])
  const losses = own.flatMap(({ problems }) =>
    problems.filter(({ kind }) => ['vanished', 'shrunk', 'changed'].includes(kind)).map(({ since }) => since),
  )
  return { completedAt: completed.length === 0 ? null : Math.max(...completed), losses }
}

/** `tmgen snapshots list`: what there is of each user, and where there can be none. */
export async function snapshotsList(context: Context, { json }: { json?: boolean }): Promise<undefined> {
  const { ui } = context
  const all = await snapshotsOf(await context.world(), (await served(context)).users)
  if (json) {
    ui.json(
      all.map(({ user, place, snapshots }) => ({
        user: user.name,
        by: place.kind === 'none' ? null : place.kind,
        why: place.kind === 'none' ? place.why : null,
        snapshots: snapshots.map(({ id, takenAt, beforeLoss }) => ({
          name: `${user.name}@${id}`,
          takenAt: new Date(takenAt).toISOString(),
          kept: beforeLoss,
        })),
      })),
    )
    return
  }
  const rows = all.flatMap(({ user, snapshots }) =>
    snapshots.map(({ id, takenAt, beforeLoss }) => [
      `${user.name}@${id}`,
      new Date(takenAt).toISOString(),
      beforeLoss ? 'the last before a loss: stays' : '',
    ]),
  )
  if (rows.length > 0) ui.data(table(['NAME', 'TAKEN', ''], rows))
  for (const { user, place, snapshots } of all)
    if (place.kind === 'none') ui.note(printable(`${user.name}: no snapshots: ${place.why}; keep a cold copy`))
    else if (snapshots.length === 0) ui.note(`${user.name}: none yet (docs/how-to/snapshots.md)`)
}

/** @param what the command to run as root */
export function mustBeRoot(world: World, what: string): void {
  if (!world.host.isRoot())
    throw new TmgenError('usage', 'snapshots need root', {
      hint: `run ${what} as root (sudo): docs/how-to/snapshots.md`,
    })
}

/** A command as a shell takes it. */
export const line = (command: Argv) => command.map(shellWord).join(' ')

/** Runs them until one fails, which is told. */
export async function runAll(world: World, commands: readonly Argv[], tell: (why: string) => void): Promise<boolean> {
  for (const [name, ...args] of commands) {
    const { exitCode, stderr } = await world.tools.run(name, args)
    if (exitCode === 0) continue
    tell(`${name} ${args.join(' ')}: ${stderr.trim().split('\n')[0]?.slice(0, 200) || `exit ${exitCode}`}`)
    return false
  }
  return true
}
