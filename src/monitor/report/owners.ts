import type { Told } from '../alerts/index.ts'
import type { History } from '../history/index.ts'
import type { Settings } from '../settings.ts'

/**
 * Where a name is another person's now, all that is remembered under it goes: nobody is told what became of Macs that
 * were never theirs.
 */
export function forgetFormer(history: History, { users }: Settings): void {
  const before = (history.remembered('owners') ?? {}) as Record<string, string>
  const after = { ...before, ...Object.fromEntries(users.map(({ name, id }) => [name, id])) }
  if (JSON.stringify(after) === JSON.stringify(before)) return
  const changed = users.filter(({ name, id }) => before[name] !== undefined && before[name] !== id)
  for (const { name } of changed) {
    history.forget((subject) => subject === `node:${name}` || subject.startsWith(`mac:${name}/`))
    const watched = (history.remembered('watched') ?? {}) as Record<string, number>
    history.remember(
      'watched',
      Object.fromEntries(Object.entries(watched).filter(([key]) => !key.startsWith(`${name}/`))),
    )
    const told = (history.remembered('told') ?? []) as Told[]
    history.remember(
      'told',
      told.filter(({ finding }) => finding.user !== name),
    )
  }
  history.remember('owners', after)
}
