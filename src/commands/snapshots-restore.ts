import { TmgenError } from '../errors.ts'
import { shellWord } from '../render/index.ts'
import { restoreCommands } from '../snapshots/index.ts'
import { printable } from '../ui/printable.ts'
import { missingFlag, typeWord } from '../ui/prompts.ts'
import type { Context } from './context.ts'
import { look, mustBeHere, userOf } from './look.ts'
import { line, mustBeRoot, runAll, type Seen, snapshotsOf } from './snapshots.ts'

/** `tmgen snapshots restore NAME`: a copy beside the live data, which stays as it is. */
export async function snapshotsRestore(context: Context, name: string, { yes }: { yes?: boolean }): Promise<undefined> {
  const { ui } = context
  const world = await context.world()
  const { dir, deployment } = await look(context, 'no')
  mustBeHere(deployment, 'snapshots restore')
  const [, owner = name, id = ''] = /^([^@]*)@(.*)$/.exec(name) ?? []
  const [found] = await snapshotsOf(world, [userOf(deployment, owner)])
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
  if (!yes) {
    const prompts = await context.prompts()
    if (!prompts) throw missingFlag('--yes', 'commands would run as root')
    await typeWord(prompts, 'Run these as root? Type yes', 'yes')
  }
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
