/**
 * `once [--at TIME]` of a service's arguments: the time to look at, in ms since 1970; `undefined`: it is to go on and on.
 * @param now the clock
 */
export function onceAt(args: readonly string[], now: () => number = Date.now): number | undefined {
  if (args[0] !== 'once') return undefined
  if (args.length === 1) return now()
  const at = args[1] === '--at' ? Date.parse(args[2] ?? '') : Number.NaN
  if (Number.isNaN(at)) throw new RangeError('usage: once [--at 2026-01-31T12:00:00Z]')
  return at
}
