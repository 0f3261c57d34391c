import { resolve } from 'node:path'
import { TmgenError } from '../errors.ts'
import type { Context } from './context.ts'
import { look, userOf } from './look.ts'

/** `tmgen invite NAME`: a single-use key for one Mac, on a terminal or into a file of mode 0600; nowhere else. */
export async function invite(
  context: Context,
  name: string,
  options: { login?: string; keyFile?: string },
): Promise<undefined> {
  const { io, ui } = context
  if (options.keyFile === undefined && io.stdout.isTTY !== true) {
    throw new TmgenError('usage', 'a join key is a secret, and standard output is no terminal', {
      hint: 'run it on a terminal, or give --key-file FILE',
    })
  }
  const { deployment } = await look(context, 'no')
  const user = userOf(deployment, name)
  const { control, controlUrl } = deployment
  if (control.provider !== 'embedded' && control.provider !== 'headscale') {
    throw new TmgenError('usage', `provider ${control.provider} has no join keys that tmgen could make`, {
      hint: `${name} signs in to the tailnet as ${user.logins[0] ?? 'usual'}`,
    })
  }
  const login = options.login ?? user.logins[0]
  if (login === undefined || !user.logins.includes(login)) {
    throw new TmgenError('usage', `${login ?? name} is no login of ${name}`, {
      hint: user.logins.length > 0 ? `logins: ${user.logins.join(', ')}` : `add one under users in tmgen.yaml`,
    })
  }
  const world = await context.world()
  if (options.keyFile !== undefined && (await world.disk.stat(resolve(io.cwd, options.keyFile)))) {
    throw new TmgenError('usage', `--key-file ${options.keyFile}: exists already`, { hint: 'name a new file' })
  }
  const [{ makeProvider }, { durationSeconds }] = await Promise.all([
    import('../control/index.ts'),
    import('../config/index.ts'),
  ])
  const provider = makeProvider(deployment, { world, workspaceDir: context.dir })
  const { key, expires } = await ui.progress(`making a join key for ${login}`, () =>
    provider.mintJoinKey({ user: login, expirySeconds: durationSeconds(control.keyExpiry) }),
  )
  if (options.keyFile === undefined) ui.data(key.reveal())
  else await world.disk.writeFile(resolve(io.cwd, options.keyFile), `${key.reveal()}\n`, 0o600)
  if (options.keyFile !== undefined) ui.done(`wrote the key to ${options.keyFile}`)
  ui.say(`It joins one Mac of ${name} to ${controlUrl}, once, until ${expires.toISOString()}: tmgen guide ${name}`)
  return undefined
}
