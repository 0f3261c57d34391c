/** All that can be wrong, worst first: of several, the first is the state. */
export const problemKinds = [
  'monitor', // the monitor itself does not look
  'gateway', // the gateway does not answer
  'disk', // a disk with shares fills up
  'vanished', // a bundle, or all of the share, is gone
  'shrunk', // a bundle lost many of its bands
  'damaged', // the Mac found its backup damaged
  'corrupt', // what was read back is not what was written, or cannot be read
  'changed', // what never changes in a bundle did
  'failed', // no backup for too long: the Mac writes and completes none
  'missing', // no backup for too long: the Mac writes nothing
  'never', // the first backup is overdue
  'node', // the person's node, its key or container is in trouble
  'unreadable', // the share or the bundle's history cannot be read
  'unproven', // the history tells of backups, and no band was written for them
  'unverified', // nothing of the backup was read back for long
  'failing', // the Mac writes for long and completes nothing; the last backup is still fresh enough
  'clock', // backups are dated in the future
  'away', // no backup for long, and the Mac is not in reach: that explains it
] as const
export type ProblemKind = (typeof problemKinds)[number]

/** alarm: a backup is lost or missing; warning: it may soon be; note: shown, and nobody is told. */
export const severities = ['alarm', 'warning', 'note'] as const
export type Severity = (typeof severities)[number]

export const severityOf: Record<ProblemKind, Severity> = {
  monitor: 'alarm',
  gateway: 'alarm',
  disk: 'alarm',
  vanished: 'alarm',
  shrunk: 'alarm',
  damaged: 'alarm',
  corrupt: 'alarm',
  changed: 'alarm',
  failed: 'alarm',
  missing: 'alarm',
  never: 'warning',
  node: 'warning',
  unreadable: 'warning',
  unproven: 'warning',
  unverified: 'warning',
  failing: 'warning',
  clock: 'note',
  away: 'note',
}

export interface Problem {
  kind: ProblemKind
  severity: Severity
  /** ms since 1970. */
  since: number
  /** A sentence without a full stop. Names of bundles are in it, as their Macs wrote them: escape what shows it. */
  reason: string
  /** What to do about it. */
  todo: string
}

export function problem(kind: ProblemKind, since: number, reason: string, todo: string): Problem {
  return { kind, severity: severityOf[kind], since, reason, todo }
}

/** Worst first; of two of a kind the older. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  const rank = (one: Problem) => problemKinds.indexOf(one.kind)
  return [...problems].sort((a, b) => rank(a) - rank(b) || a.since - b.since)
}

/** `3 days`, `5 hours`: rounded down, of at least a minute. */
export function span(ms: number): string {
  const parts = [
    [Math.floor(ms / (24 * 3600_000)), 'day'],
    [Math.floor(ms / 3600_000), 'hour'],
    [Math.max(1, Math.floor(ms / 60_000)), 'minute'],
  ] as const
  const [count, unit] = parts.find(([count, unit]) => count >= (unit === 'day' ? 2 : 1)) ?? parts[2]
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}
