import { TmgenError } from '../errors.ts'
import type { Secret } from '../secret.ts'
import type { Context } from './context.ts'
import { gatewayStatus } from './gateway-status.ts'
import { look, userOf } from './look.ts'
import { nodeOf } from './rows.ts'

/** `tmgen guide NAME`: Markdown on stdout; the password on request, and on a terminal only. */
export async function showGuide(
  context: Context,
  name: string,
  options: { restore?: boolean; password?: boolean },
): Promise<undefined> {
  if (options.password && context.io.stdout.isTTY !== true) {
    throw new TmgenError('usage', '--password prints a secret, and standard output is no terminal', {
      hint: 'run it on a terminal, without a pipe or a redirection',
    })
  }
  const world = await context.world()
  const { deployment, observed, templates } = await look(context, 'read')
  const user = userOf(deployment, name)
  const dnsName = nodeOf(user, observed)?.dnsName ?? (await gatewayStatus(world, context.dir))?.nodes[name]?.dns_name
  const { guide } = await import('../render/index.ts')
  const password = options.password ? await readPassword(context, name) : undefined
  context.ui.data(
    guide(deployment, name, {
      templates,
      restore: options.restore === true,
      ...(dnsName ? { dnsName } : {}),
      ...(password ? { password } : {}),
    }),
  )
  return undefined
}

async function readPassword(context: Context, name: string): Promise<Secret> {
  const { readPasswords } = await import('../converge/index.ts')
  const password = (await readPasswords(await context.world(), context.dir, [name])).get(name)
  if (password) return password
  throw new TmgenError('secret', `${name} has no password yet`, { hint: 'tmgen generate makes it' })
}
