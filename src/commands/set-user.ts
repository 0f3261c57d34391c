import { TmgenError } from '../errors.ts'
import type { Context } from './context.ts'
import { converge, nextUp, tellOutcome } from './outcome.ts'

export interface SetUserOptions {
  rebind?: boolean
  json?: boolean
}

/** `tmgen set user NAME`: whatever the flags change of one user, in one run; asks no control plane. */
export async function setUser(context: Context, name: string, options: SetUserOptions): Promise<undefined> {
  const { ui } = context
  if (!options.rebind)
    throw new TmgenError('usage', 'nothing to set', { hint: `tmgen set user ${name} --rebind; see --help` })
  const { checkUser } = await import('../config/index.ts')
  const outcome = await converge(context, `changing ${name}`, {
    name: `set user ${name} --rebind`,
    edit: (parsed) => {
      checkUser(parsed, name)
      return parsed.text
    },
    rebind: [name],
    permits: 'local',
    remote: 'no',
  })
  tellOutcome(ui, outcome, options.json, { user: name, rebind: true })
  if (options.json) return undefined
  const { host } = outcome.deployment
  if (host === 'remote') ui.say(`Next: ${nextUp(host)}`)
  ui.say(
    `The gateway forgets whose the logins of ${name} were; whoever connects with each of them next has it from then on.`,
  )
  return undefined
}
