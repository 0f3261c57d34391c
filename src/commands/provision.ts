import type { Outcome } from '../converge/index.ts'
import { TmgenError } from '../errors.ts'
import { few } from '../few.ts'
import { servedNodes } from '../resolve/nodes.ts'
import type { Context } from './context.ts'
import { readAuthKey } from './key-file.ts'
import { converge, tellOutcome } from './outcome.ts'
import { keyOf } from './rows.ts'

/** Names of nodes that have no key to join with. */
const withoutKey = ({ deployment, observed }: Outcome, now: Date): string[] =>
  servedNodes(deployment)
    .filter((node) => ['missing', 'expired'].includes(keyOf(node, observed, now).state))
    .map(({ name }) => name)

/** `tmgen provision [NAME]`: a new auth key where one is needed, or the one handed over. */
export async function provision(
  context: Context,
  name: string | undefined,
  options: { authKeyFile?: string; json?: boolean },
): Promise<undefined> {
  const { ui } = context
  if (options.authKeyFile !== undefined && name === undefined) {
    throw new TmgenError('usage', '--auth-key-file needs the name of the user whose key it is', {
      hint: 'tmgen provision NAME --auth-key-file FILE',
    })
  }
  const key = options.authKeyFile === undefined ? undefined : await readAuthKey(context, options.authKeyFile)
  const world = await context.world()
  const outcome = await converge(context, 'seeing to auth keys', {
    name: `provision${name === undefined ? '' : ` ${name}`}`,
    permits: 'all',
    remote: 'write',
    toleratesOvercommit: true,
    ...(name === undefined ? {} : { users: [name] }),
    ...(key && name !== undefined ? { keys: new Map([[name, key]]) } : {}),
  })
  tellOutcome(ui, outcome, options.json, { user: name ?? null })
  if (options.json) return undefined
  const missing = withoutKey(outcome, world.now())
  if (outcome.steps.length === 0)
    ui.say(missing.length === 0 ? 'nothing to do' : `nothing was done: ${few(missing)} still without an auth key`)
  else ui.say('The running gateway takes up new keys by itself.')
  return undefined
}
