import type { GatewayStatus } from './gateway-status.ts'

type NodeStatus = GatewayStatus['nodes'][string]

const mib = (bytes: number) => Math.floor(bytes / 1024 ** 2)

/** The state of a node in a word or two; a person who is refused although it runs must not look well. */
export function stateText(node: NodeStatus | undefined): string {
  if (!node) return 'not running'
  if (node.pins_error) return `${node.state}, pins broken`
  return node.login_changed.length > 0 ? `${node.state}, login changed` : node.state
}

/** What the gateway says is wrong with a user's node, and the remedy where it needs the person. */
export function nodeNotes(user: string, status: NodeStatus | undefined): string[] {
  if (!status) return []
  const remedy = `tmgen set user ${user} --rebind`
  const notes = status.last_error ? [status.last_error] : []
  if (status.pins_error) notes.push(status.pins_error)
  for (const { login, old_id, new_id, since, last } of status.login_changed)
    notes.push(
      `login ${login} is refused since ${since} (last ${last}): it belongs to account ${new_id} now, before to ` +
        `${old_id}; if that is the same person: ${remedy}`,
    )
  for (const peer of status.peers)
    if (peer.connections > 0 && peer.path === 'relay')
      notes.push(`${peer.node} is connected through the relay, which is slow: UDP does not get through`)
  return notes
}

/** What is wrong with the gateway as a whole. */
export function gatewayNotes(gateway: GatewayStatus | undefined): string[] {
  const { reserve, rejected } = gateway ?? {}
  const notes: string[] = []
  if (reserve && reserve.left < reserve.size)
    notes.push(
      `the disk of state/ is full, or was: ${mib(reserve.left)} of ${mib(reserve.size)} MiB kept for that are left; ` +
        'make room, and the gateway fills them up again',
    )
  if (rejected) notes.push(`the gateway refused its last config: ${rejected.error}`)
  return notes
}
