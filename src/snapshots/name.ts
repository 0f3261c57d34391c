import type { Snapshot } from './types.ts'

/** `20260131T123456Z`, and `-kept` for one that is the last before a loss. */
const pattern = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z(-kept)?$/

/** @param time ms since 1970 */
export const nameAt = (time: number): string =>
  new Date(time)
    .toISOString()
    .replace(/\.\d{3}Z$/, 'Z')
    .replaceAll(/[-:]/g, '')

/** The snapshot of that name; `undefined`: it is none of ours. */
export function snapshotOf(name: string): Snapshot | undefined {
  const [, year, month, day, hour, minute, second, kept] = pattern.exec(name) ?? []
  if (year === undefined) return undefined
  const takenAt = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(takenAt) ? undefined : { id: name, takenAt, beforeLoss: kept !== undefined }
}

export const keptName = (name: string): string => `${name}-kept`
