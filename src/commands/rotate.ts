import type { ParsedConfig } from '../config/index.ts'
import { TmgenError } from '../errors.ts'
import type { Context } from './context.ts'
import { readAuthKey } from './key-file.ts'
import { converge, nextUp, tellOutcome } from './outcome.ts'

export interface RotateOptions {
  password?: boolean
  key?: boolean
  authKeyFile?: string
  json?: boolean
}

/** `tmgen rotate NAME --password | --key`: a new secret in place of the old one, and what the Macs have to do. */
export async function rotate(context: Context, name: string, options: RotateOptions): Promise<undefined> {
  const { checkNode, checkUser } = await import('../config/index.ts')
  const served = (parsed: ParsedConfig): string => {
    const { enabled } = options.password ? checkUser(parsed, name)[1] : checkNode(parsed, name)
    if (!enabled) throw new TmgenError('usage', `${name} is disabled`, { hint: `first: tmgen enable user ${name}` })
    return parsed.text
  }
  if (options.password) return rotatePassword(context, name, options, served)
  if (options.key) return rotateKey(context, name, options, served)
  throw new TmgenError('usage', 'what is to be new? --password or --key is missing', {
    hint: `tmgen rotate ${name} --password, or --key for the node in the tailnet`,
  })
}

type Served = (parsed: ParsedConfig) => string

async function rotatePassword({ ui, ...rest }: Context, name: string, options: RotateOptions, served: Served) {
  const outcome = await converge({ ui, ...rest }, `a new password for ${name}`, {
    name: `rotate ${name} --password`,
    edit: served,
    newPasswords: [name],
    permits: 'local',
    remote: 'no',
    toleratesOvercommit: true,
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

/** The old node goes first, then the gateway enrols a new one of the same name with a new auth key. */
async function rotateKey(context: Context, name: string, options: RotateOptions, served: Served) {
  const { ui } = context
  const { authKeyFile } = options
  const key = authKeyFile === undefined ? undefined : await readAuthKey(context, authKeyFile)
  let isManual = false
  const outcome = await converge(context, `a new node key for ${name}`, {
    name: `rotate ${name} --key`,
    edit: (parsed) => {
      isManual = parsed.config.control.provider === 'manual'
      if (isManual && key === undefined)
        throw new TmgenError('usage', '--auth-key-file is missing: with provider manual, tmgen makes no keys', {
          hint: `tmgen rotate ${name} --key --auth-key-file FILE`,
        })
      return served(parsed)
    },
    rekey: name,
    permits: 'all',
    remote: 'write',
    users: [name],
    ...(key ? { keys: new Map([[name, key]]) } : {}),
  })
  tellOutcome(ui, outcome, options.json, { user: name })
  if (options.json) return undefined
  const node = `tm-${name}`
  ui.say(`The running gateway enrols ${node} again by itself: a new node with the same name, and another IP address.`)
  if (isManual)
    ui.say(
      `Where the old node ${node} was still in your control plane, the new one is named ${node}-1: rename it there.`,
    )
  if (outcome.deployment.dashboard?.name === name) return undefined
  ui.say(`On the Macs of ${name}: nothing to do where the disk is added by name (smb://${node}...), as the guide does;`)
  ui.say('one that was added by IP address needs the new one: tmgen list. A running backup is cut once and goes on.')
  return undefined
}
