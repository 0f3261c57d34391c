import type { Deployment } from '../resolve/types.ts'
import type { Context } from './context.ts'
import { look } from './look.ts'

/** Where a person puts the policy, by provider. */
function place(control: Deployment['control']): string {
  switch (control.provider) {
    case 'tailscale':
      return 'merge it into Access controls: https://login.tailscale.com/admin/acls/file'
    case 'headscale':
      return `merge it into the policy of ${control.url}: headscale policy get, edit, headscale policy set -f FILE`
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
    context.ui.note('rules add up: remove or narrow those that let others reach port 445 of these tags')
  }
  return undefined
}
