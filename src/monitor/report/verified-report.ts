import type { Verified } from '../rules/index.ts'
import type { MacReport } from './report.ts'

/** What was read back of one Mac, all its bundles together. */
export function verifiedOf(verified: Verified | undefined): MacReport['verified'] {
  if (verified === undefined) return null
  const stands = verified.bundles.map(({ stand }) => stand)
  const sum = (take: (stand: (typeof stands)[number]) => number) => stands.reduce((all, one) => all + take(one), 0)
  const [bands, covered] = [sum((one) => one.bands), sum((one) => one.covered)]
  return {
    at: verified.at,
    ...{ bands, covered },
    percent: bands === 0 ? 0 : Math.floor((100 * covered) / bands),
    faults: {
      rot: sum(({ faults }) => faults.rot),
      unreadable: sum(({ faults }) => faults.unreadable),
      oversize: sum(({ faults }) => faults.oversize),
    },
    failed: verified.failed?.cause ?? '',
  }
}
