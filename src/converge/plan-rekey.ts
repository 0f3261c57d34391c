import { TmgenError } from '../errors.ts'
import { nodesOf } from '../resolve/nodes.ts'
import type { Deployment } from '../resolve/types.ts'
import { look } from './plan-keys.ts'
import type { Part, Permission } from './plan-types.ts'
import type { Observed } from './types.ts'

/**
 * The steps that leave nothing of a node's former key: the node is deleted in the control plane, its unused auth key
 * revoked, its state removed. Refused where the node is not clearly ours: the one on record, with our tag and no other.
 */
export function planRekey(deployment: Deployment, observed: Observed, permission: Permission): Part {
  const part: Part & { errors: TmgenError[] } = { steps: [], notes: [], errors: [] }
  const user = nodesOf(deployment).find((one) => one.name === permission.rekeyed)
  if (user === undefined || permission.staged === undefined) return part
  const { record, node, foreign } = look(user, observed, permission.now)
  const other = foreign ?? node
  const known = [record.nodeId, observed.enrolled.get(user.name)]
  const isOurs = node !== undefined && known.includes(node.id) && node.tags.length === 1 && node.tags[0] === user.tag
  if (other !== undefined && (foreign !== undefined || !isOurs)) {
    const what = `the node ${other.hostname} (id ${other.id}, ${other.tags.join(', ') || 'no tags'}) is left alone`
    const message = `${what}: it is not the one on record with ${user.tag} alone`
    part.errors.push(
      new TmgenError('control-foreign', message, { hint: 'tmgen plan shows what is not as tmgen left it' }),
    )
  }
  const key = observed.remote?.keys.find((one) => one.id === record.keyId)
  const isLive = key !== undefined && !key.used && (key.expires === undefined || key.expires > permission.now)
  if (isLive && key.tags.includes(user.tag))
    part.steps.push({ kind: 'expire-key', keyId: key.id, title: `revoke the auth key of ${user.name}` })
  if (isOurs)
    part.steps.push({
      kind: 'delete-node',
      user: user.name,
      nodeId: node.id,
      title: `delete the node ${user.hostname} in the control plane`,
    })
  part.steps.push({
    kind: 'forget-node',
    user: user.name,
    userId: user.id,
    title: `remove key and state of the node ${user.hostname}`,
  })
  return part
}
