import type { Change, Outcome } from '../converge/index.ts'
import { printable } from '../ui/printable.ts'
import type { Context } from './context.ts'
import { converge } from './outcome.ts'
import { planLines, summary } from './plan-text.ts'

/** What could not be looked at, so that nothing is known of it. */
type Unseen = 'control-plane' | 'containers' | 'host'

/** Notes shown one by one: 200 new people without a key would be as many. */
const mostNotes = 12

/** Colours of the signs on a terminal. */
const colours = { '+': 'green', '~': 'yellow', '-': 'red', '!': 'red' } as const

/** Plan lines, coloured by their sign where `colour` says so. */
export function paintPlan({ ui }: Context, changes: readonly Change[], colour: boolean): string {
  const lines = planLines(changes).map((line) => {
    const sign = line.trimStart()[0] as keyof typeof colours
    return colour && colours[sign] ? ui.paint[colours[sign]](line) : line
  })
  return lines.join('\n')
}

/** `tmgen plan`: the changes on stdout, what could not be looked at on stderr. Writes nothing. */
export async function showPlan(
  context: Context,
  options: { detailedExitcode?: boolean; json?: boolean },
): Promise<number> {
  const { io, ui } = context
  const world = await context.world()
  const outcome = await converge(context, 'comparing', {
    name: 'plan',
    permits: 'all',
    remote: 'read',
    stack: true,
    checkOnly: true,
    tellRefusals: true,
  })
  const { changesOf, notesBeside, orphansNote } = await import('../converge/index.ts')
  const changes = changesOf(outcome, world.now())
  const notes = [...notesBeside(outcome), ...orphansNote(outcome, world.now())]
  const unseen = unseenOf(outcome)
  if (options.json) ui.json({ changes, notes, unseen })
  else {
    if (changes.length > 0) ui.data(paintPlan(context, changes, io.stdout.isTTY === true))
    for (const note of fewNotes(notes)) ui.note(note)
    ui.say(ending(changes, unseen, outcome.refusals.length > 0))
  }
  if (options.detailedExitcode !== true) return 0
  // An unseen control plane must not pass for one that is as it should be.
  return changes.length > 0 ? 2 : unseen.includes('control-plane') ? 1 : 0
}

/** Notes as they may be shown; of many the first ones. */
export function fewNotes(notes: readonly string[]): string[] {
  const shown = notes.slice(0, mostNotes).map(printable)
  return notes.length <= mostNotes
    ? shown
    : [...shown, `... and ${notes.length - mostNotes} more notes (--json has all)`]
}

function unseenOf({ deployment, observed }: Outcome): Unseen[] {
  const unseen: Unseen[] = observed.remote === undefined ? ['control-plane'] : []
  if (deployment.host === 'remote') unseen.push('host')
  if (observed.stack === undefined) unseen.push('containers')
  return unseen
}

function ending(changes: readonly Change[], unseen: readonly Unseen[], isRefused: boolean): string {
  if (changes.length === 0) return unseen.length === 0 ? 'nothing to do' : 'nothing to do, as far as could be looked at'
  if (isRefused) return `${summary(changes)}; apply refuses until what is marked ! is put right`
  const isForApply = changes.some((change) => change.sign !== '!' || change.applies)
  return `${summary(changes)}${isForApply ? ': tmgen apply' : ''}`
}
