import type { Repair } from '../converge/index.ts'
import type { Patient } from './patient.ts'

/** `skipped`: could not be looked at, with the reason; never taken for ok. */
export type Verdict = 'ok' | 'warn' | 'fail' | 'skipped'

export interface Finding {
  verdict: Verdict
  /** What was seen; one line each. */
  says: string[]
}

/** One known cause of "it does not work". The texts are the reference page, too. */
export interface Check {
  name: string
  /** What is looked at, as the rest of a sentence that begins with "Looks". */
  looks: string
  /** What does not work because of it. */
  cause: string
  remedy: string
  /** @throws NotSeen where it cannot be looked at */
  test(patient: Patient): Promise<Finding>
  /** What `--fix` can put right of what it found: ours alone, on this host, and never what a person backed up. */
  repair?: (patient: Patient) => Promise<Repair[]>
}

/** Thrown by a check, or a fact that it asks for, that cannot be looked at: the check is skipped for that reason. */
export class NotSeen extends Error {}

export const ok = (...says: string[]): Finding => ({ verdict: 'ok', says })
export const warn = (...says: string[]): Finding => ({ verdict: 'warn', says })
export const fail = (...says: string[]): Finding => ({ verdict: 'fail', says })

/** The worst of what was found; `fine` where nothing was. */
export function worst(fails: string[], warnings: string[], fine: string): Finding {
  if (fails.length > 0) return fail(...fails, ...warnings)
  return warnings.length > 0 ? warn(...warnings) : ok(fine)
}
