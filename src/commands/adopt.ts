import { TmgenError } from '../errors.ts'
import { few } from '../few.ts'
import type { Deployment } from '../resolve/types.ts'
import { printable } from '../ui/printable.ts'
import { typeWord } from '../ui/prompts.ts'
import type { World } from '../world.ts'
import type { Context } from './context.ts'
import { converge, nextUp, tellOutcome } from './outcome.ts'

export interface AdoptOptions {
  yes?: boolean
  json?: boolean
}

/** `tmgen adopt`: this host runs the workspace from now on; refused while its nodes are online, for another one does. */
export async function adopt(context: Context, options: AdoptOptions): Promise<undefined> {
  const { ui } = context
  const world = await context.world()
  const { gatewayRefuses, inspect, hostState } = await import('../converge/index.ts')
  const { dir, deployment, lock } = await inspect(world, context.dir, 'no')
  const isLocal = deployment.host === 'local'
  const state = isLocal ? await hostState(world, dir, lock.workspace) : 'here'
  const isKnown = state === 'here' || state === 'unknown'
  if (isKnown && !(isLocal && (await gatewayRefuses(world, dir)))) {
    if (options.json) ui.json({ adopted: false, steps: [], notes: [] })
    else ui.say('nothing to do: this workspace belongs to this host')
    return undefined
  }
  const isSure = await ui.progress('looking for the nodes', () => refuseRunning(context, world))
  if (!isSure && !options.yes) await confirm(context, deployment)
  const outcome = await converge(context, 'taking over', { name: 'adopt', adopt: true, permits: 'local', remote: 'no' })
  tellOutcome(ui, outcome, options.json, { adopted: true })
  if (options.json) return undefined
  ui.done('this host has the workspace now')
  ui.say(`Next: ${nextUp('local')}`)
  return undefined
}

/** @returns whether that is sure; throws TmgenError `host` where a stack of this workspace runs somewhere */
async function refuseRunning(context: Context, world: World): Promise<boolean> {
  const { inspect, stillRunning } = await import('../converge/index.ts')
  const { dir, deployment, observed } = await inspect(world, context.dir, 'no')
  const { running, isSure } = await stillRunning(world, dir, deployment, observed)
  if (running.length === 0) return isSure
  throw new TmgenError('host', `still online: ${printable(few(running))}. Two stacks with the same node keys fight`, {
    hint: 'stop the one that runs: docker compose down, in its folder on its host; then, after a minute: tmgen adopt',
  })
}

async function confirm(context: Context, { control }: Deployment): Promise<void> {
  const why = `with provider ${control.provider}, tmgen cannot see whether the old host still runs`
  const prompts = await context.prompts()
  if (!prompts)
    throw new TmgenError('usage', `--yes is missing: ${why}`, {
      hint: 'make sure that the old stack is stopped, then: tmgen adopt --yes',
    })
  context.ui.say(`${why}: two hosts with the same node keys fight.`)
  await typeWord(prompts, 'Type stopped when it is', 'stopped')
}
