import { bytesText } from '../bytes.ts'
import type { Outcome } from '../converge/index.ts'
import { TmgenError } from '../errors.ts'
import type { Argv } from '../limits/index.ts'
import { shellWord } from '../render/index.ts'
import { servedUsers } from '../resolve/nodes.ts'
import type { DeployedUser, Deployment } from '../resolve/types.ts'
import { printable } from '../ui/printable.ts'
import { typeWord } from '../ui/prompts.ts'
import type { World } from '../world.ts'
import type { Context } from './context.ts'
import { look, mustBeHere, servedUserOf } from './look.ts'
import { converge } from './outcome.ts'
import { limitStatus } from './status-rows.ts'
import { byText, unmounted } from './storage-show.ts'

export interface LimitOptions {
  by?: 'image'
  script?: boolean
  yes?: boolean
  json?: boolean
}

/**
 * `tmgen storage limit [USER]`: shows the commands, then runs them as root, or prints them as a script for root to read.
 * What it says in the end is read back from the filesystem.
 */
export async function storageLimit(
  context: Context,
  name: string | undefined,
  options: LimitOptions,
): Promise<undefined> {
  const { ui } = context
  const world = await context.world()
  const { deployment } = await look(context, 'no')
  mustBeHere(deployment, 'storage limit')
  const users = name === undefined ? servedUsers(deployment) : [servedUserOf(deployment, name)]
  const isDry = options.script === true || !world.host.isRoot()
  const outcome = await converge(context, 'looking at the storage', {
    name: `storage limit${name === undefined ? '' : ` ${name}`}`,
    permits: 'limits',
    limits: { users: users.map((user) => user.name), by: options.by ?? 'filesystem' },
    remote: 'no',
    ...(isDry ? { checkOnly: true } : { review: (planned) => consent(context, planned, options) }),
  })
  const steps = limitSteps(outcome)
  if (options.script) {
    ui.data(await script(steps, outcome.deployment))
    return undefined
  }
  if (isDry && steps.length > 0) {
    show(context, steps)
    throw new TmgenError('usage', 'these commands need root', {
      hint: 'run the same as root (sudo), or: tmgen storage limit --script > limit.sh, read it, and have root run it',
    })
  }
  await tell(context, world, outcome, users, options)
  return undefined
}

type LimitStep = Extract<Outcome['steps'][number], { kind: 'limit-storage' }>
const limitSteps = ({ steps }: Outcome) => steps.filter((step): step is LimitStep => step.kind === 'limit-storage')

const line = (command: Argv) => command.map(shellWord).join(' ')

function show({ ui }: Context, steps: readonly LimitStep[]): void {
  for (const { title, commands } of steps) {
    ui.say(`${title}:`)
    for (const command of commands) ui.say(printable(`    ${line(command)}`))
  }
}

async function consent(context: Context, planned: Outcome, options: LimitOptions): Promise<void> {
  const steps = limitSteps(planned)
  if (steps.length === 0) return
  if (!options.json) show(context, steps)
  if (options.yes) return
  const prompts = await context.prompts()
  if (!prompts)
    throw new TmgenError('usage', '--yes is missing: commands would run as root', {
      hint: 'give --yes, or run tmgen on a terminal to be asked; --script prints them',
    })
  await typeWord(prompts, 'Run these as root? Type yes', 'yes')
}

/** The commands as a script: nothing in it depends on tmgen, and it ends at the first that fails. */
async function script(steps: readonly LimitStep[], deployment: Deployment): Promise<string> {
  const { fstabLine } = await import('../limits/index.ts')
  const lines = [
    '#!/bin/sh',
    `# Limits of the storage in the workspace ${deployment.workspace.name}, by tmgen storage limit. Read it, then run it`,
    '# as root, while the containers it is about are stopped.',
    'set -eu',
  ]
  for (const { user, title, commands } of steps) {
    lines.push('', `# ${title}`, ...commands.map(line))
    const found = deployment.users.find((one) => one.name === user)
    if (found !== undefined && commands.some(([name]) => name === 'mount'))
      lines.push('# To have it mounted after a restart of the host, add to /etc/fstab:', `# ${fstabLine(found)}`)
  }
  if (steps.length === 0) lines.push('', '# Nothing to do.')
  return lines.join('\n')
}

async function tell(
  context: Context,
  world: World,
  outcome: Outcome,
  users: readonly DeployedUser[],
  options: LimitOptions,
): Promise<void> {
  const { ui } = context
  const { observeLimits } = await import('../limits/index.ts')
  const seen = await observeLimits(world, outcome.deployment)
  const done = new Set(limitSteps(outcome).map((step) => step.user))
  const fresh = users.flatMap(({ id, name }) => (done.has(name) && seen.has(id) ? [{ name, seen: seen.get(id)! }] : []))
  const lost = fresh.find((one) => one.seen.limit.state !== 'enforced')
  const notes = [...outcome.notes, ...(await unmounted(world, users, seen))]
  if (options.json)
    ui.json({
      users: users.map(({ id, name }) => ({ name, limit: seen.has(id) ? limitStatus(seen.get(id)!) : null })),
      notes,
    })
  else {
    for (const one of fresh)
      if (one.seen.limit.state === 'enforced')
        ui.done(`${one.name}: ${bytesText(one.seen.limit.bytes)} enforced (${byText[one.seen.limit.by]}), read back`)
    for (const note of notes) ui.note(printable(note))
    if (done.size === 0) ui.say('nothing to do: every limit is as wanted')
    else ui.say('Next: docker compose up -d')
  }
  if (lost?.seen.limit.state === 'advisory')
    throw new TmgenError(
      'storage',
      `the commands ran, but no limit can be read back for ${lost.name}: ${lost.seen.limit.why}`,
      {
        hint: 'tmgen storage show tells what is there; the limit counts as advisory until it can be read',
      },
    )
}
