import { isBefore } from './version.ts'

/**
 * Versions of macOS whose Time Machine cannot back up to a network disk (error 80), first and last of each run. Source:
 * users' reports, read and not tried; 26.5 is said to be well.
 */
export const badMacos: readonly { first: string; last: string }[] = [
  { first: '15.7.5', last: '15.7.7' },
  { first: '26.4', last: '26.4.1' },
]

const numbers = (version: string) => version.split('.').map(Number)

/** Whether a device's system, named like `macOS 15.7.5`, is one that cannot back up. Another system never is. */
export function cannotBackUp(system: string): boolean {
  const version = /^macOS (\d+(?:\.\d+){0,3})$/.exec(system)?.[1]
  if (version === undefined) return false
  const own = numbers(version)
  return badMacos.some(({ first, last }) => !isBefore(own, numbers(first)) && !isBefore(numbers(last), own))
}
