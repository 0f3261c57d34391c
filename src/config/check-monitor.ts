import type { Report } from './check.ts'
import type { Config, ConfigUser } from './schema.ts'

/** What `monitor` at the top and at the users must have in common: whoever is told by mail needs a server and an address. */
export function checkMonitor(
  monitor: Config['monitor'],
  users: readonly (ConfigUser | undefined)[],
  report: Report,
): void {
  const { alerts, mail } = monitor
  const server = 'mail: {host: smtp.example.com, from: tmgen@example.com, to: [you@example.com]} under monitor'
  if (alerts.includes('mail') && mail === undefined)
    report(['monitor', 'alerts'], 'names mail, and there is no monitor.mail', server)
  if (alerts.includes('mail') && mail?.to.length === 0)
    report(['monitor', 'mail'], 'names nobody to write to', 'to: [you@example.com]')
  if (mail?.tls === 'none' && mail.account !== undefined)
    report(
      ['monitor', 'mail', 'tls'],
      'must not be none with an account: its password would go in the clear',
      'tls: starttls, or no account',
    )
  for (const [index, user] of users.entries()) {
    if (!user?.monitor?.alerts?.includes('mail')) continue
    const path = ['users', index, 'monitor', 'alerts']
    if (mail === undefined) report(path, 'names mail, and there is no monitor.mail', server)
    if (user.monitor.mail === undefined)
      report(path, `names mail, and ${user.name} has no address`, 'mail: alice@example.com beside it')
  }
}
