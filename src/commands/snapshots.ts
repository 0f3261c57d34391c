import { TmgenError } from '../errors.ts'
import type { Report } from '../monitor/report/report.ts'
import { shellWord } from '../render/index.ts'
import type { DeployedUser } from '../resolve/types.ts'
import {
  type Argv,
  decide,
  type Place,
  placeOf,
  type Recorded,
  restoreCommands,
  type Snapshot,
  snapshotsIn,
  takeCommands,
} from '../snapshots/index.ts'
import { table } from '../ui/output.ts'
import { printable } from '../ui/printable.ts'
import type { World } from '../world.ts'
import type { Context } from './context.ts'
import { look, userOf } from './look.ts'
import { monitorReport } from './monitor-report.ts'
import { mustBeHere } from './storage-show.ts'

/** One user with the snapshots that there are. */
interface Seen {
  user: DeployedUser
  place: Place
  snapshots: Snapshot[]
}

async function served(context: Context): Promise<{ dir: string; users: DeployedUser[] }> {
  const { dir, deployment } = await look(context, 'no')
  mustBeHere(deployment)
  return { dir, users: deployment.users.filter((user) => user.enabled) }
}

async function seen(world: World, users: readonly DeployedUser[]): Promise<Seen[]> {
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
  for (const { user, place, snapshots } of await seen(world, users)) {
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
  const all = await seen(await context.world(), (await served(context)).users)
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

/** `tmgen snapshots restore NAME`: a copy beside the live data, which stays as it is. */
export async function snapshotsRestore(context: Context, name: string, { yes }: { yes?: boolean }): Promise<undefined> {
  const { ui } = context
  const world = await context.world()
  const { dir, deployment } = await look(context, 'no')
  mustBeHere(deployment)
  const [, owner = name, id = ''] = /^([^@]*)@(.*)$/.exec(name) ?? []
  const [found] = await seen(world, [userOf(deployment, owner)])
  if (found === undefined || found.place.kind === 'none' || !found.snapshots.some((one) => one.id === id))
    throw new TmgenError('usage', `there is no snapshot ${JSON.stringify(printable(name))}`, {
      hint: 'tmgen snapshots list names them',
    })
  const { path, commands } = restoreCommands(found.place, id)
  if ((await world.disk.stat(path)) !== undefined)
    throw new TmgenError('storage', `${path} is there already: nothing is overwritten`, {
      hint: 'look at it, or give it another name first',
    })
  for (const command of commands) ui.say(printable(`    ${line(command)}`))
  mustBeRoot(world, 'tmgen snapshots restore')
  if (!yes) await consent(context)
  const fail = (why: string) => {
    throw new TmgenError('storage', printable(why))
  }
  await runAll(world, commands, fail)
  ui.done(`${name} is at ${path}, writable, and nothing else was changed`)
  ui.say(howToUse(found, path, dir))
}

function howToUse({ user, place }: Seen, path: string, dir: string): string {
  const live = place.kind === 'none' ? user.storage : place.path
  const zfs = place.kind === 'zfs'
  const swap = zfs
    ? ['in its place: see zfs-rename(8) and zfs-promote(8); the mount point is the one of the storage']
    : [
        'in its place, with Time Machine off on the Mac:',
        `    mv -nT ${shellWord(live)} ${shellWord(`${live}.before`)}`,
      ]
  return [
    `To take something out of it: the bundles of each Mac are in ${path}. To have it served`,
    `    cd ${shellWord(dir)} && docker compose stop samba-${user.name} monitor-scanner`,
    ...swap,
    ...(zfs ? [] : [`    mv -nT ${shellWord(path)} ${shellWord(live)}`]),
    '    docker compose up -d',
  ].join('\n')
}

async function consent(context: Context): Promise<void> {
  const prompts = await context.prompts()
  if (!prompts)
    throw new TmgenError('usage', '--yes is missing: commands would run as root', {
      hint: 'give --yes, or run tmgen on a terminal to be asked',
    })
  await prompts.text('Run these as root? Type yes', {
    fault: (answer) => (answer === 'yes' ? undefined : 'type yes, or press Ctrl-C'),
  })
}

function mustBeRoot(world: World, what: string): void {
  if (!world.host.isRoot())
    throw new TmgenError('usage', 'snapshots need root', {
      hint: `run ${what} as root (sudo): docs/how-to/snapshots.md`,
    })
}

const line = (command: Argv) => command.map(shellWord).join(' ')

/** Runs them until one fails, which is told. */
async function runAll(world: World, commands: readonly Argv[], tell: (why: string) => void): Promise<boolean> {
  for (const [name, ...args] of commands) {
    const { exitCode, stderr } = await world.tools.run(name, args)
    if (exitCode === 0) continue
    tell(`${name} ${args.join(' ')}: ${stderr.trim().split('\n')[0]?.slice(0, 200) || `exit ${exitCode}`}`)
    return false
  }
  return true
}
