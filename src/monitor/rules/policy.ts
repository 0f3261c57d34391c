import { durationSeconds, quotaBytes } from '../../config/rules.ts'
import type { Config } from '../../config/schema.ts'
import type { VerifySettings } from '../settings.ts'

/** When something counts as wrong. Times in ms. */
export interface Policy {
  /** false: nobody is told anything of this person. */
  enabled: boolean
  every: number
  stale: number
  first: number
  failing: number
  online: number
  away: number
  /** Percent. */
  shrunk: number
}

/** What holds for the host as a whole. Times in ms. */
export interface HostPolicy {
  every: number
  node: number
  /** Percent. */
  diskFree: number
  remind: number
  keep: number
}

const ms = (text: string) => durationSeconds(text) * 1000

/** What holds for one person. */
export function policyOf(monitor: Config['monitor'], own: Config['users'][number]['monitor']): Policy {
  return {
    enabled: own?.enabled ?? true,
    every: ms(monitor.every),
    stale: ms(own?.stale ?? monitor.stale),
    first: ms(own?.first ?? monitor.first),
    failing: ms(own?.failing ?? monitor.failing),
    online: ms(own?.online ?? monitor.online),
    away: ms(own?.away ?? monitor.away),
    shrunk: own?.shrunk ?? monitor.shrunk,
  }
}

export function hostPolicyOf(monitor: Config['monitor']): HostPolicy {
  return {
    every: ms(monitor.every),
    node: ms(monitor.node),
    diskFree: monitor.diskFree,
    remind: ms(monitor.remind),
    keep: ms(monitor.keep),
  }
}

/** How much is read back; null: nothing. */
export function verifyOf({ verify }: Config['monitor']): VerifySettings | null {
  if (!verify.enabled) return null
  return { every: ms(verify.every), bytes: quotaBytes(verify.bytes), ms: ms(verify.time), within: ms(verify.within) }
}
