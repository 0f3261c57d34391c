import type { Deployment } from '../resolve/types.ts'
import type { Context } from './context.ts'
import { look } from './look.ts'

/** How the policy of the tailnet follows a change of users. */
export function policyFollows(provider: Deployment['control']['provider']): string {
  return provider === 'manual' ? 'paste what tmgen policy show prints' : 'tmgen policy apply'
}

/** Where a person puts the policy, by provider. */
function place(control: Deployment['control']): string {
  switch (control.provider) {
    case 'tailscale':
      return 'tmgen policy apply writes it; by hand: merge it into Access controls, https://login.tailscale.com/admin/acls/file'
    case 'headscale':
      return `tmgen policy apply writes it; by hand: merge it into the policy of ${control.url} (headscale policy get, edit, headscale policy set -f FILE)`
    case 'embedded':
      return 'nothing to paste: tmgen writes this policy into the embedded Headscale'
    case 'manual':
      return 'give it to whoever runs the tailnet, to merge into its policy'
  }
}

/** `tmgen policy show`: the grants on stdout, where to paste them on stderr. Asks nobody. */
export async function policyShow(context: Context, options: { json?: boolean }): Promise<undefined> {
  const { deployment } = await look(context, 'no')
  const { formatPolicy, policyFor } = await import('../control/index.ts')
  const policy = policyFor(deployment)
  if (options.json) {
    context.ui.json({ provider: deployment.control.provider, paste: place(deployment.control), policy })
    return undefined
  }
  context.ui.data(formatPolicy(policy))
  context.ui.note(place(deployment.control))
  if (deployment.control.provider !== 'embedded') {
    context.ui.note('rules add up: tmgen policy check names those that let others reach these nodes')
  }
  return undefined
}
