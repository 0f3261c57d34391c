import { keyDescription } from '../control/keys.ts'
import type { KeyInfo, NodeInfo } from '../control/types.ts'
import { dashboardName, nodesOf } from '../resolve/nodes.ts'
import type { DeployedNode, Deployment } from '../resolve/types.ts'
import type { Outcome } from './command.ts'
import { labelOf } from './plan-keys.ts'
import type { ControlRecord, Observed } from './types.ts'

/** Something in the control plane that looks like ours and belongs to nobody here. */
export interface Orphan {
  /** `node:ID` or `key:ID`, as the person names it. */
  id: string
  what: 'node' | 'key'
  /** Name of the node, or of the node that a key is for. */
  name: string
  tag: string
  /** Somebody runs this node now: another workspace in the same tailnet, or a host that was replaced. */
  online: boolean
  why: string
}

type Seen = Pick<Observed, 'control' | 'enrolled' | 'authKeys'>

/** The name in `tag:tm-NAME`, where that is the only tag. */
function nameIn(tags: readonly string[]): string | undefined {
  return tags.length === 1 ? /^tag:tm-([a-z][a-z0-9-]{0,29})$/.exec(tags[0] ?? '')?.[1] : undefined
}

/** Names that are known: of the dashboard, and of users who are served, disabled, on the way out, or under a former name. */
function knownNames(deployment: Deployment): Set<string> {
  const { users, retired, dashboard } = deployment
  return new Set([
    ...(dashboard === undefined ? [] : [dashboard.name]),
    ...users.flatMap(({ name, formerly }) => [name, ...(formerly === undefined ? [] : [formerly])]),
    ...retired,
  ])
}

const nobody = (name: string) => (name === dashboardName ? 'no dashboard in tmgen.yaml' : `no user ${name} here`)

function orphanNode(node: NodeInfo, deployment: Deployment, seen: Seen, known: ReadonlySet<string>): Orphan[] {
  const name = nameIn(node.tags)
  const label = labelOf(node).toLowerCase()
  // A second one of the same name has a number behind it.
  if (name === undefined || !(label === `tm-${name}` || new RegExp(`^tm-${name}-\\d+$`).test(label))) return []
  const orphan = (why: string): Orphan[] => [
    { id: `node:${node.id}`, what: 'node', name: label, tag: `tag:tm-${name}`, online: node.online, why },
  ]
  if (!known.has(name)) return orphan(nobody(name))
  const user = nodesOf(deployment).find((one) => one.name === name)
  const own = user === undefined ? [] : idsOf(user, seen)
  // Whose node is not known may be anybody's of that name.
  if (own.length === 0 || own.includes(node.id)) return []
  return orphan(`the node of ${name} is another one (${own.join(', ')})`)
}

const idsOf = (user: DeployedNode, { control, enrolled }: Seen): string[] => [
  ...new Set([enrolled.get(user.name), control.users[user.id]?.nodeId].filter((id) => id !== undefined)),
]

function orphanKey(key: KeyInfo, deployment: Deployment, seen: Seen, known: ReadonlySet<string>, now: Date): Orphan[] {
  const name = nameIn(key.tags)
  if (name === undefined || key.used || key.reusable || (key.expires !== undefined && key.expires <= now)) return []
  const isOf = ([owner, { keyId }]: [string, ControlRecord]) =>
    keyId === key.id && (owner !== dashboardName || deployment.dashboard !== undefined)
  if (Object.entries(seen.control.users).some(isOf)) return []
  const { id: workspace } = deployment.workspace
  // Where keys have descriptions, those of others are told apart.
  if (key.description !== undefined && !key.description.startsWith(keyDescription(workspace, ''))) return []
  const user = nodesOf(deployment).find((one) => one.name === name)
  // A key that was handed over: which one it is, only the file says.
  if (user !== undefined && seen.control.users[user.id]?.source === 'pasted' && seen.authKeys.has(name)) return []
  const why = known.has(name) ? `not the key that ${name} has` : nobody(name)
  return [{ id: `key:${key.id}`, what: 'key', name: `tm-${name}`, tag: `tag:tm-${name}`, online: false, why }]
}

/**
 * Nodes with one tag of ours and the name that goes with it, and unused keys with such a tag, which no user of the lock
 * has. That is all that tells them from others': another workspace in the same tailnet has the same kind of names. Pure.
 */
export function findOrphans(
  deployment: Deployment,
  { nodes, keys }: { nodes: readonly NodeInfo[]; keys: readonly KeyInfo[] },
  seen: Seen,
  now: Date,
): Orphan[] {
  const known = knownNames(deployment)
  return [
    ...nodes.flatMap((node) => orphanNode(node, deployment, seen, known)),
    ...keys.flatMap((key) => orphanKey(key, deployment, seen, known, now)),
  ]
}

/** A note where there are some that nobody runs. */
export function orphansNote({ deployment, observed }: Outcome, now: Date): string[] {
  const { remote } = observed
  const idle = remote === undefined ? [] : findOrphans(deployment, remote, observed, now).filter((one) => !one.online)
  if (idle.length === 0) return []
  return [
    `in the control plane are nodes or keys that look like ours and belong to nobody (${idle.length}): tmgen orphans`,
  ]
}
