import { TmgenError } from '../errors.ts'
import type { Deployment } from '../resolve/types.ts'
import { printable } from '../ui/printable.ts'
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
  const { inspect, hostState } = await import('../converge/index.ts')
  const { dir, deployment, lock } = await inspect(world, context.dir, 'no')
  const state = deployment.host === 'remote' ? 'here' : await hostState(world, dir, lock.workspace)
  if (state === 'here' || state === 'unknown') {
    if (options.json) ui.json({ adopted: false, steps: [], notes: [] })
    else ui.say('nothing to do: this workspace belongs to this host')
    return undefined
  }
  const isKnown = await ui.progress('looking for the nodes', () => refuseOnline(context, world))
  if (!isKnown && !options.yes) await confirm(context, deployment)
  const outcome = await converge(context, 'taking over', { name: 'adopt', adopt: true, permits: 'local', remote: 'no' })
  tellOutcome(ui, outcome, options.json, { adopted: true })
  if (options.json) return undefined
  ui.done('this host has the workspace now')
  ui.say(`Next: ${nextUp('local')}`)
  return undefined
}

/** @returns whether the control plane could tell; throws TmgenError `host` where a node of ours is online */
async function refuseOnline(context: Context, world: World): Promise<boolean> {
  const { inspect, onlineNodes } = await import('../converge/index.ts')
  const { dir, deployment, observed } = await inspect(world, context.dir, 'no')
  const online = await onlineNodes(world, dir, deployment, observed)
  if (online === undefined) return false
  if (online.length === 0) return true
  const shown = online.slice(0, 3).join(', ')
  const names = online.length > 3 ? `${shown} and ${online.length - 3} more` : shown
  throw new TmgenError(
    'host',
    `still online: ${printable(names)}. The old host runs, and two with the same node keys fight`,
    {
      hint: 'stop it there: docker compose down (here too, if it was started); after a minute run tmgen adopt again',
    },
  )
}

async function confirm(context: Context, { control }: Deployment): Promise<void> {
  const why = `tmgen cannot ask the control plane (${control.provider}) whether the old host still runs`
  const prompts = await context.prompts()
  if (!prompts)
    throw new TmgenError('usage', `--yes is missing: ${why}`, {
      hint: 'make sure that the old stack is stopped, then: tmgen adopt --yes',
    })
  context.ui.say(`${why}: two hosts with the same node keys fight.`)
  await prompts.text('Type stopped when it is', {
    fault: (answer) => (answer === 'stopped' ? undefined : 'type stopped, or press Ctrl-C'),
  })
}
