import type { HostPolicy } from '../rules/index.ts'
import { type Problem, problem } from '../rules/problems.ts'

/** Since when nothing is kept, ms since 1970, and why. */
export interface Unkept {
  since: number
  why: string
}

/** Looks of which nothing is kept before somebody is told. */
const patience = 3

/** A disk that takes nothing of what the monitor sees: it goes on, and forgets with its next start what it saw and told. */
export function judgeKeeping(unkept: Unkept | undefined, { every }: HostPolicy, now: number): Problem[] {
  if (unkept === undefined || now - unkept.since < patience * every) return []
  const todo =
    'see with df -h and df -i whether the disk of state/monitor has room, and whether it is writable; then docker compose restart monitor'
  return [problem('disk', unkept.since, `the disk of state/monitor has trouble: ${unkept.why}`, todo)]
}
