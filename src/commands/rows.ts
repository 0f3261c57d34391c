import type { BroaderRule } from '../control/index.ts'
import type { Observed } from '../converge/types.ts'
import type { DeployedNode, DeployedUser, Deployment } from '../resolve/types.ts'

/** Where a user's auth key stands; `used`: the node is enrolled and needs none. */
export type KeyState = 'used' | 'ready' | 'expired' | 'missing'

export interface UserRow {
  name: string
  enabled: boolean
  logins: string[]
  tags: string[]
  /** `name` is the fully qualified one where the control plane told it. */
  node: { hostname: string; name: string; udpPort: number }
  macs: { name: string; quota: string }[]
  storage: string
  key: { state: KeyState; expires: string | null }
  /** null: the gateway runs elsewhere, and the control plane was not asked. */
  enrolled: boolean | null
  /** `closed`: the policy lets nobody but this user in; null: not known. */
  isolation: 'closed' | 'open' | null
}

/**
 * What `tmgen list` shows, a row a user, as in tmgen.yaml.
 * @param rules rules that let others reach the nodes; `undefined` where the policy is not known
 */
export function userRows(
  deployment: Deployment,
  observed: Observed,
  rules: readonly BroaderRule[] | undefined,
  now: Date,
): UserRow[] {
  return deployment.users.map((user) => {
    const node = nodeOf(user, observed)
    const isLocal = observed.enrolled.has(user.name) || node !== undefined
    const enrolled = !isLocal && deployment.host === 'remote' && !observed.remote ? null : isLocal
    return {
      name: user.name,
      enabled: user.enabled,
      logins: user.logins,
      tags: user.tags,
      node: { hostname: user.hostname, name: node?.dnsName ?? user.hostname, udpPort: user.udpPort },
      macs: user.macs.map(({ name, quota }) => ({ name, quota })),
      storage: user.storage,
      key: keyOf(user, observed, now),
      enrolled,
      isolation: isolationOf(user, rules),
    }
  })
}

/** Where the auth key of a node stands. */
export function keyOf(node: DeployedNode, observed: Observed, now: Date): UserRow['key'] {
  const { keyExpires } = observed.control.users[node.id] ?? {}
  const isEnrolled = observed.enrolled.has(node.name) || nodeOf(node, observed) !== undefined
  return { state: keyState(isEnrolled, observed.authKeys.has(node.name), keyExpires, now), expires: keyExpires ?? null }
}

function isolationOf(user: DeployedUser, rules: readonly BroaderRule[] | undefined): UserRow['isolation'] {
  if (rules === undefined) return null
  return rules.some((rule) => rule.reaches.includes(user.name)) ? 'open' : 'closed'
}

/** A node in the control plane: the one with our tag. */
export function nodeOf(user: DeployedNode, observed: Observed) {
  return observed.remote?.nodes.find((node) => node.tags.includes(user.tag))
}

function keyState(isEnrolled: boolean, hasFile: boolean, expires: string | undefined, now: Date): KeyState {
  if (isEnrolled) return 'used'
  if (!hasFile) return 'missing'
  return expires !== undefined && Date.parse(expires) <= now.getTime() ? 'expired' : 'ready'
}
