import type { Settings } from '../monitor/settings.ts'
import type { Deployment } from '../resolve/types.ts'
import { servedUsers } from './marker.ts'

/** generated/monitor/settings.json. */
export function monitorSettings(deployment: Deployment): Settings {
  const { workspace, monitor } = deployment
  return {
    version: 1,
    workspace,
    host: monitor.policy,
    verify: monitor.verify,
    alerts: [...monitor.alerts],
    users: servedUsers(deployment).map(({ name, id, storage, macs, watch }) => ({
      name,
      id,
      storage,
      macs: macs.map((mac) => mac.name).sort(),
      policy: watch,
    })),
  }
}
