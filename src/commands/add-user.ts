import type { Context } from './context.ts'
import { readAuthKey } from './key-file.ts'
import { converge, nextUp, tellOutcome } from './outcome.ts'

export interface AddUserOptions {
  login?: string[]
  tag?: string[]
  mac?: string[]
  quota?: string
  storage?: string
  authKeyFile?: string
  json?: boolean
}

/** Share of a person whose Macs are not named. */
const onlyMac = 'mac'

/** `tmgen add user NAME`: the edit of tmgen.yaml, and all that follows for this one user. */
export async function addUser(context: Context, name: string, options: AddUserOptions): Promise<undefined> {
  const { ui } = context
  const { addUserText } = await import('../config/index.ts')
  const quota = options.quota === undefined ? {} : { quota: options.quota }
  const user = {
    name,
    ...(options.login ? { logins: options.login } : {}),
    ...(options.tag ? { tags: options.tag } : {}),
    macs: (options.mac ?? [onlyMac]).map((mac) => ({ name: mac, ...quota })),
    ...(options.storage === undefined ? {} : { storage: options.storage }),
  }
  const key = options.authKeyFile === undefined ? undefined : await readAuthKey(context, options.authKeyFile)
  const outcome = await converge(context, `adding ${name}`, {
    name: `add user ${name}`,
    edit: (parsed) => addUserText(parsed, user),
    permits: 'all',
    remote: 'write',
    users: [name],
    ...(key ? { keys: new Map([[name, key]]) } : {}),
  })
  tellOutcome(ui, outcome, options.json, { user: name })
  if (options.json) return undefined
  ui.say(`Next: ${nextUp(outcome.deployment.host)}`)
  ui.say(`Then: tmgen guide ${name}`)
  return undefined
}
