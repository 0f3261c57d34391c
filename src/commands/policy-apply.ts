import type { Outcome, Step } from '../converge/index.ts'
import { TmgenError } from '../errors.ts'
import { lineDiff } from '../ui/diff.ts'
import { printable } from '../ui/printable.ts'
import { agree, typeWord } from '../ui/prompts.ts'
import type { Context } from './context.ts'
import { reviewed } from './reviewed.ts'

export interface PolicyApplyOptions {
  yes?: boolean
  /** Agrees to a change that concerns everybody in the tailnet. */
  tailnetWide?: boolean
  json?: boolean
}

type PolicyStep = Extract<Step, { kind: 'write-policy' }>
type Everybody = 'closes' | 'opens'

/** How often a policy that changed meanwhile is read again. */
const mostTries = 3

const wide: Record<Everybody, string> = {
  closes:
    'the policy has no rule so far, which allows everything: with these, all that no rule allows ends for everybody in the tailnet',
  opens: 'without these the policy has no rule left: everything is allowed then, for everybody in the tailnet',
}

/**
 * `tmgen policy apply`: our tag owners, rules and tests into the tailnet's policy, every other byte kept. Shows the
 * difference and asks; a policy that somebody changed meanwhile is read, shown and asked about again.
 */
export async function policyApply(context: Context, options: PolicyApplyOptions): Promise<undefined> {
  for (let left = mostTries - 1; ; left--) {
    try {
      return await once(context, options)
    } catch (error) {
      if (!(error instanceof TmgenError) || error.code !== 'control-changed' || left === 0) throw error
      context.ui.note(`${error.message}: it is read again`)
    }
  }
}

async function once(context: Context, options: PolicyApplyOptions): Promise<undefined> {
  const { ui, io } = context
  const command = { name: 'policy apply', permits: 'policy', remote: 'write' } as const
  const { outcome, review: diff } = await reviewed(context, command, async (planned) => {
    const step = stepOf(planned)
    if (step === undefined) return ''
    const before = step.over === undefined ? planned.observed.remote?.policy?.text : step.over.before
    const found = lineDiff(before ?? '', step.text)
    ui.say(paint(context, found, io.stderr.isTTY === true))
    await consent(context, step, options)
    return found
  })
  const step = stepOf(outcome)
  if (options.json) {
    ui.json({ changed: step !== undefined, everybody: step?.over?.everybody ?? null, diff, notes: outcome.notes })
    return undefined
  }
  for (const note of outcome.notes) ui.note(printable(note))
  if (step === undefined) ui.say('nothing to do')
  else ui.done('the tailnet policy is written; tmgen policy check says whether it isolates')
  return undefined
}

const stepOf = ({ steps }: Outcome) => steps.find((step): step is PolicyStep => step.kind === 'write-policy')

function paint({ ui }: Context, diff: string, colour: boolean): string {
  const of = { '+': ui.paint.green, '-': ui.paint.red, '@': ui.paint.dim } as const
  return diff
    .split('\n')
    .map((line) => {
      // Policies are indented by tabs as often as not.
      const safe = line.split('\t').map(printable).join('\t')
      const brush = of[line[0] as keyof typeof of]
      return colour && brush ? brush(safe) : safe
    })
    .join('\n')
}

/** The change itself is agreed to by --yes; one that concerns everybody needs to be told twice. */
async function consent(context: Context, step: PolicyStep, { yes, tailnetWide }: PolicyApplyOptions): Promise<void> {
  const everybody = step.over?.everybody
  if (yes && (everybody === undefined || tailnetWide)) return
  const prompts = yes ? undefined : await context.prompts()
  if (prompts === undefined)
    throw everybody !== undefined && !tailnetWide
      ? new TmgenError('usage', wide[everybody], {
          hint: 'if that is wanted: tmgen policy apply --tailnet-wide --yes',
        })
      : new TmgenError('usage', '--yes is missing: this changes the policy of the tailnet', {
          hint: 'look at the difference above, then: tmgen policy apply --yes',
        })
  if (everybody !== undefined) {
    context.ui.note(wide[everybody])
    await typeWord(prompts, 'Type everybody to go on', 'everybody')
    return
  }
  await agree(prompts, 'Write this into the policy of the tailnet?')
}
