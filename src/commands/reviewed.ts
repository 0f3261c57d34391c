import type { Command, Outcome, Step } from '../converge/index.ts'
import { printable } from '../ui/printable.ts'
import type { Context } from './context.ts'

/**
 * Runs the pipeline in two pieces with the review between them, so that neither spinner runs while a question is asked.
 * The plan that was shown is the one that is done: the run lock is held from before it was made.
 */
export async function reviewed<T>(
  context: Context,
  command: Omit<Command, 'review' | 'onStep' | 'onNote'>,
  review: (planned: Outcome) => Promise<T>,
): Promise<{ outcome: Outcome; review: T }> {
  const { pipeline } = await import('../converge/index.ts')
  const world = await context.world()
  const { ui } = context
  const planned = deferred<Outcome>()
  const agreed = deferred<void>()
  let show: (step: Step) => void = () => undefined
  const whole = pipeline(world, context.dir, {
    ...command,
    review: (outcome) => {
      planned.resolve(outcome)
      return agreed.promise
    },
    onStep: (step) => show(step),
    onNote: (note) => ui.note(printable(note)),
  })
  const plan = await ui.progress('comparing', () => Promise.race([planned.promise, whole]))
  let result: T
  try {
    result = await review(plan)
    agreed.resolve()
  } catch (error) {
    agreed.reject(error)
    await whole
    throw error
  }
  if (plan.steps.length === 0) return { outcome: await whole, review: result }
  const outcome = await ui.progress('applying', (say) => {
    show = (step) => say(step.title)
    return whole
  })
  return { outcome, review: result }
}

function deferred<T>() {
  let resolve: (value: T) => void = () => undefined
  let reject: (error: unknown) => void = () => undefined
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
