import { nearest } from '../config/index.ts'
import type { Inspection } from '../converge/index.ts'
import { TmgenError } from '../errors.ts'
import { few } from '../few.ts'
import type { DeployedUser, Deployment } from '../resolve/types.ts'
import { printable } from '../ui/printable.ts'
import type { Context } from './context.ts'

/** The workspace as it is, for commands that only show something. */
export async function look(context: Context, remote: 'no' | 'read'): Promise<Inspection> {
  const { inspect } = await import('../converge/index.ts')
  return inspect(await context.world(), context.dir, remote)
}

/**
 * That a command which needs the Docker host runs there.
 * @param command without `tmgen`
 * @throws TmgenError `usage`
 */
export function mustBeHere({ host }: Deployment, command: string): void {
  if (host === 'remote')
    throw new TmgenError('usage', `host: remote: tmgen ${command} works on the Docker host`, {
      hint: 'run it there, in its copy of the workspace',
    })
}

/** As userOf, and the user is served. */
export function servedUserOf(deployment: Deployment, name: string): DeployedUser {
  const user = userOf(deployment, name)
  if (user.enabled) return user
  throw new TmgenError('usage', `${name} is disabled: nothing of theirs is served or looked at`, {
    hint: `first: tmgen enable user ${name}`,
  })
}

/** A user by name; TmgenError `usage` names those that there are. */
export function userOf(deployment: Deployment, name: string): DeployedUser {
  const user = deployment.users.find((candidate) => candidate.name === name)
  if (user) return user
  const names = deployment.users.map((candidate) => candidate.name)
  throw new TmgenError('usage', `there is no user ${JSON.stringify(printable(name))} in tmgen.yaml`, {
    hint: names.length === 0 ? 'tmgen add user NAME adds one' : (nearest(name, names) ?? `users: ${few(names, 20)}`),
  })
}
