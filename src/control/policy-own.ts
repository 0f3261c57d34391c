import { nodesOf, servedNodes } from '../resolve/nodes.ts'
import type { Deployment } from '../resolve/types.ts'
import { broaderRules } from './broader.ts'
import { inline, policyFor, sources } from './policy.ts'
import { cutOwn } from './policy-marks.ts'
import { policyTests } from './policy-tests.ts'
import { type PolicyRule, parsePolicy } from './policy-text.ts'
import { type OwnEntries, writeOwn } from './policy-write.ts'
import { allFeatures, type NodeInfo, type PolicyFeatures } from './types.ts'

/** What the control plane holds, as far as the policy needs it. */
export interface Seen {
  policy: { text: string } | undefined
  nodes: readonly NodeInfo[]
  features?: PolicyFeatures | undefined
}

export interface PolicyEdit {
  text: string
  /** What it does to everybody else: the first rule ends all that no rule allows, the last one gone allows all. */
  everybody: 'closes' | 'opens' | undefined
}

/**
 * The policy of somebody else's tailnet with our tag owners, rules and tests for all users in it, or without any where
 * there are no users. `undefined`: it is so already. What the person has written is not written again.
 * @throws TmgenError `control-refused`
 */
export function editPolicy(seen: Seen, deployment: Deployment): PolicyEdit | undefined {
  const { nodes, features = allFeatures } = seen
  const before = seen.policy?.text ?? ''
  const workspace = deployment.workspace.id
  const { owners, rules } = entriesFor(cutOwn(before, workspace).text, deployment)
  const write = (tests: readonly string[]) => writeOwn(before, workspace, { ...rules, tagOwners: owners, tests })
  let text = write([])
  if (features.tests && nodesOf(deployment).length > 0) {
    const open = new Set(broaderRules(text, deployment, nodes, features).flatMap((rule) => rule.reaches))
    const { provider } = deployment.control
    const users = servedNodes(deployment)
    const named = users.map((user) => ({ user, sources: sources(user, provider) }))
    text = write(policyTests(named, nodes, open).map(inline))
  }
  if (text === before || (before.trim() === '' && nodesOf(deployment).length === 0)) return undefined
  const [had, has] = [hasRules(before, features), hasRules(text, features)]
  return { text, everybody: had === has ? undefined : has ? 'closes' : 'opens' }
}

const hasRules = (text: string, features: PolicyFeatures) =>
  text.trim() !== '' && (parsePolicy(text, features)?.hasRules ?? false)

/** Our tag owners and rules, without those that the person's own part has. */
function entriesFor(own: string, deployment: Deployment) {
  const rules: Pick<OwnEntries, 'grants' | 'acls'> = {}
  if (nodesOf(deployment).length === 0) return { owners: [], rules }
  const policy = policyFor(deployment)
  const there = parsePolicy(own)
  const declared = Object.entries(there?.root ?? {})
    .filter(([name]) => name.toLowerCase() === 'tagowners')
    .flatMap(([, value]) => (typeof value === 'object' && value !== null ? Object.keys(value) : []))
  const owners = Object.entries(policy.tagOwners)
    .filter(([tag]) => !declared.includes(tag))
    .map(([tag, list]) => `${JSON.stringify(tag)}: ${inline(list)}`)
  const known = new Set(there?.rules.map(keyOf))
  const lines = (section: 'grants' | 'acls') => {
    const text = JSON.stringify({ [section]: policy[section] ?? [] })
    const read = parsePolicy(text)?.rules ?? []
    return (policy[section] ?? []).filter((_, i) => !known.has(keyOf(read[i]!))).map(inline)
  }
  return { owners, rules: { grants: lines('grants'), acls: lines('acls') } }
}

/** Rules that let the same in have the same key. */
function keyOf({ understood, text, src, targets }: PolicyRule): string {
  if (!understood) return text
  const ports = (port: string) => port.replace(/^tcp:/, '')
  return JSON.stringify([[...src].sort(), targets.map(({ host, ports: p }) => `${host} ${ports(p)}`).sort()])
}
