import { TmgenError } from '../errors.ts'
import { checkControl } from './check-control.ts'
import { checkMonitor } from './check-monitor.ts'
import { checkNetwork } from './check-network.ts'
import { showPath } from './issues.ts'
import type { Path, Places } from './places.ts'
import type { Config, ConfigUser } from './schema.ts'

/** The parts of a config that are valid by themselves; the cross checks run on these even when others are not. */
export interface Parts {
  control?: Config['control']
  storage?: Config['storage']
  network?: Config['network']
  gateway?: Config['gateway']
  monitor?: Config['monitor']
  dashboard?: Config['dashboard']
  /** By index in `users`; holes where an entry is invalid. */
  users: (ConfigUser | undefined)[]
  /** Names by index in `users`, also of invalid entries. */
  names: (string | undefined)[]
}

/** Adds an error at a path; the message follows the path. */
export type Report = (
  path: Path,
  message: string,
  hint: string,
  code?: 'config-invalid' | 'capacity' | 'storage',
) => void

/** The checks that span several values; everything lexical, nothing asks the host. */
export function checkParts(parts: Parts, places: Places): TmgenError[] {
  const errors: TmgenError[] = []
  const report: Report = (path, message, hint, code = 'config-invalid') => {
    errors.push(new TmgenError(code, `${showPath(path)} ${message}`, { place: places.of(path), hint }))
  }
  if (parts.control) checkControl(parts.control, report)
  if (parts.network) checkNetwork(parts.network, parts, report)
  if (parts.monitor) checkMonitor(parts.monitor, parts.users, report)
  checkUsers(parts, places, report)
  eachTwice(
    parts.dashboard?.operators ?? [],
    (value) => value,
    (value, i) => report(['dashboard', 'operators', i], `"${value}" stands twice`, 'delete one'),
  )
  checkStorage(parts, places, report)
  return errors
}

function checkUsers(parts: Parts, places: Places, report: Report): void {
  const line = (path: Path): number => places.of(path).line
  eachTwice(
    parts.names,
    (name) => name,
    (name, index, first) =>
      report(
        ['users', index, 'name'],
        `"${name}" stands twice; first on line ${line(['users', first, 'name'])}`,
        'a person has one entry with all their Macs; rename or merge',
      ),
  )
  for (const [index, user] of parts.users.entries()) {
    if (!user) continue
    const at: Path = ['users', index]
    eachTwice(
      user.macs,
      (m) => m.name,
      (name, i, first) =>
        report(
          [...at, 'macs', i, 'name'],
          `"${name}" stands twice; first on line ${line([...at, 'macs', first, 'name'])}`,
          'each Mac of a person needs a name of its own',
        ),
    )
    for (const key of ['logins', 'tags'] as const) {
      eachTwice(
        user[key],
        (value) => value,
        (value, i) => report([...at, key, i], `"${value}" stands twice`, 'delete one'),
      )
    }
    if (user.enabled && user.logins.length === 0 && user.tags.length === 0) {
      report(
        at,
        `("${user.name}") has no login and no tag: nobody could connect`,
        'add logins: [alice@example.com], or enabled: false',
      )
    }
  }
}

/** Calls `found` for each item whose key an earlier item has. */
function eachTwice<T>(
  items: readonly T[],
  keyOf: (item: T) => string | undefined,
  found: (key: string, index: number, first: number) => void,
): void {
  const seen = new Map<string, number>()
  for (const [index, item] of items.entries()) {
    const key = keyOf(item)
    if (key === undefined) continue
    const first = seen.get(key)
    if (first === undefined) seen.set(key, index)
    else found(key, index, first)
  }
}

/** No two users may share a folder or lie inside each other's; linear in the length of all paths. */
function checkStorage(parts: Parts, places: Places, report: Report): void {
  const owners = new Map<string, number>()
  const entries: [number, string][] = []
  for (const [index, user] of parts.users.entries()) {
    const path = user?.storage ?? (user && parts.storage ? `${parts.storage.root}/${user.name}` : undefined)
    if (path === undefined) continue
    const first = owners.get(path)
    if (first === undefined) owners.set(path, index)
    // Two users of one name are reported as such.
    else if (parts.users[first]?.name !== user?.name) clash(index, first, path, 'is also the storage of')
    entries.push([index, path])
  }
  for (const [index, path] of entries) {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const outer = owners.get(path.slice(0, end))
      if (outer !== undefined && outer !== index) clash(index, outer, path, 'lies inside the storage of')
    }
  }

  function clash(index: number, other: number, path: string, how: string): void {
    const name = parts.users[other]?.name ?? ''
    const line = places.of(['users', other, 'storage']).line
    report(
      ['users', index, 'storage'],
      `(${path}) ${how} "${name}" (line ${line})`,
      'give each user a folder of their own',
      'storage',
    )
  }
}
