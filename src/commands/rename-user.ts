import type { Context } from './context.ts'
import { converge, nextUp, tellOutcome } from './outcome.ts'
import { policyFollows } from './policy.ts'
import { nodeOf } from './rows.ts'

/** `tmgen rename user NAME NEW`: the same node, password, numbers and data under another name. */
export async function renameUser(
  context: Context,
  from: string,
  to: string,
  options: { json?: boolean },
): Promise<undefined> {
  const { ui } = context
  const outcome = await converge(context, `renaming ${from}`, {
    name: `rename user ${from} ${to}`,
    rename: { from, to },
    permits: 'all',
    remote: 'write',
    users: [to],
  })
  const { host, control, users } = outcome.deployment
  const user = users.find((one) => one.name === to)
  const fullName = user && nodeOf(user, outcome.observed)?.dnsName?.replace(/\.$/, '')
  const node = fullName ?? user?.hostname ?? `tm-${to}`
  const disks = (user?.macs ?? []).map((mac) => ({ mac: mac.name, url: `smb://${to}@${node}/${mac.name}` }))
  tellOutcome(ui, outcome, options.json, { user: to, formerly: from, disks })
  if (options.json) return undefined
  ui.say(`Next: ${nextUp(host)} --remove-orphans`)
  if (control.provider !== 'embedded')
    ui.say(
      `The policy of the tailnet must follow: ${policyFollows(control.provider)}. Until then nobody reaches ${to}.`,
    )
  ui.say(`Then on each Mac of ${to}, in Time Machine's settings: remove the disk of tm-${from}, and add, as user ${to}`)
  ui.say('with the same password:')
  for (const { mac, url } of disks) ui.say(`  ${mac}: ${url}`)
  ui.say(`The backups are kept, and it goes on with them. In full: tmgen guide ${to}`)
  return undefined
}
