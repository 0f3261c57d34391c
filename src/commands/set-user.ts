import { TmgenError } from '../errors.ts'
import type { Deployment } from '../resolve/types.ts'
import type { Context } from './context.ts'
import { converge, nextUp, tellOutcome } from './outcome.ts'
import { policyFollows } from './policy.ts'

export interface SetUserOptions {
  rebind?: boolean
  quota?: string
  mac?: string
  login?: string[]
  addLogin?: string[]
  removeLogin?: string[]
  json?: boolean
}

/**
 * `tmgen set user NAME`: whatever the flags change of one user, in one run. Only logins ask the control plane; taking one
 * away works also while it does not answer.
 */
export async function setUser(context: Context, name: string, options: SetUserOptions): Promise<undefined> {
  const { ui } = context
  const { rebind = false, quota, mac, login, addLogin, removeLogin } = options
  const givesAccess = login !== undefined || addLogin !== undefined
  const isAccess = givesAccess || removeLogin !== undefined
  if (mac !== undefined && quota === undefined)
    throw new TmgenError('usage', '--mac says whose quota it is: --quota is missing', {
      hint: `tmgen set user ${name} --mac ${mac} --quota 2T`,
    })
  if (!rebind && quota === undefined && !isAccess)
    throw new TmgenError('usage', 'nothing to set', {
      hint: `for example: tmgen set user ${name} --quota 2T; or --add-login, --rebind; see --help`,
    })
  const { checkNode, setUserText } = await import('../config/index.ts')
  const flags = ['rebind', 'quota', 'login', 'addLogin', 'removeLogin'] as const
  const given = flags.filter((flag) => options[flag] !== undefined)
  const change = {
    ...(quota === undefined ? {} : { quota }),
    ...(mac === undefined ? {} : { mac }),
    ...(login === undefined ? {} : { logins: login }),
    ...(addLogin === undefined ? {} : { addLogins: addLogin }),
    ...(removeLogin === undefined ? {} : { removeLogins: removeLogin }),
  }
  const outcome = await converge(context, `changing ${name}`, {
    name: `set user ${name} ${given.map((flag) => `--${flag.replace('Login', '-login')}`).join(' ')}`,
    edit: (parsed) => {
      // That is about a node, so also about the dashboard's.
      if (Object.keys(change).length > 0) return setUserText(parsed, name, change)
      checkNode(parsed, name)
      return parsed.text
    },
    ...(rebind ? { rebind: [name] } : {}),
    permits: isAccess ? 'access' : 'local',
    remote: givesAccess ? 'write' : isAccess ? 'read' : 'no',
    users: [name],
  })
  tellOutcome(ui, outcome, options.json, { user: name, rebind })
  if (options.json) return undefined
  const { deployment } = outcome
  if (outcome.steps.length === 0) ui.say('nothing to do')
  else if (quota !== undefined || deployment.host === 'remote') ui.say(`Next: ${nextUp(deployment.host)}`)
  if (isAccess) ui.say(accessFollows(deployment))
  if (rebind)
    ui.say(
      `The gateway forgets whose the logins of ${name} were; whoever connects with each of them next has it from then on.`,
    )
  return undefined
}

/** What the person has to do about the tailnet's policy after logins changed. */
function accessFollows({ control, host }: Deployment): string {
  const gateway =
    host === 'local' ? 'The gateway lets in by the new list at once.' : 'The gateway follows its new config.'
  return control.provider === 'embedded'
    ? gateway
    : `${gateway} The policy of the tailnet must follow: ${policyFollows(control.provider)}`
}
