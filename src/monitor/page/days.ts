const day = 24 * 3600_000

/**
 * Days of the timelines. Of a history the newest 48 are told, and Time Machine keeps one an hour for a day, then one a
 * day: they reach back this far.
 */
export const shortDays = 21
/** Midnight, UTC. */
export const startOfDay = (time: number) => Math.floor(time / day) * day
/** Midnight of the first day of a timeline that ends on the day of `to`. */
export const firstDay = (to: number) => startOfDay(to) - (shortDays - 1) * day
/** Which day of the timeline it is, from 0. */
export const dayOf = (time: number, to: number) => (startOfDay(time) - firstDay(to)) / day
