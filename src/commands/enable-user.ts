import type { Context } from './context.ts'
import { converge, nextUp, tellOutcome } from './outcome.ts'

/** `tmgen disable user NAME`: the route is cut and the container stopped; data, numbers, secrets and node are kept. */
export async function disableUser(context: Context, name: string, options: { json?: boolean }): Promise<undefined> {
  const { ui } = context
  const { enableUserText } = await import('../config/index.ts')
  const outcome = await converge(context, `disabling ${name}`, {
    name: `disable user ${name}`,
    edit: (parsed) => enableUserText(parsed, name, false),
    permits: 'access',
    // Access must end also while the control plane does not answer.
    remote: 'read',
    users: [name],
  })
  const { host } = outcome.deployment
  const isKnown = outcome.observed.strays !== undefined
  if (host === 'local' && !isKnown)
    outcome.notes.push(
      `Docker does not answer: if samba-${name} runs, it is stopped by: docker compose up -d --remove-orphans`,
    )
  tellOutcome(ui, outcome, options.json, { user: name, enabled: false })
  if (options.json) return undefined
  if (host === 'remote') ui.say(`Next: ${nextUp(host)} --remove-orphans`)
  ui.say(`${name} has no access; data, password and node are kept. Undo: tmgen enable user ${name}`)
  return undefined
}

/** `tmgen enable user NAME`: what disable switched off comes back: the same node, the same password, the same data. */
export async function enableUser(context: Context, name: string, options: { json?: boolean }): Promise<undefined> {
  const { ui } = context
  const { enableUserText } = await import('../config/index.ts')
  const outcome = await converge(context, `enabling ${name}`, {
    name: `enable user ${name}`,
    edit: (parsed) => enableUserText(parsed, name, true),
    permits: 'all',
    remote: 'read',
    users: [name],
  })
  tellOutcome(ui, outcome, options.json, { user: name, enabled: true })
  if (!options.json) ui.say(`Next: ${nextUp(outcome.deployment.host)}`)
  return undefined
}
