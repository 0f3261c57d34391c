import { TmgenError } from '../errors.ts'
import type { Context } from './context.ts'
import { converge, nextUp, tellOutcome } from './outcome.ts'

/** `tmgen rotate NAME --password`: a new SMB password in place of the old one. */
export async function rotate(context: Context, name: string, options: { json?: boolean }): Promise<undefined> {
  const { ui } = context
  const { checkUser } = await import('../config/index.ts')
  const outcome = await converge(context, `a new password for ${name}`, {
    name: `rotate ${name} --password`,
    edit: (parsed) => {
      const [, user] = checkUser(parsed, name)
      if (!user.enabled)
        throw new TmgenError('usage', `${name} is disabled`, { hint: `first: tmgen enable user ${name}` })
      return parsed.text
    },
    newPasswords: [name],
    permits: 'local',
    remote: 'no',
  })
  tellOutcome(ui, outcome, options.json, { user: name })
  if (options.json) return undefined
  const { host, users } = outcome.deployment
  const user = users.find((one) => one.name === name)
  ui.say(`Next: ${nextUp(host)} (restarts the share of ${name} alone; until then the old password counts)`)
  ui.say(
    `Then on each Mac of ${name}: Time Machine asks for the password of ${user?.hostname}; where it does not, remove`,
  )
  ui.say(`the disk in its settings and add it again: the backups are kept. The new one: tmgen guide ${name} --password`)
  return undefined
}
