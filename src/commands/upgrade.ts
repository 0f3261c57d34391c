import type { Change, Outcome } from '../converge/index.ts'
import { TmgenError } from '../errors.ts'
import { agree } from '../ui/prompts.ts'
import { type ApplyOptions, applyPlan } from './apply.ts'
import type { Context } from './context.ts'

/** `tmgen upgrade`: brings the workspace to this version of tmgen: shows what changes, asks, does it. */
export async function upgrade(context: Context, options: ApplyOptions): Promise<undefined> {
  const world = await context.world()
  return applyPlan(context, options, {
    command: { name: 'upgrade', upgrade: true },
    agree: async (planned, changes) => {
      if (!options.json) await introduce(context, planned, world.version)
      await consent(context, changes, options)
    },
  })
}

/** From which version to which, what that means for running connections, and whether there is a way back. */
async function introduce({ ui, world }: Context, { dir, lock, lockBefore }: Outcome, version: string): Promise<void> {
  const before = lockBefore?.tmgen
  if (before === version) ui.say(`this workspace is at tmgen ${version} already; the above is what apply does too`)
  else ui.say(`from tmgen ${before ?? 'of a version that is not recorded'} to ${version}`)
  const { backupNote } = await import('../archive/index.ts')
  const unsafe = await backupNote(await world(), dir, lock)
  if (unsafe !== undefined) ui.note(unsafe)
}

async function consent(context: Context, changes: readonly Change[], { yes }: ApplyOptions): Promise<void> {
  const isNothing = changes.every((change) => change.sign === '!' && !change.applies)
  if (yes || isNothing) return
  const prompts = await context.prompts()
  if (prompts === undefined)
    throw new TmgenError('usage', '--yes is missing: upgrade does what is shown above', {
      hint: 'look at it, then: tmgen upgrade --yes',
    })
  await agree(prompts, 'Containers that change are made anew, and their connections end. Go on?')
}
