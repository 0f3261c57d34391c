import { parentTag } from '../control/policy.ts'
import { parsePolicy } from '../control/policy-text.ts'
import { TmgenError } from '../errors.ts'
import type { Deployment } from '../resolve/types.ts'
import { labelOf } from './plan-keys.ts'
import type { Part } from './plan-types.ts'
import type { Observed, Renaming, Step } from './types.ts'

/**
 * The steps by which all that has the former name follows: a key that would enrol the node with the old tag is ended;
 * the node takes the new tag and name and stays the same node; then secrets, node state and storage are moved.
 * Refusals: a node that is not clearly ours, a name or a tag that the control plane would not take.
 */
export function planRenaming(deployment: Deployment, observed: Observed, now: Date): Part {
  const part: Part & { errors: TmgenError[] } = { steps: [], notes: [], errors: [] }
  const { renaming, remote } = observed
  if (renaming === undefined) return part
  const { steps, notes, errors } = part
  const { id, from, to, hostname, oldTag, tag } = renaming
  const isManual = deployment.control.provider === 'manual'
  const record = observed.control.users[id] ?? {}
  const key = remote?.keys.find((one) => one.id === record.keyId)
  const isLive = key !== undefined && !key.used && (key.expires === undefined || key.expires > now)
  if (isLive && key.tags.includes(oldTag))
    steps.push({ kind: 'expire-key', keyId: key.id, title: `expire the unused auth key for tm-${from}` })

  const own = [record.nodeId, renaming.enrolled]
  const nodes = remote?.nodes ?? []
  const node = nodes.find((one) => own.includes(one.id))
  const other = nodes.find((one) => one !== node && (one.hostname === hostname || labelOf(one) === hostname))
  if (other !== undefined)
    errors.push(
      new TmgenError('control-foreign', `a node ${hostname} exists in the control plane (id ${other.id})`, {
        hint: `rename or delete it there, or choose another name than ${to}`,
      }),
    )
  if (node !== undefined) {
    if (!node.tags.includes(oldTag) && !node.tags.includes(tag))
      errors.push(
        new TmgenError('control-foreign', `the node tm-${from} (id ${node.id}) does not carry ${oldTag}: left alone`, {
          hint: `give it ${oldTag} again in the control plane, then run the command again`,
        }),
      )
    steps.push(...nodeSteps(renaming, node.id, node.tags, labelOf(node)))
    if (!node.tags.includes(tag)) errors.push(...tagRefusal(deployment, observed, tag))
  }
  if (isManual)
    notes.push(
      `tmgen does not speak with your control plane: name the node tm-${from} there ${hostname}, and tag it ${tag}`,
    )
  for (const { from: old, to: wanted } of renaming.files)
    steps.push({
      kind: 'move-file',
      user: to,
      from: old,
      to: wanted,
      ...(old.startsWith('state/gateway/') ? { node: from } : {}),
      title: `move ${old} to ${wanted}`,
    })
  if (renaming.storage !== undefined)
    steps.push({
      kind: 'move-storage',
      user: to,
      userId: id,
      ...renaming.storage,
      title: `move the storage ${renaming.storage.from} to ${renaming.storage.to}`,
    })
  return part
}

function nodeSteps({ to, hostname, oldTag, tag }: Renaming, nodeId: string, has: string[], label: string): Step[] {
  const steps: Step[] = []
  const tags = [...new Set(has.map((one) => (one === oldTag ? tag : one)))]
  if (has.includes(oldTag)) steps.push({ kind: 'tag-node', user: to, nodeId, tags, title: `tag the node ${tag}` })
  if (label !== hostname)
    steps.push({ kind: 'rename-node', user: to, nodeId, hostname, title: `name the node ${hostname}` })
  return steps
}

/** Both systems take only tags that the policy defines; the embedded server's is written before. Then the tag must count. */
function tagRefusal({ control }: Deployment, { remote }: Observed, tag: string): TmgenError[] {
  if (control.provider === 'embedded' || remote === undefined) return []
  if (remote.features?.retags === false)
    return [
      new TmgenError('control-refused', 'this Headscale gives a renamed user no access: its policy misses a new tag', {
        hint: 'bring Headscale to 0.27 or later first',
      }),
    ]
  const owners = parsePolicy(remote.policy?.text ?? '')?.root.tagOwners
  if (typeof owners === 'object' && owners !== null && tag in owners) return []
  return [
    new TmgenError('control-refused', `the tailnet policy does not define ${tag} yet`, {
      hint: `add to its tagOwners: "${tag}": ["${parentTag}"], then run the same command again`,
    }),
  ]
}
