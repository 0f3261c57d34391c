import type { MacState, Problem, ProblemKind, Severity } from '../rules/index.ts'

/** Something wrong that somebody is to be told of. */
export interface Finding {
  /** Tells it apart from others, for as long as it lasts. */
  key: string
  /** Whose it is; `undefined`: the host's. */
  user: string | undefined
  /** Those whose it is, where what many have is told as one of the host's. */
  users?: readonly string[]
  /** What it is about, in a word or two: `alice/macbook`, `alice`, `this server`. */
  about: string
  kind: ProblemKind
  severity: Exclude<Severity, 'note'>
  since: number
  reason: string
  todo: string
}

/** How everything does at one time. */
export interface Overview {
  macs: readonly MacState[]
  /** Problems of each user's node. */
  nodes: readonly { user: string; problems: readonly Problem[] }[]
  host: readonly Problem[]
  /** Users of whom nobody is to be told anything. */
  silent: ReadonlySet<string>
}

/** A host-wide cause, and what of single people follows from it. */
const follows: Partial<Record<ProblemKind, ProblemKind>> = { monitor: 'monitor', gateway: 'node' }
/** One kind at so many people, and more than half of them, has one cause: the host's. */
const many = 3

/** What is found. */
export interface Found {
  /** What somebody is to be told of. */
  findings: Finding[]
  /** What is not over and not told: it has a host-wide cause, which is told in its place, or no backup came since. */
  covered: readonly Trouble[]
}

/** Which trouble it is. */
export interface Trouble extends Pick<Finding, 'key' | 'user' | 'users' | 'about' | 'kind'> {
  /** It goes on where this, the last backup, is from before it; null: there is none. */
  lastSuccess?: number | null
}

/** Why there is no backup for long. None of them ends but by a backup: not by becoming another, nor by an excuse. */
const late: readonly ProblemKind[] = ['never', 'failing', 'failed', 'missing', 'away']

/** Whether what was told goes on as another trouble, in other words or for fewer people. */
export function goesOn(
  told: Finding,
  { user, users = user === undefined ? [] : [user], about, kind, lastSuccess }: Trouble,
): boolean {
  if (typeof lastSuccess === 'number' && lastSuccess >= told.since) return false
  const areLate = late.includes(told.kind) && late.includes(kind)
  if (told.users === undefined) return areLate && told.about === about
  return (areLate || told.kind === kind) && users.some((one) => told.users?.includes(one))
}

export function findingsOf({ macs, nodes, host, silent }: Overview): Found {
  const found: Finding[] = [
    ...macs.flatMap(({ user, mac, problems }) =>
      problems.flatMap((one) => finding(one, user, `${user}/${mac}`, silent) ?? []),
    ),
    ...nodes.flatMap(({ user, problems }) => problems.flatMap((one) => finding(one, user, user, silent) ?? [])),
  ]
  const causes = new Set(host.map(({ kind }) => follows[kind]))
  const users = new Set([...macs, ...nodes].map(({ user }) => user).filter((user) => !silent.has(user)))
  const hosts = host.flatMap((one) => finding(one, undefined, 'this server', silent) ?? [])
  const single = together(
    found.filter(({ kind }) => !causes.has(kind)),
    users.size,
  )
  const findings = once([...hosts, ...single])
  const told = new Set(findings.map(({ key }) => key))
  const unfinished = macs.flatMap(({ user, mac, lastSuccess }): Trouble[] =>
    silent.has(user) ? [] : [{ key: '', user, about: `${user}/${mac}`, kind: 'away', lastSuccess }],
  )
  return { findings, covered: [...found.filter(({ key }) => !told.has(key)), ...unfinished] }
}

function finding(
  { kind, severity, since, reason, todo }: Problem,
  user: string | undefined,
  about: string,
  silent: ReadonlySet<string>,
): Finding | undefined {
  if (severity === 'note' || (user !== undefined && silent.has(user))) return undefined
  // The disk is told by its path: several may be full.
  const key =
    user === undefined ? `host:${kind}:${kind === 'disk' ? reason.split(' has ')[0] : ''}` : `${about}:${kind}`
  return { key, user, about, kind, severity, since, reason, todo }
}

/** Two bundles of one Mac may have the same trouble: the first, which is the older, stands for both. */
function once(found: readonly Finding[]): Finding[] {
  return found.filter(({ key }, index) => found.findIndex((one) => one.key === key) === index)
}

/** What most people have at once is one finding of the host. */
function together(found: readonly Finding[], users: number): Finding[] {
  const kinds = [...new Set(found.map(({ kind }) => kind))]
  return kinds.flatMap((kind) => {
    const same = found.filter((one) => one.kind === kind)
    const whose = [...new Set(same.flatMap(({ user }) => user ?? []))]
    const first = same[0]
    if (first === undefined || whose.length < many || whose.length * 2 <= users) return same
    const names = whose.slice(0, 5).join(', ') + (whose.length > 5 ? ` and ${whose.length - 5} more` : '')
    return {
      key: `host:many:${kind}`,
      user: undefined,
      users: whose,
      about: 'this server',
      kind,
      severity: first.severity,
      since: Math.min(...same.map(({ since }) => since)),
      reason: `${whose.length} of ${users} people have the same trouble (${names}): ${first.reason}`,
      todo: 'look for one cause first: tmgen doctor',
    }
  })
}
