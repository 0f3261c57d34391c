import { resolve } from 'node:path'
import { TmgenError } from '../errors.ts'
import type { Context } from './context.ts'
import { joinLogin, mintJoinKey } from './join-key.ts'
import { look, userOf } from './look.ts'

/** `tmgen invite NAME`: a single-use key for one Mac, on a terminal or into a file of mode 0600; nowhere else. */
export async function invite(
  context: Context,
  name: string,
  options: { login?: string; keyFile?: string },
): Promise<undefined> {
  const { io, ui } = context
  const file = options.keyFile === undefined ? undefined : resolve(io.cwd, options.keyFile)
  if (file === undefined && io.stdout.isTTY !== true) {
    throw new TmgenError('usage', 'a join key is a secret, and standard output is no terminal', {
      hint: 'run it on a terminal, or give --key-file FILE',
    })
  }
  const { deployment } = await look(context, 'no')
  const login = joinLogin(deployment, userOf(deployment, name), options.login)
  const world = await context.world()
  if (file !== undefined && (await world.disk.stat(file))) {
    throw new TmgenError('usage', `--key-file ${options.keyFile}: exists already`, { hint: 'name a new file' })
  }
  const { key, expires } = await mintJoinKey(context, deployment, login)
  if (file === undefined) ui.data(key.reveal())
  else {
    await world.disk.writeFile(file, `${key.reveal()}\n`, 0o600)
    ui.done(`wrote the key to ${options.keyFile}`)
  }
  const until = expires.toISOString()
  ui.say(`It joins one Mac of ${name} to ${deployment.controlUrl}, once, until ${until}: tmgen guide ${name}`)
  return undefined
}
