import type { Change, ChangePart, Drift, DriftKind, Planned, Sign } from '../converge/index.ts'
import { few } from '../few.ts'
import { printable } from '../ui/printable.ts'

/** How many of a kind are shown one by one; more are summed up. */
const most = 8
const shownNames = 5

const plurals: Record<ChangePart['what'], string> = {
  login: 'logins in the control plane',
  key: 'auth keys',
  password: 'SMB passwords',
  storage: 'storage folders',
  policy: 'policies',
  file: 'files',
  container: 'containers',
}

const driftPlurals: Record<DriftKind, string> = {
  'node-deleted': 'nodes were deleted in the control plane',
  'node-expired': 'nodes were expired in the control plane',
  'node-renamed': 'nodes have another name in the control plane',
  'node-untagged': 'nodes are without their tag',
  'node-unsigned': 'nodes are not signed: tailnet lock keeps them out',
  'node-foreign': 'nodes have our names and are not ours',
  'policy-open': 'rules of the tailnet policy let others reach the nodes',
  'file-changed': 'generated files were changed by hand',
  'storage-refused': 'storage folders cannot be used',
  'container-old': 'containers run an older configuration',
  'container-stopped': 'containers do not run',
}

function groupBy<T>(all: readonly T[], key: (one: T) => string): T[][] {
  const groups = new Map<string, T[]>()
  for (const one of all) {
    const group = groups.get(key(one))
    if (group === undefined) groups.set(key(one), [one])
    else group.push(one)
  }
  return [...groups.values()]
}

/** Lines below a change: single parts, or how many there are of each kind. */
function partLines(parts: readonly ChangePart[]): string[] {
  return groupBy(parts, ({ sign, what }) => `${sign} ${what}`).flatMap((group) => {
    const { sign, what } = group[0]!
    if (group.length <= most) return group.map((part) => `    ${sign} ${part.title}`)
    return [`    ${sign} ${group.length} ${plurals[what]}`]
  })
}

function plannedLines(changes: readonly Planned[]): string[] {
  return groupBy(changes, ({ sign, what }) => `${sign} ${what}`).flatMap((group) => {
    const { sign, what } = group[0]!
    if (group.length <= most) return group.flatMap((one) => [`${sign} ${one.title}`, ...partLines(one.parts)])
    const head = `${sign} ${group.length} ${what}s: ${few(
      group.map((one) => one.name),
      shownNames,
    )}`
    return [head, ...partLines(group.flatMap((one) => one.parts))]
  })
}

function driftLines(drift: readonly Drift[]): string[] {
  return groupBy(drift, (one) => one.drift).flatMap((group) => {
    if (group.length <= most) return group.flatMap((one) => [`! ${one.title}`, `    ${one.fix}`])
    const fixes = new Set(group.map((one) => one.fix))
    const fix = fixes.size === 1 ? group[0]!.fix : `${group[0]!.fix}; tmgen plan --json has the others`
    return [
      `! ${group.length} ${driftPlurals[group[0]!.drift]}: ${few(
        group.map((one) => one.name),
        shownNames,
      )}`,
      `    ${fix}`,
    ]
  })
}

/** The changes as lines for a person; many of a kind are summed up, so that 200 new users fit on a screen. */
export function planLines(changes: readonly Change[]): string[] {
  const planned = changes.filter((change) => change.sign !== '!')
  const drift = changes.filter((change) => change.sign === '!')
  return [...plannedLines(planned), ...driftLines(drift)].map(printable)
}

const words: Record<Sign, string> = { '+': 'to add', '~': 'to change', '-': 'to remove', '!': 'drifted' }

/** For example `1 to add, 2 to change`. */
export function summary(changes: readonly Change[]): string {
  const counts = (Object.keys(words) as Sign[]).map((sign) => {
    return [changes.filter((change) => change.sign === sign).length, words[sign]] as const
  })
  return counts.flatMap(([count, word]) => (count === 0 ? [] : [`${count} ${word}`])).join(', ')
}
