import { TmgenError, TmgenErrors } from '../errors.ts'
import type { Patient } from './patient.ts'
import { type Check, type Finding, fail, NotSeen } from './types.ts'

export interface Diagnosis extends Finding {
  check: Check
}

/**
 * Runs the checks one after the other: they share a machine that may be ill. An exception of one is its verdict and
 * keeps none of the others from being made.
 * @param onCheck told of each check as it begins
 */
export async function examine(
  patient: Patient,
  checks: readonly Check[],
  onCheck: (check: Check) => void = () => undefined,
): Promise<Diagnosis[]> {
  const diagnoses: Diagnosis[] = []
  for (const check of checks) {
    onCheck(check)
    diagnoses.push({ check, ...(await verdictOf(check, patient)) })
  }
  return diagnoses
}

async function verdictOf(check: Check, patient: Patient): Promise<Finding> {
  try {
    return await check.test(patient)
  } catch (error) {
    if (error instanceof NotSeen) return { verdict: 'skipped', says: [error.message] }
    if (error instanceof TmgenError || error instanceof TmgenErrors)
      return { verdict: 'skipped', says: [`could not look: ${error.message}`] }
    return fail(`the check itself failed, which is a bug in tmgen: ${error instanceof Error ? error.message : error}`)
  }
}
