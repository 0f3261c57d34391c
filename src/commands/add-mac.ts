import type { Context } from './context.ts'
import { converge, nextUp, tellOutcome } from './outcome.ts'

/** `tmgen add mac USER MAC`: one more share; asks no control plane. */
export async function addMac(
  context: Context,
  userName: string,
  mac: string,
  options: { quota?: string; json?: boolean },
): Promise<undefined> {
  const { ui } = context
  const { addMacText } = await import('../config/index.ts')
  const outcome = await converge(context, `adding ${mac}`, {
    name: `add mac ${userName} ${mac}`,
    edit: (parsed) => addMacText(parsed, userName, { name: mac, ...(options.quota ? { quota: options.quota } : {}) }),
    permits: 'local',
    remote: 'no',
  })
  tellOutcome(ui, outcome, options.json, { user: userName, mac })
  if (!options.json) ui.say(`Next: ${nextUp(outcome.deployment.host)} (restarts the share of ${userName} alone)`)
  return undefined
}
