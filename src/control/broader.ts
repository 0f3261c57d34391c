import { servedNodes } from '../resolve/nodes.ts'
import type { DeployedNode, Deployment } from '../resolve/types.ts'
import { type Aliases, coversNode, readAliases, sourceStays } from './policy-alias.ts'
import { type PolicyRule, parsePolicy } from './policy-text.ts'
import { coversPort } from './ports.ts'
import { allFeatures, type NodeInfo, type PolicyFeatures } from './types.ts'

/** A rule of the control plane that lets others than those of a node reach what it serves. */
export interface BroaderRule {
  /** The rule as one line of JSON, or why there is none. */
  text: string
  /** Line in the policy document, from 1. */
  line?: number
  /** Names of the nodes that it opens. */
  reaches: string[]
}

/**
 * Rules that reach further than a user's own logins and tags, so that the policy alone isolates nobody. Rules are a
 * union: one broader rule is enough. Conservative: what cannot be understood counts as broader. `nodes`, where known,
 * tell which rules by IP address mean other machines; `features` is what the server makes of a policy.
 */
export function broaderRules(
  policyText: string | undefined,
  deployment: Pick<Deployment, 'users' | 'dashboard'>,
  nodes: readonly NodeInfo[] = [],
  features: PolicyFeatures = allFeatures,
): BroaderRule[] {
  const users = servedNodes(deployment)
  const everybody = users.map((user) => user.name)
  if (users.length === 0) return []
  const open = (text: string, line?: number): BroaderRule[] => [
    { text, reaches: everybody, ...(line === undefined ? {} : { line }) },
  ]
  if (policyText === undefined || policyText.trim() === '') return open('no policy: everything is allowed')
  const policy = parsePolicy(policyText, features)
  if (policy === undefined) return open('cannot judge: the policy is no HuJSON object')
  if (!policy.hasRules)
    return open(
      features.grants
        ? 'the policy has neither acls nor grants: everything is allowed'
        : 'the policy has no acls, and this server knows no grants: everything is allowed',
    )
  const aliases = readAliases(policy.root, nodes)
  return policy.rules.flatMap((rule) => {
    const reaches = users.filter((user) => opens(rule, user, aliases)).map((user) => user.name)
    return reaches.length === 0 ? [] : [{ text: rule.text, line: rule.line, reaches }]
  })
}

function opens(rule: PolicyRule, user: DeployedNode, aliases: Aliases): boolean {
  if (!rule.understood) return true
  const reached = rule.targets.some((target) => {
    return user.ports.some((port) => coversPort(target.ports, port)) && coversNode(target.host, user, aliases)
  })
  return reached && !rule.src.every((source) => sourceStays(source, user, aliases))
}
