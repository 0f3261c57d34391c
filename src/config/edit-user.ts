import { isMap, type YAMLMap } from 'yaml'
import { choose, refuse } from './edit.ts'
import { checkUser } from './find-user.ts'
import { nearest, showPath } from './issues.ts'
import { type ParsedConfig, parseConfig } from './parse.ts'
import type { Path } from './places.ts'
import type { Config, ConfigUser } from './schema.ts'
import type { Splice } from './splice.ts'
import { cutEntry, dropKey } from './splice-cut.ts'
import { setKey, setWords } from './splice-map.ts'

/** What of a user changes; what is absent stays. */
export interface UserChange {
  /** Quota of each Mac, or of `mac` alone. */
  quota?: string
  mac?: string
  /** Replace all logins; without it `addLogins` and `removeLogins` change them. */
  logins?: readonly string[]
  addLogins?: readonly string[]
  removeLogins?: readonly string[]
}

/**
 * The text of tmgen.yaml with one user changed. Every byte outside the changed values stays.
 * Throws TmgenErrors `config-invalid` for a user, Mac or login that is not there, and whatever the new config has wrong.
 */
export function setUserText(parsed: ParsedConfig, name: string, change: UserChange): string {
  const [index, user] = checkUser(parsed, name)
  const { quota, mac } = change
  let at = parsed
  if (quota !== undefined) {
    const macs = user.macs.map((one) => one.name)
    if (mac !== undefined && !macs.includes(mac))
      refuse(`"${name}" has no Mac "${mac}"`, nearest(mac, macs) ?? `Macs: ${macs.join(', ')}`, parsed, [
        'users',
        index,
        'macs',
      ])
    for (const [i, one] of user.macs.entries())
      if (mac === undefined || one.name === mac)
        at = edited(
          at,
          ['users', index, 'macs', i],
          (config) => {
            config.users[index]!.macs[i]!.quota = quota
          },
          (text, map) => setKey(text, map, 'quota', quota),
        )
  }
  const logins = loginsAfter(parsed, index, user, change)
  if (logins !== undefined)
    at = edited(
      at,
      ['users', index],
      (config) => {
        config.users[index]!.logins = logins
      },
      (text, map) => setWords(text, map, 'logins', logins),
    )
  return at.text
}

/** The text of tmgen.yaml with a user switched off or on; off and on again gives back the same bytes. */
export function enableUserText(parsed: ParsedConfig, name: string, enabled: boolean): string {
  const [index] = checkUser(parsed, name)
  return edited(
    parsed,
    ['users', index],
    (config) => {
      config.users[index]!.enabled = enabled
    },
    (text, map) => [...(enabled ? dropKey(text, map, 'enabled') : []), ...setKey(text, map, 'enabled', enabled)],
  ).text
}

/**
 * The text of tmgen.yaml with a user under another name.
 * @param storage written down where the folder stays, so that its place no longer follows from the name
 */
export function renameUserText(parsed: ParsedConfig, from: string, to: string, storage: string | undefined): string {
  const [index] = checkUser(parsed, from)
  const named = edited(
    parsed,
    ['users', index],
    (config) => {
      config.users[index]!.name = to
    },
    (text, map) => setKey(text, map, 'name', to),
  )
  if (storage === undefined) return named.text
  return edited(
    named,
    ['users', index],
    (config) => {
      config.users[index]!.storage = storage
    },
    (text, map) => setKey(text, map, 'storage', storage),
  ).text
}

/** The text of tmgen.yaml without a user; comments above the entry stay. As addUserText. */
export function removeUserText(parsed: ParsedConfig, name: string): string {
  const [index] = checkUser(parsed, name)
  const wanted = structuredClone(parsed.config)
  wanted.users.splice(index, 1)
  return choose(parsed, cutEntry(parsed.text, parsed.places.node(['users']), index), wanted, showPath(['users', index]))
}

/** Makes one edit of the mapping at `path`, if it changes anything, and reads the result back. */
function edited(
  parsed: ParsedConfig,
  path: Path,
  change: (config: Config) => void,
  ways: (text: string, map: YAMLMap) => Splice[][],
): ParsedConfig {
  const wanted = structuredClone(parsed.config)
  change(wanted)
  const map = parsed.places.node(path)
  if (JSON.stringify(wanted) === JSON.stringify(parsed.config)) return parsed
  const text = choose(parsed, isMap(map) ? ways(parsed.text, map) : [], wanted, showPath(path))
  return parseConfig(new TextEncoder().encode(text), parsed.file)
}

function loginsAfter(parsed: ParsedConfig, index: number, user: ConfigUser, change: UserChange): string[] | undefined {
  const { logins, addLogins = [], removeLogins = [] } = change
  if (logins !== undefined) return [...logins]
  if (addLogins.length === 0 && removeLogins.length === 0) return undefined
  const place: Path = ['users', index, 'logins']
  for (const login of removeLogins)
    if (!user.logins.includes(login))
      refuse(
        `"${user.name}" has no login "${login}"`,
        nearest(login, user.logins) ?? `logins: ${user.logins.join(', ') || 'none'}`,
        parsed,
        place,
      )
  for (const login of addLogins)
    if (user.logins.includes(login)) refuse(`"${user.name}" has the login "${login}" already`, '', parsed, place)
  return [...user.logins.filter((login) => !removeLogins.includes(login)), ...addLogins]
}
