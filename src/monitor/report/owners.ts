import type { Told } from '../alerts/index.ts'
import type { History } from '../history/index.ts'
import type { Settings } from '../settings.ts'

/** What is remembered of one person or Mac: `node:NAME`, `mac:NAME/MAC`. */
const personal = new Set(['node', 'seen', 'serves', 'state', 'mac', 'verified'])

type Users = Settings['users']
/** Whose a name was: ids by name. */
type Owners = Record<string, string>

/**
 * What is remembered follows the person, whose id stays, to another name. Where a name is another person's now, all that
 * is remembered under it goes: nobody sees or is told what became of Macs that were never theirs.
 */
export function followOwners(history: History, { users }: Settings): void {
  const before = (history.remembered('owners') ?? {}) as Owners
  const label = labels(before, users)
  if (Object.keys(before).some((name) => label(name) !== name)) {
    history.relabel((subject) => {
      const [kind = '', about] = subject.split(':', 2)
      if (about === undefined || !personal.has(kind)) return subject
      const now = label(about)
      return now && `${kind}:${now}`
    })
    for (const subject of ['watched', 'states']) {
      const all = Object.entries(history.remembered(subject) ?? {})
      const kept = all.flatMap(([about, value]) => {
        const now = label(about)
        return now === undefined ? [] : [[now, value] as const]
      })
      history.remember(subject, Object.fromEntries(kept))
    }
    const told = (history.remembered('told') ?? []) as Told[]
    const isStill = ({ finding: { user } }: Told) => user === undefined || label(user) === user
    history.remember('told', told.filter(isStill))
  }
  const served = Object.fromEntries(users.map(({ name, id }) => [name, id]))
  const ids = new Set(Object.values(served))
  const absent = Object.entries(before).filter(([name, id]) => !Object.hasOwn(served, name) && !ids.has(id))
  const after = { ...Object.fromEntries(absent), ...served }
  if (JSON.stringify(after) !== JSON.stringify(before)) history.remember('owners', after)
}

/** Says what `NAME` or `NAME/MAC` of before is called now; `undefined`: the name is somebody else's. */
function labels(before: Owners, users: Users): (about: string) => string | undefined {
  const nameOf = new Map(users.map(({ name, id }) => [id, name]))
  const taken = new Set(users.map(({ name }) => name))
  return (about) => {
    const [name = '', ...mac] = about.split('/')
    const id = Object.hasOwn(before, name) ? before[name] : undefined
    if (id === undefined) return about
    // Who is not served now keeps what is theirs, as long as nobody else has the name.
    const now = nameOf.get(id) ?? (taken.has(name) ? undefined : name)
    return now && [now, ...mac].join('/')
  }
}
