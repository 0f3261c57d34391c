import { isDeepStrictEqual } from 'node:util'
import { isMap, isSeq } from 'yaml'
import { TmgenErrors } from '../errors.ts'
import { makeError, splitHint } from './fault.ts'
import { checkUser } from './find-user.ts'
import { firstOfEach, showPath } from './issues.ts'
import { type ParsedConfig, parseConfig } from './parse.ts'
import type { Path } from './places.ts'
import { type Config, type NewMac, type NewUser, userSchema } from './schema.ts'
import { appendItem, applySplices, firstUser, type Splice } from './splice.ts'

/**
 * The text of tmgen.yaml with one more user. Every byte outside the insertion stays (an empty `users: []` becomes a block list).
 * Throws TmgenErrors `config-invalid` for a user that exists or is not valid, and whatever the new config has wrong as a whole.
 */
export function addUserText(parsed: ParsedConfig, user: NewUser): string {
  const existing = parsed.config.users.findIndex((u) => u.name === user.name)
  if (existing >= 0) {
    refuse(`user "${user.name}" exists already`, 'tmgen add mac adds a Mac', parsed, ['users', existing, 'name'])
  }
  const added = validUser(user)
  const list = parsed.places.node(['users'])
  const root = parsed.places.node([])
  const ways =
    isSeq(list) && list.items.length > 0
      ? appendItem(parsed.text, list, user)
      : isMap(root)
        ? firstUser(parsed.text, root, user)
        : []
  return choose(parsed, ways, { ...parsed.config, users: [...parsed.config.users, added] }, 'users')
}

/** The text of tmgen.yaml with one more Mac of a user; as addUserText. */
export function addMacText(parsed: ParsedConfig, userName: string, mac: NewMac): string {
  const [index, user] = checkUser(parsed, userName)
  const existing = user.macs.findIndex((m) => m.name === mac.name)
  if (existing >= 0) {
    refuse(`"${userName}" has a Mac "${mac.name}" already`, 'give the new one another name', parsed, [
      'users',
      index,
      'macs',
      existing,
      'name',
    ])
  }
  const [added] = validUser({ name: userName, macs: [mac] }).macs
  const list = parsed.places.node(['users', index, 'macs'])
  const wanted = structuredClone(parsed.config)
  if (added) wanted.users[index]?.macs.push(added)
  return choose(
    parsed,
    isSeq(list) ? appendItem(parsed.text, list, mac) : [],
    wanted,
    showPath(['users', index, 'macs']),
  )
}

/** The first way whose text reads back as exactly the wanted config. */
export function choose(parsed: ParsedConfig, ways: Splice[][], wanted: Config, where: string): string {
  let refused: TmgenErrors | undefined
  for (const splices of ways) {
    const text = applySplices(parsed.text, splices)
    try {
      const { config } = parseConfig(new TextEncoder().encode(text), parsed.file)
      if (isDeepStrictEqual(config, wanted)) return text
    } catch (error) {
      if (!(error instanceof TmgenErrors)) throw error
      // A place that makes no YAML is the wrong place; values that do not fit are the person's to hear of.
      if (error.errors.every((e) => e.code !== 'config-syntax')) refused ??= error
    }
  }
  if (refused) throw refused
  return refuse(
    `cannot change ${where} without rewriting the file`,
    'change it by hand, then run tmgen generate',
    parsed,
    ['users'],
  )
}

function validUser(user: NewUser): Config['users'][number] {
  const result = userSchema.safeParse(user)
  if (result.success) return result.data
  throw new TmgenErrors(
    firstOfEach(result.error.issues).map((issue) => {
      const [message, hint] = splitHint(issue.message)
      return makeError('config-invalid', `${showPath(issue.path)} ${message}`, undefined, hint)
    }),
  )
}

/** Throws TmgenErrors `config-invalid`. */
export function refuse(message: string, hint: string, parsed?: ParsedConfig, path: Path = []): never {
  throw new TmgenErrors([makeError('config-invalid', message, parsed?.placeOf(path), hint)])
}
