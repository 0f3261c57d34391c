import { type Finding, type Found, goesOn } from './findings.ts'

/** What is told, and where it stands. */
export interface Told {
  finding: Finding
  /** ms since 1970. */
  toldAt: number
  /** Since when it is no longer found. */
  goneSince: number | null
}

/** A line of a notification. */
export interface Item {
  what: 'new' | 'reminder' | 'recovery'
  finding: Finding
}

/** What one recipient is told at one time: all that is to tell, in one. */
export interface Notification {
  /** The operator, or a user by name. */
  to: { operator: true } | { user: string }
  /** ms since 1970. */
  at: number
  /** The worst of it; a recovery alone is none. */
  severity: 'alarm' | 'warning' | 'recovery'
  items: Item[]
  /** It was refused as it is: only what it is about, in words that nobody refuses. */
  isShort?: boolean
}

/** What is gone for so long, in ms, is over: nothing is told to and fro. */
const calm = 15 * 60_000
/** Lines of one notification; the rest is counted. */
export const mostItems = 50

export interface Decision {
  told: Told[]
  notifications: Notification[]
}

/**
 * From what is found now to what is told now.
 * @param before what was told
 * @param remind ms: what lasts is told again
 */
export function decide(before: readonly Told[], { findings, covered }: Found, now: number, remind: number): Decision {
  const items: Item[] = []
  const told: Told[] = []
  for (const finding of findings) {
    const known = before.find((one) => one.finding.key === finding.key)
    const isDue = known === undefined || now - known.toldAt >= remind || known.toldAt > now
    // Back before it was taken for over: the same as before, and nothing new.
    if (isDue) items.push({ what: known ? 'reminder' : 'new', finding })
    told.push({ finding, toldAt: isDue ? now : known.toldAt, goneSince: null })
  }
  for (const known of before) {
    const { finding } = known
    if (findings.some(({ key }) => key === finding.key)) continue
    const isOther = findings.some((one) => goesOn(finding, one))
    if (!isOther && covered.some((one) => one.key === finding.key || goesOn(finding, one))) {
      told.push({ ...known, goneSince: null })
      continue
    }
    const goneSince = Math.min(known.goneSince ?? now, now)
    if (now - goneSince < calm) told.push({ ...known, goneSince })
    // What goes on as another is told as that, and its end with that one's.
    else if (!isOther) items.push({ what: 'recovery', finding })
  }
  return { told, notifications: notificationsOf(items, now) }
}

/** All that is found, to one who has not been told any of it. */
export function afresh({ findings }: Found, to: Notification['to'], now: number): Notification | undefined {
  if (findings.length === 0) return undefined
  return notification(
    to,
    findings.map((finding) => ({ what: 'new', finding })),
    now,
  )
}

/** The operator is told all of it, each user what is theirs. */
function notificationsOf(items: readonly Item[], at: number): Notification[] {
  if (items.length === 0) return []
  const users = [...new Set(items.flatMap(({ finding }) => finding.user ?? []))].sort()
  return [
    notification({ operator: true }, items, at),
    ...users.map((user) =>
      notification(
        { user },
        items.filter(({ finding }) => finding.user === user),
        at,
      ),
    ),
  ]
}

function notification(to: Notification['to'], items: readonly Item[], at: number): Notification {
  const open = items.filter(({ what }) => what !== 'recovery')
  const isAlarm = open.some(({ finding }) => finding.severity === 'alarm')
  const severity = open.length === 0 ? 'recovery' : isAlarm ? 'alarm' : 'warning'
  return { to, at, severity, items: [...open, ...items.filter(({ what }) => what === 'recovery')] }
}
