import type { Command, Outcome } from '../converge/index.ts'
import type { Ui } from '../ui/output.ts'
import { printable } from '../ui/printable.ts'
import type { Context } from './context.ts'

/** Runs the pipeline with progress. Notes of a run that fails are said too: they tell what was undone before. */
export async function converge(context: Context, title: string, command: Command): Promise<Outcome> {
  const { pipeline } = await import('../converge/index.ts')
  const world = await context.world()
  const early: string[] = []
  try {
    return await context.ui.progress(title, (show) =>
      pipeline(world, context.dir, {
        ...command,
        onStep: (step) => show(step.title),
        onNote: (note) => void early.push(note),
      }),
    )
  } catch (error) {
    for (const note of early) context.ui.note(printable(note))
    throw error
  }
}

/** Steps shown one by one; more (a first `generate` writes every build context) are counted. */
const mostSteps = 12

/** Says what a command did: as lines on stderr, or as JSON on stdout. Steps carry titles only, never contents. */
export function tellOutcome(ui: Ui, outcome: Outcome, json: boolean | undefined, extra: object = {}): void {
  const titles = outcome.steps.map((step) => step.title)
  if (json) {
    const steps = outcome.steps.map((step) => ({
      kind: step.kind,
      title: step.title,
      ...('path' in step ? { path: step.path } : {}),
      ...('user' in step ? { user: step.user } : {}),
    }))
    ui.json({ ...extra, steps, notes: outcome.notes })
    return
  }
  for (const title of titles.slice(0, mostSteps)) ui.done(printable(title))
  if (titles.length > mostSteps) ui.done(`... and ${titles.length - mostSteps} more files`)
  for (const note of outcome.notes) ui.note(printable(note))
}

/** The commands that put a change into effect. */
export function nextUp(host: 'local' | 'remote'): string {
  return host === 'local'
    ? 'docker compose up -d'
    : 'copy the workspace to the Docker host (not state/ and .env), and there: sudo sh generated/prepare.sh && docker compose up -d'
}
