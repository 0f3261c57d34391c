import { TmgenErrors } from '../errors.ts'
import { makeError } from './fault.ts'
import { nearest } from './issues.ts'
import type { ParsedConfig } from './parse.ts'
import { dashboardName } from './rules.ts'
import type { ConfigUser } from './schema.ts'

/**
 * A user of the config and its index in `users`.
 * Throws TmgenErrors `config-invalid` for a name that is not there, with the nearest one as a hint.
 */
export function checkUser(parsed: Pick<ParsedConfig, 'config' | 'file'>, name: string): [number, ConfigUser] {
  const { users } = parsed.config
  const index = users.findIndex((user) => user.name === name)
  const user = users[index]
  if (user) return [index, user]
  const names = users.map((one) => one.name)
  const hint = nearest(name, names) ?? `users: ${names.join(', ') || 'none yet'}`
  throw new TmgenErrors([makeError('config-invalid', `no user "${name}" in ${parsed.file}`, undefined, hint)])
}

/**
 * Whether nodes of that name are served: of a user, or of the dashboard. As checkUser.
 */
export function checkNode(parsed: Pick<ParsedConfig, 'config' | 'file'>, name: string): { enabled: boolean } {
  if (name === dashboardName && parsed.config.dashboard !== undefined) return { enabled: true }
  return checkUser(parsed, name)[1]
}
