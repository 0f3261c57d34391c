import { TmgenError } from '../errors.ts'
import type { Deployment } from '../resolve/types.ts'
import { findOrphans } from './orphans.ts'
import type { Part } from './plan-types.ts'
import type { Observed, Step } from './types.ts'

/** Steps that remove the orphans of these ids, as they were seen just now; refused for all else. Pure. */
export function planOrphans(deployment: Deployment, observed: Observed, wanted: readonly string[], now: Date): Part {
  const found = observed.remote === undefined ? [] : findOrphans(deployment, observed.remote, observed, now)
  const steps: Step[] = []
  const errors: TmgenError[] = []
  for (const id of new Set(wanted)) {
    const orphan = found.find((one) => one.id === id)
    if (orphan === undefined)
      errors.push(
        new TmgenError('control-foreign', `${id} is not on the list: left alone`, {
          hint: 'tmgen orphans lists what may be removed',
        }),
      )
    else if (orphan.online)
      errors.push(
        new TmgenError('control-foreign', `${id} (${orphan.name}) is online, somebody runs it: left alone`, {
          hint: 'stop it where it runs first; another workspace in this tailnet may have a user of that name',
        }),
      )
    else if (orphan.what === 'node')
      steps.push({
        kind: 'delete-node',
        user: orphan.name,
        nodeId: id.slice('node:'.length),
        title: `delete the node ${orphan.name} (${id}) in the control plane`,
      })
    else
      steps.push({
        kind: 'expire-key',
        keyId: id.slice('key:'.length),
        title: `revoke the auth key ${id} for ${orphan.name}`,
      })
  }
  return { steps, notes: [], errors }
}
