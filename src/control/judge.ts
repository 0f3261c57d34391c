import { few } from '../few.ts'
import { nodesOf, servedNodes } from '../resolve/nodes.ts'
import { pagePort, smbPort } from '../resolve/ports.ts'
import type { DeployedNode, Deployment } from '../resolve/types.ts'
import { broaderRules } from './broader.ts'
import { sources } from './policy.ts'
import { type Aliases, coversNode, readAliases } from './policy-alias.ts'
import type { Seen } from './policy-own.ts'
import { type PolicyRule, parsePolicy } from './policy-text.ts'
import { coversPort } from './ports.ts'
import { allFeatures } from './types.ts'

/** A rule by which the policy does more than let each user reach the own node. */
export interface Finding {
  /** `reach`: others reach what a node serves; `source`: a node itself may reach others; `ssh`: a rule of ssh means a node. */
  kind: 'reach' | 'source' | 'ssh'
  /** The rule as one line of JSON, or why there is none. */
  text: string
  /** Line in the policy document, from 1. */
  line?: number
  /** Whose nodes. */
  users: string[]
}

const titles: Record<Finding['kind'], (users: string) => string> = {
  reach: (users) => `lets others reach ${users}`,
  source: (users) => `lets the node of ${users} reach others`,
  ssh: (users) => `ssh rule about the node of ${users}`,
}

/** A finding in a line. It quotes the policy: make it printable. */
export function findingText({ kind, text, line, users }: Finding): string {
  return `${line === undefined ? '' : `line ${line}: `}${titles[kind](few(users))}: ${text}`
}

/** Destinations that mean no device of somebody else: one's own, or the internet behind an exit node. */
const harmless = /^autogroup:(self|internet)$/i

/** All that `tmgen policy check` finds; empty: nobody but its user reaches a node, and no node reaches anybody. */
export function judgePolicy(seen: Seen, deployment: Pick<Deployment, 'users' | 'dashboard'>): Finding[] {
  const { nodes, features = allFeatures } = seen
  const users = servedNodes(deployment)
  const found: Finding[] = broaderRules(seen.policy?.text, deployment, nodes, features).map((rule) => {
    const { reaches, ...rest } = rule
    return { kind: 'reach', ...rest, users: reaches }
  })
  const policy = parsePolicy(seen.policy?.text ?? '', features)
  if (policy === undefined) return found
  const aliases = readAliases(policy.root, nodes)
  const add = (kind: Finding['kind'], { text, line }: PolicyRule, means: (user: DeployedNode) => boolean) => {
    const whose = users.filter(means).map((user) => user.name)
    if (whose.length > 0) found.push({ kind, text, line, users: whose })
  }
  for (const rule of policy.rules) add('source', rule, (user) => startsAt(rule, user, aliases))
  for (const rule of policy.ssh)
    add('ssh', rule, (user) => {
      const names = [...rule.src, ...rule.targets.map((target) => target.host)]
      return !rule.understood || names.some((name) => coversNode(name, user, aliases))
    })
  return found
}

/** Whether the user's node is a source of the rule, and something else than itself a destination. */
function startsAt(rule: PolicyRule, user: DeployedNode, aliases: Aliases): boolean {
  // A rule that cannot be understood has no targets: it is told once, as one that lets others in.
  const reaches = rule.targets.some(({ host }) => host !== user.tag && !harmless.test(host))
  return reaches && rule.src.some((source) => coversNode(source, user, aliases))
}

/** Nodes that no rule lets their own people reach, or not by each of their logins and tags. */
export function shutOut(seen: Seen, deployment: Pick<Deployment, 'users' | 'dashboard' | 'control'>): string[] {
  const text = seen.policy?.text ?? ''
  const policy = text.trim() === '' ? undefined : parsePolicy(text, seen.features)
  // Without a rule everything is allowed; what does not parse is told elsewhere.
  if (policy === undefined || !policy.hasRules) return []
  const nodes = nodesOf(deployment)
  const reached = new Set<string>()
  for (const { src, targets } of policy.rules)
    for (const { host, ports } of targets)
      for (const port of [smbPort, pagePort])
        if (coversPort(ports, port))
          for (const source of src) reached.add(`${source.replace(/@$/, '')} ${host} ${port}`)
  const people = ['autogroup:member', 'autogroup:members']
  const isIn = (source: string, user: DeployedNode) =>
    [source.replace(/@$/, ''), '*', ...(source.startsWith('tag:') ? [] : people)].some((from) => {
      return user.ports.every((port) => reached.has(`${from} ${user.tag} ${port}`) || reached.has(`${from} * ${port}`))
    })
  return nodes
    .filter((user) => user.enabled && sources(user, deployment.control.provider).some((source) => !isIn(source, user)))
    .map((user) => user.name)
}
