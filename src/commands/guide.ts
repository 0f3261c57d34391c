import { TmgenError } from '../errors.ts'
import type { Secret } from '../secret.ts'
import { gatewayStatus } from '../stack/gateway-status.ts'
import type { Context } from './context.ts'
import { joinLogin, mintJoinKey } from './join-key.ts'
import { look, userOf } from './look.ts'
import { nodeOf } from './rows.ts'

export interface GuideOptions {
  restore?: boolean
  password?: boolean
  invite?: boolean
}

/** `tmgen guide NAME`: Markdown on stdout; password and join key on request, and on a terminal only. */
export async function showGuide(context: Context, name: string, options: GuideOptions): Promise<undefined> {
  const secret = options.password ? '--password' : options.invite ? '--invite' : undefined
  if (secret !== undefined && context.io.stdout.isTTY !== true) {
    throw new TmgenError('usage', `${secret} prints a secret, and standard output is no terminal`, {
      hint: 'run it on a terminal, without a pipe or a redirection',
    })
  }
  const world = await context.world()
  const { deployment, observed, templates } = await look(context, 'read')
  const user = userOf(deployment, name)
  const dnsName = nodeOf(user, observed)?.dnsName ?? (await gatewayStatus(world, context.dir))?.nodes[name]?.dns_name
  const { guide } = await import('../render/index.ts')
  const password = options.password ? await readPassword(context, name) : undefined
  const joinKey = options.invite
    ? (await mintJoinKey(context, deployment, joinLogin(deployment, user, undefined))).key
    : undefined
  context.ui.data(
    guide(deployment, name, {
      templates,
      restore: options.restore === true,
      ...(dnsName ? { dnsName } : {}),
      ...(password ? { password } : {}),
      ...(joinKey ? { joinKey } : {}),
    }),
  )
  if (password === undefined && options.restore !== true)
    context.ui.note(`the password is not in it; give it by another way: tmgen guide ${name} --password`)
  return undefined
}

async function readPassword(context: Context, name: string): Promise<Secret> {
  const { readPasswords } = await import('../converge/index.ts')
  const password = (await readPasswords(await context.world(), context.dir, [name])).get(name)
  if (password) return password
  throw new TmgenError('secret', `${name} has no password yet`, { hint: 'tmgen generate makes it' })
}
