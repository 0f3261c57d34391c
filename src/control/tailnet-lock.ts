/**
 * The command that lets a node into a tailnet with tailnet lock; it needs a signing node, the API cannot do it. Keys
 * that do not look like keys are left to the person: what a server says is not pasted into a shell.
 */
export function signCommand(nodeKey: string | undefined, lockKey: string | undefined): string {
  if (nodeKey === undefined || !/^nodekey:[0-9a-f]{64}$/.test(nodeKey)) return 'tailscale lock sign NODEKEY'
  const rotation = lockKey !== undefined && /^tlpub:[0-9a-f]{64}$/.test(lockKey) ? ` ${lockKey}` : ''
  return `tailscale lock sign ${nodeKey}${rotation}`
}
