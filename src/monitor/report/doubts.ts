import type { Report } from './report.ts'

type Way = Report['channels'][number]

/** Whether the monitor still reports: it does every minute. @param now ms since 1970 */
export const isFresh = ({ at }: Pick<Report, 'at'>, now: number): boolean => now - at < 5 * 60_000

/** Looks that may be missed. */
const patience = 3
/** Whether the last look is too long ago for what it says; a report before the first look is not. */
export const isBlind = ({ lookedAt, every }: Pick<Report, 'lookedAt' | 'every'>, now: number): boolean =>
  lookedAt !== null && now - lookedAt > patience * every

/** What is wrong with one way of telling somebody, in a line that is to be made printable; `undefined`: nothing. */
export function wayFault({ name, waiting, lost, error }: Way): string | undefined {
  if (error === '' && lost === 0) return undefined
  const counts = waiting + lost > 0 ? ` (${waiting} wait, ${lost} given up)` : ''
  return `${name}: ${error || 'alerts were given up'}${counts}`
}

/** Whether what is told by it arrives now. What was given up before something arrived is over, and is counted on. */
export function doesArrive({ error, lost, sentAt, failedAt }: Way): boolean {
  if (error !== '') return false
  return lost === 0 || (sentAt !== null && sentAt >= (failedAt ?? 0))
}
