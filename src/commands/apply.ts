import type { Change, Command, Outcome } from '../converge/index.ts'
import { TmgenError } from '../errors.ts'
import { few } from '../few.ts'
import { printable } from '../ui/printable.ts'
import { agree } from '../ui/prompts.ts'
import { composeUp } from './compose-up.ts'
import type { Context } from './context.ts'
import { nextUp } from './outcome.ts'
import { fewNotes, paintPlan } from './plan.ts'
import { summary } from './plan-text.ts'
import { reviewed } from './reviewed.ts'

export interface ApplyOptions {
  /** False with --no-up. */
  up: boolean
  yes?: boolean
  json?: boolean
}

/** What tells `apply` and `upgrade` apart. */
export interface Applying {
  command: Pick<Command, 'name' | 'upgrade'>
  /** Asked once the changes are shown; throws to leave everything as it is. */
  agree(planned: Outcome, changes: readonly Change[]): Promise<void>
}

/** `tmgen apply`: shows the plan, does it, and lets compose do what needs containers. */
export const apply = (context: Context, options: ApplyOptions): Promise<undefined> =>
  applyPlan(context, options, {
    command: { name: 'apply' },
    agree: (_planned, changes) => consent(context, changes, options),
  })

/** Shows the plan, asks, and does it. */
export async function applyPlan(context: Context, options: ApplyOptions, applying: Applying): Promise<undefined> {
  const { ui, io } = context
  const world = await context.world()
  const { changesOf, notesBeside } = await import('../converge/index.ts')
  const command = { ...applying.command, permits: 'all', remote: 'write', stack: true } as const
  const { outcome, review: changes } = await reviewed(context, command, async (planned) => {
    const found = changesOf(planned, world.now())
    if (!options.json && found.length > 0) ui.say(paintPlan(context, found, io.stderr.isTTY === true))
    await applying.agree(planned, found)
    return found
  })
  const containers = await seeToContainers(context, outcome, changes, options)
  const notes = notesBeside(outcome)
  if (options.json) {
    ui.json({ changes, notes, containers })
    return undefined
  }
  for (const note of fewNotes(notes)) ui.note(note)
  if (changes.length === 0) ui.say('nothing to do')
  else ui.done(`applied: ${summary(changes)}`)
  for (const change of changes)
    if (change.sign === '!' && !change.applies) ui.note(printable(`left to you: ${change.title}: ${change.fix}`))
  if (containers === 'not-started') ui.say(`Next: ${nextUp(outcome.deployment.host)}`)
  return undefined
}

/** Asks before a person's access or a container goes; --yes answers, and without a terminal nothing else does. */
async function consent(context: Context, changes: readonly Change[], { yes }: ApplyOptions): Promise<void> {
  const gone = changes.flatMap((change) => {
    if (change.sign === '!') return []
    if (change.sign === '-') return [change.title]
    return change.parts.filter((part) => part.sign === '-' && part.what === 'container').map((part) => part.title)
  })
  if (yes || gone.length === 0) return
  const what = printable(few(gone))
  const prompts = await context.prompts()
  if (prompts === undefined)
    throw new TmgenError('usage', `this takes away: ${what}`, {
      hint: 'look at it with tmgen plan, then: tmgen apply --yes (data is kept)',
    })
  await agree(prompts, `This takes away: ${what}. Data is kept. Go on?`)
}

/** Waits until the other version of Headscale answers: until then nobody knows whether it took its database. */
async function migrated(context: Context, deployment: Outcome['deployment'], copy: string): Promise<void> {
  const { makeProvider } = await import('../control/index.ts')
  const { healthy } = await import('./start-embedded.ts')
  const provider = makeProvider(deployment, { world: await context.world(), workspaceDir: context.dir })
  try {
    await context.ui.progress('waiting for Headscale', () => healthy(provider))
  } catch (error) {
    if (!(error instanceof TmgenError)) throw error
    throw new TmgenError('control-unreachable', `the other version of Headscale does not answer: ${error.message}`, {
      hint: `look at docker compose logs headscale; its database as it was lies in ${copy} (docs/how-to/embedded.md)`,
    })
  }
}

/** `unchanged`: nothing was to be done; `not-started`: by --no-up, or because they run on another host. */
type Containers = 'up' | 'unchanged' | 'not-started'

async function seeToContainers(
  context: Context,
  { deployment, steps }: Outcome,
  changes: readonly Change[],
  { up }: ApplyOptions,
): Promise<Containers> {
  const needed = changes.some((change) => change.sign !== '!' || (change.what === 'container' && change.applies))
  if (!needed) return 'unchanged'
  if (!up || deployment.host === 'remote') return 'not-started'
  await composeUp(context, ['--remove-orphans'])
  for (const step of steps) if (step.kind === 'copy-database') await migrated(context, deployment, step.path)
  return 'up'
}
