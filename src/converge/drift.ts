import type { NodeInfo } from '../control/types.ts'
import type { TmgenError } from '../errors.ts'
import { few } from '../few.ts'
import { servedNodes } from '../resolve/nodes.ts'
import type { DeployedNode, Deployment } from '../resolve/types.ts'
import type { Drift, DriftKind } from './change-types.ts'
import { labelOf, look, need } from './plan-keys.ts'
import { openRules, ruleText } from './plan-policy.ts'
import type { Observed } from './types.ts'

/** How a person changes a node in this control plane. */
function howTo(control: Deployment['control'], console: string, command: string): string {
  if (control.provider === 'tailscale') return `${console}: https://login.tailscale.com/admin/machines`
  return `${control.provider === 'embedded' ? 'docker compose exec headscale ' : 'on its server: '}headscale nodes ${command}`
}

/** What lets a node through tailnet lock. */
export const unsignedFix = ({ unsigned }: NodeInfo) =>
  `on a signing node: ${unsigned?.sign ?? 'tailscale lock sign'}; the node goes on by itself then`

const newKey = 'tmgen apply makes a new auth key, with which the gateway enrols it by itself'

/** What was done by hand to a node of ours: deleted, expired, renamed, or its tag taken. */
export function nodeDrift(deployment: Deployment, observed: Observed, now: Date): Drift[] {
  if (observed.remote === undefined || deployment.control.provider === 'manual') return []
  return servedNodes(deployment).flatMap((node) => driftOf(node, deployment, observed, now))
}

function driftOf(user: DeployedNode, deployment: Deployment, observed: Observed, now: Date): Drift[] {
  const { control } = deployment
  const seen = look(user, observed, now)
  const needsKey = need(user, deployment, observed, seen) !== undefined
  const drift = (kind: DriftKind, title: string, fix: string, applies: boolean): Drift => {
    return { sign: '!', what: 'node', name: user.hostname, drift: kind, title: `node ${title}`, fix, applies }
  }
  const { node } = seen
  if (node === undefined) {
    const wasThere = seen.record.nodeId !== undefined || observed.enrolled.has(user.name)
    if (!wasThere || !needsKey) return []
    return [drift('node-deleted', `${user.hostname} was deleted in the control plane`, newKey, true)]
  }
  const found: Drift[] = []
  if (seen.isExpired && needsKey)
    found.push(drift('node-expired', `${user.hostname} was expired in the control plane`, newKey, true))
  const name = labelOf(node)
  if (name.toLowerCase() !== user.hostname)
    found.push(drift('node-renamed', `${user.hostname} is named ${name} in the control plane`, rename(node), false))
  if (node.unsigned !== undefined)
    found.push(
      drift('node-unsigned', `${user.hostname} is not signed: tailnet lock keeps it out`, unsignedFix(node), false),
    )
  if (!node.tags.includes(user.tag))
    found.push(drift('node-untagged', `${user.hostname} is without its tag ${user.tag}`, tag(node), false))
  return found

  function rename({ id }: NodeInfo): string {
    const command = `rename --identifier ${id} ${user.hostname}`
    return howTo(control, `name it ${user.hostname} again in the admin console`, command)
  }
  function tag({ id, tags }: NodeInfo): string {
    const command = `tag --identifier ${id} --tags ${[...tags, user.tag].join(',')}`
    return howTo(control, `give it ${user.tag} again in the admin console`, command)
  }
}

/** Rules of the policy by which it no longer isolates. The embedded server's policy is tmgen's own: it is written anew. */
export function policyDrift(deployment: Deployment, observed: Observed): Drift[] {
  const isOwn = deployment.control.provider === 'embedded'
  return openRules(deployment, observed).map((rule) => ({
    sign: '!',
    what: 'policy',
    name: 'policy',
    drift: 'policy-open',
    title: `the tailnet policy lets others reach ${few(rule.reaches)}: ${ruleText(rule)}`,
    fix: isOwn
      ? 'tmgen apply writes its own policy again'
      : 'remove or narrow that rule; tmgen policy check finds all, tmgen policy apply writes those that are needed',
    applies: isOwn,
  }))
}

/** What makes a command that writes refuse all of it. */
export function refusalDrift(refusals: readonly TmgenError[]): Drift[] {
  const kinds: Partial<Record<TmgenError['code'], [Drift['what'], DriftKind]>> = {
    drift: ['file', 'file-changed'],
    storage: ['storage', 'storage-refused'],
  }
  return refusals.map((error) => {
    const [what, drift] = kinds[error.code] ?? ['node', 'node-foreign']
    const fix = error.hint ?? 'tmgen apply refuses as long as this is so'
    // The message of a file begins with its path.
    const name = drift === 'file-changed' ? (error.message.split(' ')[0] ?? what) : what
    return { sign: '!', what, name, drift, title: error.message, fix, applies: false }
  })
}
