import { TmgenError } from '../errors.ts'
import type { Context } from './context.ts'
import { readAuthKey } from './key-file.ts'
import { converge, tellOutcome } from './outcome.ts'

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
  if (outcome.steps.length === 0) ui.say('nothing to do')
  else ui.say('The running gateway takes up new keys by itself.')
  return undefined
}
