import { resolve } from 'node:path'
import { TmgenError, TmgenErrors } from '../errors.ts'
import { printable } from '../ui/printable.ts'
import type { Context } from './context.ts'
import { type InitOptions, initAnswers } from './init-answers.ts'
import { startEmbedded } from './start-embedded.ts'
import { chooseSubnet } from './subnet.ts'

/** `tmgen init [DIR]`: a new workspace; with the embedded provider also its control server, closed. */
export async function init(context: Context, folder: string | undefined, options: InitOptions): Promise<undefined> {
  const { ui } = context
  const dir = resolve(context.dir, folder ?? '.')
  const world = await context.world()
  const { initWorkspace, refuseExisting } = await import('../converge/index.ts')
  await refuseExisting(world, dir)
  const prompts = options.yes ? undefined : await context.prompts()
  const { workspace, storageRoot, control, operators } = await initAnswers(context, dir, options, prompts)
  const { subnet, notes } = options.subnet
    ? { subnet: options.subnet, notes: [] }
    : await chooseSubnet(world, options.host, workspace)
  const { newConfigText } = await import('../config/index.ts')
  const images = options.image ?? {}
  const { host } = options
  const text = asUsage(() => newConfigText({ workspace, control, storageRoot, subnet, host, images, operators }))
  const outcome = await initWorkspace(world, dir, text)
  for (const note of new Set([...notes, ...outcome.notes])) ui.note(printable(note))
  ui.done(`made the workspace ${workspace} in ${dir} (subnet ${subnet})`)
  if (control.provider === 'embedded') await startOrTell({ ...context, dir }, options)
  const add = 'tmgen add user NAME --login LOGIN --mac MAC'
  ui.say(dir === context.dir ? `Next: ${add}` : `Next: cd ${folder}\nThen: ${add}`)
  return undefined
}

/** A value that the config refuses came from a flag or an answer: there is no file yet to point at. */
function asUsage<T>(action: () => T): T {
  try {
    return action()
  } catch (error) {
    if (!(error instanceof TmgenErrors)) throw error
    const [first] = error.errors
    throw new TmgenError('usage', error.errors.map((one) => one.message).join('; '), {
      ...(first?.hint === undefined ? {} : { hint: first.hint }),
    })
  }
}

async function startOrTell(context: Context, options: InitOptions): Promise<void> {
  const isHere = options.start && options.host === 'local'
  if (isHere) await startEmbedded(context)
  else context.ui.note('start Headscale before you add users: docker compose up -d headscale')
}
