import type { NodeInfo } from '../control/types.ts'
import { TmgenError } from '../errors.ts'
import { keyCommand, servedNodes } from '../resolve/nodes.ts'
import type { DeployedNode, Deployment } from '../resolve/types.ts'
import type { Part, Permission } from './plan-types.ts'
import type { ControlRecord, Observed, Step } from './types.ts'

/** A node and its key as the control plane shows them. */
export interface Seen {
  record: ControlRecord
  /** The user's own node in the control plane. */
  node: NodeInfo | undefined
  /** A node of that name which is not ours. */
  foreign: NodeInfo | undefined
  /** Its node key ran out, or was ended by hand: tagged nodes have no end of their own. */
  isExpired: boolean
  /** The recorded key can still be used. */
  isKeyGood: boolean
}

/** The name by which a node is reached. */
export const labelOf = (node: NodeInfo) => node.dnsName?.split('.')[0] ?? node.hostname

export function look(user: DeployedNode, observed: Observed, now: Date): Seen {
  const record = observed.control.users[user.id] ?? {}
  const own = [record.nodeId, observed.enrolled.get(user.name)]
  const nodes = observed.remote?.nodes ?? []
  const node = nodes.find((n) => own.includes(n.id)) ?? nodes.find((n) => n.tags.includes(user.tag))
  const sameName = (n: NodeInfo) => n.hostname === user.hostname || labelOf(n) === user.hostname
  const foreign = nodes.find((n) => n !== node && sameName(n) && !n.tags.includes(user.tag))
  const key = observed.remote?.keys.find((k) => k.id === record.keyId)
  const isListed = observed.remote === undefined || record.keyId === undefined || (key !== undefined && !key.used)
  const expires = key?.expires ?? (record.keyExpires === undefined ? undefined : new Date(record.keyExpires))
  const isExpired = node?.expires !== undefined && node.expires <= now
  return { record, node, foreign, isExpired, isKeyGood: isListed && (expires === undefined || expires > now) }
}

/** Why a node needs a new key, or undefined. */
export function need(user: DeployedNode, deployment: Deployment, observed: Observed, seen: Seen): string | undefined {
  const isEnrolled = observed.enrolled.has(user.name)
  const asksRemote = observed.remote !== undefined && deployment.control.provider !== 'manual'
  // A server elsewhere keeps the node's state: what the control plane says is then all that can be known.
  const isUsable = seen.node !== undefined && !seen.isExpired
  if (asksRemote && isUsable && (isEnrolled || deployment.host === 'remote')) return undefined
  if (!asksRemote && isEnrolled) return undefined
  const hasKey = observed.authKeys.has(user.name)
  const isRecorded =
    seen.record.keyId !== undefined || seen.record.source === 'pasted' || deployment.control.provider === 'manual'
  if (hasKey && isRecorded && seen.isKeyGood) return undefined
  if (seen.isExpired) return 'its node expired in the control plane'
  if (isEnrolled) return 'the control plane no longer has its node'
  if (!hasKey) return 'it has none yet'
  return isRecorded ? 'the last one ran out or was used' : 'where its key file came from is not known'
}

function planUser(user: DeployedNode, deployment: Deployment, observed: Observed, permission: Permission): Part {
  const part: Part = { steps: [], notes: [], errors: [] }
  const seen = look(user, observed, permission.now)
  const { steps, notes } = part
  const { provider } = deployment.control
  const isAsked = permission.users?.includes(user.name) ?? true
  // The runs that have a node change hands see to its keys themselves.
  if (permission.staged !== undefined && isAsked) return part
  if (isAsked && seen.foreign !== undefined) return { ...part, errors: [foreignNode(user, seen.foreign)] }
  if (
    seen.node !== undefined &&
    seen.node.id !== seen.record.nodeId &&
    observed.enrolled.get(user.name) === seen.node.id
  )
    steps.push({
      kind: 'record-node',
      user: user.name,
      userId: user.id,
      nodeId: seen.node.id,
      title: `take note of the node ${user.hostname}`,
    })

  if (permission.pasted.has(user.name)) {
    const title = `take the auth key for ${user.hostname}`
    steps.push({ kind: 'paste-key', user: user.name, userId: user.id, title })
    return part
  }
  steps.push(...planLogins(user, deployment, observed, isAsked))
  const why = need(user, deployment, observed, seen)
  if (why === undefined) {
    const isLost = seen.node === undefined || seen.isExpired
    if (observed.remote !== undefined && provider !== 'manual' && isLost && observed.enrolled.has(user.name))
      notes.push(`${user.hostname} waits for the gateway to enrol it again with the key that lies ready`)
    return part
  }
  const canMint = provider !== 'manual' && permission.kinds.has('mint-key') && observed.remote !== undefined
  if (!canMint || !isAsked) {
    notes.push(`${user.name} needs an auth key (${why}): ${keyCommand(user.name, deployment)}`)
    return part
  }
  if (seen.node !== undefined && !observed.enrolled.has(user.name) && deployment.host === 'local')
    notes.push(
      `${user.hostname} is still in the control plane but not in state/gateway: delete it there, or the new one is named ${user.hostname}-1`,
    )
  // The key file is lost but its key is not: it must not stay usable beside the new one.
  const old = observed.remote?.keys.find((key) => key.id === seen.record.keyId && !key.used)
  if (old !== undefined && seen.isKeyGood)
    steps.push({ kind: 'expire-key', keyId: old.id, title: `expire the former key of ${user.name}` })
  steps.push({
    kind: 'mint-key',
    user: user.name,
    userId: user.id,
    tag: user.tag,
    title: `make an auth key for ${user.hostname}`,
  })
  return part
}

/**
 * Login users that the control plane lacks (Headscale); Tailscale has none to make. With OIDC a login comes with the
 * person's first sign-in: a second user of that name makes it ambiguous, and Headscale then lets neither in.
 */
function planLogins(user: DeployedNode, { control }: Deployment, observed: Observed, isAsked: boolean): Step[] {
  const known = observed.remote?.users
  const signsIn = control.provider === 'embedded' && control.oidc !== undefined
  if (known === undefined || !isAsked || signsIn) return []
  return user.logins
    .filter((login) => !known.includes(login) && !known.includes(login.replace(/@$/, '')))
    .map((login) => ({
      kind: 'create-login',
      user: user.name,
      login,
      title: `make the login ${login} in the control plane`,
    }))
}

function foreignNode(user: DeployedNode, node: NodeInfo): TmgenError {
  const tags = node.tags.length > 0 ? `tags ${node.tags.join(', ')}` : `user ${node.user ?? 'unknown'}`
  return new TmgenError(
    'control-foreign',
    `a node ${user.hostname} exists in the control plane and is not ours (id ${node.id}, ${tags})`,
    {
      hint: `rename or delete it there, or choose another name than ${user.name}`,
    },
  )
}

/** Keys and logins of all nodes that are served; a command sees only to those it names. */
export function planKeys(deployment: Deployment, observed: Observed, permission: Permission): Part {
  const parts = servedNodes(deployment).map((user) => planUser(user, deployment, observed, permission))
  const claimed = new Set<string>()
  const steps = parts
    .flatMap((part) => part.steps)
    .filter((step) => {
      if (step.kind !== 'create-login') return true
      const isFirst = !claimed.has(step.login)
      claimed.add(step.login)
      return isFirst
    })
  return { steps, notes: parts.flatMap((part) => part.notes), errors: parts.flatMap((part) => [...part.errors]) }
}
