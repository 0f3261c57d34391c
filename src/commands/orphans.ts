import type { Orphan, Outcome } from '../converge/index.ts'
import { TmgenError } from '../errors.ts'
import { table } from '../ui/output.ts'
import { printable } from '../ui/printable.ts'
import { agree } from '../ui/prompts.ts'
import type { Context } from './context.ts'
import { converge } from './outcome.ts'
import { reviewed } from './reviewed.ts'

export interface OrphansOptions {
  remove?: readonly string[]
  yes?: boolean
  json?: boolean
}

/** `tmgen orphans`: what looks like ours in the control plane and belongs to nobody here; with --remove it goes, if named. */
export async function orphans(context: Context, options: OrphansOptions): Promise<undefined> {
  return options.remove === undefined ? list(context, options) : remove(context, options.remove, options)
}

async function list(context: Context, { json }: OrphansOptions): Promise<undefined> {
  const { ui } = context
  const outcome = await converge(context, 'looking', { ...asking, name: 'orphans', orphans: [], checkOnly: true })
  const found = await orphansOf(context, outcome)
  if (json) {
    ui.json({ orphans: found })
    return undefined
  }
  if (found.length === 0) {
    ui.say('none')
    return undefined
  }
  ui.data(rows(found))
  ui.say('Another workspace in the same tailnet has the same kind of names: look twice before you remove one.')
  const [idle] = found.filter((one) => !one.online)
  if (idle !== undefined) ui.say(`To remove one: tmgen orphans --remove ${printable(idle.id)}`)
  return undefined
}

/** The control plane alone: what this host has does not matter to it. */
const asking = { permits: 'orphans', remote: 'write' } as const

async function orphansOf(context: Context, { deployment, observed }: Outcome): Promise<Orphan[]> {
  if (deployment.control.provider === 'manual')
    throw new TmgenError('usage', 'provider manual: tmgen has no access to the control plane', {
      hint: 'look in its admin console for nodes tm-NAME of nobody in tmgen list',
    })
  const { findOrphans } = await import('../converge/index.ts')
  const world = await context.world()
  return observed.remote === undefined ? [] : findOrphans(deployment, observed.remote, observed, world.now())
}

const rows = (found: readonly Orphan[]) =>
  table(
    ['ID', 'NAME', 'TAG', 'ONLINE', 'WHY'],
    found.map(({ id, what, name, tag, online, why }) =>
      [id, what === 'key' ? `key for ${name}` : name, tag, what === 'key' ? '-' : online ? 'yes' : 'no', why].map(
        printable,
      ),
    ),
  )

async function remove(context: Context, wanted: readonly string[], options: OrphansOptions): Promise<undefined> {
  const { ui } = context
  const name = `orphans ${wanted.map((id) => `--remove ${id}`).join(' ')}`
  const { outcome } = await reviewed(context, { ...asking, name, orphans: wanted }, async (planned) => {
    const found = await orphansOf(context, planned)
    if (!options.json) ui.say(rows(found.filter(({ id }) => wanted.includes(id))))
    await consent(context, wanted, options)
  })
  if (options.json) ui.json({ removed: outcome.steps.map(({ kind, title }) => ({ kind, title })) })
  else for (const step of outcome.steps) ui.done(printable(step.title))
  return undefined
}

async function consent(context: Context, wanted: readonly string[], { yes }: OrphansOptions): Promise<void> {
  if (yes) return
  const prompts = await context.prompts()
  if (prompts === undefined)
    throw new TmgenError('usage', '--yes is missing: this removes the above from the tailnet', {
      hint: `look at it, then: tmgen orphans ${wanted.map((id) => `--remove ${id}`).join(' ')} --yes`,
    })
  await agree(prompts, 'Remove the above from the tailnet? A deleted node does not come back.')
}
