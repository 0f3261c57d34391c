import { count } from '../../count.ts'
import { dayOf, firstDay, shortDays } from './days.ts'
import { drawn, type Html, html } from './html.ts'

/** Days with a backup, one mark each, oldest on the left. */
export function timeline(snapshots: readonly number[], now: number): Html {
  const recent = snapshots.filter((time) => time >= firstDay(now) && time <= now)
  const days = new Set(recent.map((time) => dayOf(time, now)))
  // Each mark starts where the last one ended: shorter than whole positions.
  let [path, at] = ['', -4]
  for (const index of [...days].sort((a, b) => a - b)) {
    path += path === '' ? `M${index * 4 + 2} 0v12` : `m${index * 4 - at}-12v12`
    at = index * 4
  }
  const label = `Backups of the last ${shortDays} days: ${days.size === 0 ? 'none' : `on ${count(days.size, 'day')}`}`
  return html`<svg class="days" viewBox="0 0 ${shortDays * 4} 12" preserveAspectRatio="none" role="img" aria-label="${label}"><path d="${drawn(path)}"/></svg>`
}

/** What is used of a quota, as a bar beside its text. */
export function quotaBar(used: number, quota: number): Html {
  const part = quota > 0 ? Math.min(100, Math.round((used / quota) * 100)) : 0
  return html`<svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><path d="M0 2h${part}"/></svg>`
}
