import { printable } from '../../ui/printable.ts'
import type { BundleMemory, MacMemory } from './memory.ts'
import type { Policy } from './policy.ts'
import { type Problem, problem, span } from './problems.ts'

/** Looks in which a history may be half-written. */
const patience = 3
/** Completions without bands are told after so long, in ms. */
const unprovenFor = 6 * 3600_000

const keep = 'do not let the Mac back up before you know why; restore from a snapshot or copy if you have one'

/** What is wrong with one bundle. */
export function judgeBundle(bundle: BundleMemory, { bundles }: MacMemory, policy: Policy, now: number): Problem[] {
  const name = printable(bundle.name)
  const problems: Problem[] = []
  if (bundle.lost !== null) {
    const isReplaced = bundles.some(({ lost, counted }) => lost === null && counted !== null)
    const rest = isReplaced ? '; another bundle is in use' : ''
    return [problem('vanished', bundle.lost, `${name} is gone${rest}`, keep)]
  }
  const { peak, bands, fell } = bundle
  if (peak !== null && bands !== null && fell !== null && bands < peak.bands * (1 - policy.shrunk / 100))
    problems.push(
      problem(
        'shrunk',
        fell,
        `${name} has ${bands} bands of the ${peak.bands} that it had ${span(now - peak.at)} ago`,
        keep,
      ),
    )
  if (bundle.damaged !== null)
    problems.push(
      problem('damaged', bundle.damaged, `the Mac found ${name} damaged`, 'repair it or begin a new backup on the Mac'),
    )
  for (const { what, since } of bundle.changed)
    problems.push(problem('changed', since, `${name} has another ${words[what]} than before`, keep))
  if (bundle.unread !== null && now - bundle.unread.since > patience * policy.every)
    problems.push(
      problem('unreadable', bundle.unread.since, printable(bundle.unread.note), 'let the Mac check its backup'),
    )
  if (bundle.unproven !== null && now - bundle.unproven.since > unprovenFor)
    problems.push(
      problem(
        'unproven',
        bundle.unproven.since,
        `the history of ${name} tells of a newer backup, and nothing was written for it`,
        'let the Mac check its backup',
      ),
    )
  if (bundle.future !== null)
    problems.push(
      problem('clock', bundle.future, `backups of ${name} are dated in the future`, 'set the clock of the Mac'),
    )
  return problems
}

const words = { token: 'encryption key', 'band-size': 'band size', machine: 'Mac' } as const
