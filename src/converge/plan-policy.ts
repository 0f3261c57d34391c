import { type BroaderRule, broaderRules, editPolicy, formatPolicy, policyFor, shutOut } from '../control/index.ts'
import { TmgenError } from '../errors.ts'
import { few } from '../few.ts'
import { nodesOf } from '../resolve/nodes.ts'
import type { Deployment } from '../resolve/types.ts'
import type { Part } from './plan-types.ts'
import type { Observed, Step } from './types.ts'

/** Rules of the policy as the control plane holds it that let others reach the nodes; none where it cannot be read. */
export function openRules(deployment: Deployment, { remote }: Observed): BroaderRule[] {
  if (remote === undefined || deployment.control.provider === 'manual') return []
  return broaderRules(remote.policy?.text, deployment, remote.nodes, remote.features)
}

/** A rule with its place in the policy, for the person. */
export const ruleText = ({ text, line }: BroaderRule): string =>
  `${text}${line === undefined ? '' : ` (line ${line} of the policy)`}`

/** What a command says that is not about the policy. */
export const openNote = (rule: BroaderRule): string => `isolation: policy open: ${ruleText(rule)}`

/** The embedded server's policy is tmgen's own; elsewhere it is only looked at: what lets others reach the nodes is noted. */
export function planPolicy(deployment: Deployment, observed: Observed): Part {
  const part: Part = { steps: [], notes: [], errors: [] }
  const { remote } = observed
  const { provider } = deployment.control
  if (remote === undefined || (nodesOf(deployment).length === 0 && provider !== 'embedded')) return part
  if (provider === 'manual') {
    part.notes.push('isolation: unknown: with the provider manual tmgen cannot read the policy (tmgen policy show)')
    return part
  }
  if (provider === 'embedded') {
    const text = formatPolicy(policyFor(deployment))
    if (remote.policy?.text.trim() !== text.trim())
      part.steps.push({
        kind: 'write-policy',
        text,
        etag: remote.policy?.etag,
        title: 'write the tailnet policy: each login reaches its own node',
      })
    return part
  }
  part.notes.push(...openRules(deployment, observed).map(openNote))
  const out = shutOut(remote, deployment)
  if (out.length > 0) part.notes.push(`the policy does not let ${few(out)} in yet: tmgen policy apply`)
  return part
}

/** What `tmgen policy apply` does: our entries into a policy that is somebody else's, too. */
export function planWholePolicy(deployment: Deployment, observed: Observed): Part {
  const { provider } = deployment.control
  const { remote } = observed
  if (provider === 'embedded') return planPolicy(deployment, observed)
  const part = { steps: [] as Step[], notes: [], errors: [] as TmgenError[] }
  if (provider === 'manual') {
    const hint = 'give whoever runs the tailnet what tmgen policy show prints'
    part.errors.push(new TmgenError('control-refused', 'with provider manual, tmgen writes no policy', { hint }))
    return part
  }
  if (remote === undefined) return part
  const edit = editPolicy(remote, deployment)
  if (edit === undefined) return part
  const over = { before: remote.policy?.text, everybody: edit.everybody }
  const title = 'write the entries of this workspace into the tailnet policy'
  part.steps.push({ kind: 'write-policy', text: edit.text, etag: remote.policy?.etag, over, title })
  return part
}
