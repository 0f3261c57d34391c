import { TmgenErrors } from '../errors.ts'
import { makeError } from './fault.ts'
import { nearest } from './issues.ts'
import type { ParsedConfig } from './parse.ts'
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
