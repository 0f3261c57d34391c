import { join } from 'node:path'
import { removedFile } from './leaving.ts'
import type { Part } from './plan-types.ts'
import type { Observed } from './types.ts'

/**
 * The steps that end a user who has no route and no container any more: data put aside, key and node taken back, what
 * the workspace keeps forgotten. A node is deleted only if it is the one on record and carries our tag and no other.
 */
export function planLeaving(observed: Observed, workspace: string, now: Date): Part {
  const part: Part = { steps: [], notes: [], errors: [] }
  const { leaving, remote } = observed
  if (leaving === undefined) return part
  const { user, data } = leaving
  const { steps, notes } = part
  const removed = { version: 1, workspace, user: user.id, name: user.name, removed: now.toISOString() }
  const markIn = (folder: string) => ({ path: join(folder, removedFile), text: `${JSON.stringify(removed)}\n` })
  if (data.kind === 'archive')
    steps.push({
      kind: 'archive-storage',
      user: user.name,
      from: data.from,
      to: data.to,
      mark: markIn(data.from),
      title: `move the data of ${user.name} to ${data.to}`,
    })
  if (data.kind === 'mark')
    steps.push({
      kind: 'mark-storage',
      user: user.name,
      mark: markIn(data.path),
      title: `mark the data of ${user.name} in ${data.path} as removed: ${data.why}`,
    })
  if (data.kind === 'none') notes.push(data.why)

  const record = observed.control.users[user.id] ?? {}
  const key = remote?.keys.find((one) => one.id === record.keyId)
  const isLive = key !== undefined && !key.used && (key.expires === undefined || key.expires > now)
  if (isLive && key.tags.length === 1 && key.tags[0] === user.tag)
    steps.push({ kind: 'expire-key', keyId: key.id, title: `revoke the auth key of ${user.name}` })

  const known = [record.nodeId, leaving.enrolled]
  const isOurs = (tags: readonly string[]) => tags.length === 1 && tags[0] === user.tag
  for (const node of remote?.nodes ?? []) {
    const isKnown = known.includes(node.id)
    if (isKnown && isOurs(node.tags))
      steps.push({
        kind: 'delete-node',
        user: user.name,
        nodeId: node.id,
        title: `delete the node ${user.hostname} in the control plane`,
      })
    else if (isKnown || node.tags.includes(user.tag))
      notes.push(
        `the node ${node.hostname} (id ${node.id}, ${node.tags.join(', ') || 'no tags'}) is left alone: ` +
          `${isKnown ? `it does not carry ${user.tag} alone` : 'it is not the one on record'}; if it is yours, delete it in the control plane`,
      )
  }
  steps.push({
    kind: 'forget-user',
    user: user.name,
    userId: user.id,
    title: `remove password, key, node state and own alerts' addresses of ${user.name}`,
  })
  return part
}
