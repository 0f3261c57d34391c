import type { AllocationMirror } from '../converge/types.ts'
import { TmgenError } from '../errors.ts'
import type { Lock } from './types.ts'

/** What state/allocation.json keeps of a lock. */
export function mirrorOf(lock: Lock): AllocationMirror {
  return { version: 1, workspace: lock.workspace, serial: lock.serial, next: { ...lock.next } }
}

/**
 * Refuses a lock that is missing, from another workspace, or older than the state beside it: numbers would be dealt anew.
 * Throws TmgenError `lock-lost`.
 */
export function checkMirror(lock: Lock | undefined, mirror: AllocationMirror | undefined): void {
  if (!mirror) return
  const hint = 'restore tmgen.lock.json from git or a backup; where there is none: tmgen lock rebuild'
  if (!lock) {
    throw new TmgenError('lock-lost', 'tmgen.lock.json is missing, but state/ says that numbers were dealt', { hint })
  }
  if (lock.workspace !== mirror.workspace) {
    const message = `tmgen.lock.json belongs to workspace ${lock.workspace}, state/ to ${mirror.workspace}`
    throw new TmgenError('lock-lost', message, { hint: 'restore the lock of this workspace' })
  }
  const behind = (['user', 'node', 'uid'] as const).some((key) => lock.next[key] < mirror.next[key])
  if (lock.serial < mirror.serial || behind) {
    const message = `tmgen.lock.json is older than state/ (serial ${lock.serial}, expected at least ${mirror.serial})`
    throw new TmgenError('lock-lost', message, { hint })
  }
}
