import { controlChecks } from './checks/control.ts'
import { dockerChecks } from './checks/docker.ts'
import { gatewayChecks } from './checks/gateway.ts'
import { monitorChecks } from './checks/monitor.ts'
import { networkChecks } from './checks/network.ts'
import { sambaChecks } from './checks/samba.ts'
import { storageChecks } from './checks/storage.ts'
import { workspaceChecks } from './checks/workspace.ts'
import type { Check } from './types.ts'

export type { Repair } from '../converge/index.ts'
export { Patient } from './patient.ts'
export { type Diagnosis, examine } from './run.ts'
export type { Check, Finding, Verdict } from './types.ts'

/** All checks, in the order of what depends on what; docs/reference/doctor.md is made from this list. */
export const checks: readonly Check[] = [
  ...workspaceChecks,
  ...dockerChecks,
  ...networkChecks,
  ...controlChecks,
  ...gatewayChecks,
  ...sambaChecks,
  ...storageChecks,
  ...monitorChecks,
]
