import type { Settings } from '../monitor/settings.ts'
import type { Deployment } from '../resolve/types.ts'
import { usersByName } from './marker.ts'
import { isPaged } from './pages.ts'

/** generated/monitor/settings.json. */
export function monitorSettings(deployment: Deployment): Settings {
  const { workspace, monitor, dashboard } = deployment
  return {
    version: 1,
    workspace,
    host: monitor.policy,
    verify: monitor.verify,
    alerts: [...monitor.alerts],
    mail: monitor.mail && { ...monitor.mail, to: [...monitor.mail.to] },
    ping: monitor.ping,
    dashboard: dashboard ? { name: dashboard.name, hostname: dashboard.hostname } : null,
    users: usersByName(deployment).map(({ name, id, storage, macs, watch, tell, ports, hostname }) => ({
      name,
      id,
      storage,
      macs: macs.map((mac) => mac.name).sort(),
      quotas: Object.fromEntries(macs.map((mac) => [mac.name, mac.quotaBytes]).sort()),
      policy: watch,
      tell: { ...tell, alerts: [...tell.alerts] },
      page: isPaged({ ports }) ? { hostname } : null,
    })),
  }
}
