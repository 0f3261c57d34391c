import { nodesOf, servedNodes } from '../resolve/nodes.ts'
import { smbPort } from '../resolve/ports.ts'
import type { DeployedNode, Deployment } from '../resolve/types.ts'

/** A rule that lets `src` reach `dst`, at `ip` such as `tcp:445`. */
export interface Grant {
  src: string[]
  dst: string[]
  ip: string[]
}

/** The same as a rule of the older kind, which Headscale 0.28 still needs; `dst` carries the port. */
export interface Acl {
  action: 'accept'
  proto: 'tcp'
  src: string[]
  dst: string[]
}

export interface Policy {
  tagOwners: Record<string, string[]>
  grants?: Grant[]
  acls?: Acl[]
}

/** Owns every user's tag, so that one OAuth client with this tag may mint all the keys. */
export const parentTag = 'tag:tmgen'

type PolicyInput = Pick<Deployment, 'control' | 'users' | 'dashboard'>

/** Owners that the provider understands: Headscale rejects autogroup:admin, and needs none. */
export function parentOwners(provider: Deployment['control']['provider']): string[] {
  return isHeadscale(provider) ? [] : ['autogroup:admin']
}

function isHeadscale(provider: Deployment['control']['provider']): boolean {
  return provider === 'headscale' || provider === 'embedded'
}

/**
 * An address that no machine has (TEST-NET-1 of RFC 5737). Headscale (mapper.buildTailPeers of 0.29) tells every device
 * of every other one while no rule applies to a device that is there, as before the first Mac joins: a rule between
 * nobody and nobody always applies.
 */
const nobody = '192.0.2.1'

/**
 * The policy that lets each enabled user's logins and tags reach port 445 of that user's own node, port 80 too where
 * their page is there, the operators port 80 of the dashboard's, and nobody anything else.
 * For `headscale` it is written as all versions know it: acls (0.28 rejects grants), and no tag owns another (0.27
 * rejects that), which its keys do not need. Otherwise as grants. For `embedded`, where it is the
 * whole policy, it also declares the tags of managed Macs. Both have one rule more, for nobody.
 */
export function policyFor(deployment: PolicyInput): Policy {
  const { provider } = deployment.control
  const tagOwners: Record<string, string[]> = { [parentTag]: parentOwners(provider) }
  for (const user of nodesOf(deployment)) {
    tagOwners[user.tag] = provider === 'headscale' ? [] : [parentTag]
    if (provider === 'embedded') for (const tag of user.tags) tagOwners[tag] ??= []
  }
  const reached = servedNodes(deployment)
    .map((node) => ({ src: sources(node, provider), dst: node.tag, ports: node.ports }))
    .filter(({ src }) => src.length > 0)
  if (isHeadscale(provider)) reached.push({ src: [nobody], dst: nobody, ports: [smbPort] })
  if (provider === 'headscale') {
    const acls = reached.map(({ src, dst, ports }): Acl => {
      return { action: 'accept', proto: 'tcp', src, dst: ports.map((port) => `${dst}:${port}`) }
    })
    return { tagOwners, acls }
  }
  const grants = reached.map(
    ({ src, dst, ports }): Grant => ({ src, dst: [dst], ip: ports.map((port) => `tcp:${port}`) }),
  )
  return { tagOwners, grants }
}

/** The lines of tagOwners that let a credential mint keys with `tag`. */
export function tagOwnersHint(tag: string): string {
  const owners = `"${parentTag}": ${inline(parentOwners('tailscale'))}, "${tag}": ["${parentTag}"]`
  return `add to tagOwners in the tailnet policy: ${owners}; an OAuth client needs ${parentTag}`
}

/** Headscale writes a bare user name as `alice@`; e-mails and Tailscale's logins stay. */
export function sources(user: DeployedNode, provider: Deployment['control']['provider']): string[] {
  const logins = user.logins.map((login) => (isHeadscale(provider) && !login.includes('@') ? `${login}@` : login))
  return [...new Set([...logins, ...user.tags])]
}

/** Two-space JSON with a newline at the end, one rule a line; HuJSON readers take it too. */
export function formatPolicy(policy: Policy): string {
  const section = (open: string, lines: string[], close: string) =>
    lines.length === 0 ? open + close : `${open}\n${lines.map((line) => `    ${line}`).join(',\n')}\n  ${close}`
  const owners = Object.entries(policy.tagOwners).map(([tag, list]) => `${JSON.stringify(tag)}: ${inline(list)}`)
  const sections = [`"tagOwners": ${section('{', owners, '}')}`]
  if (policy.grants) sections.push(`"grants": ${section('[', policy.grants.map(inline), ']')}`)
  if (policy.acls) sections.push(`"acls": ${section('[', policy.acls.map(inline), ']')}`)
  return `{\n  ${sections.join(',\n  ')}\n}\n`
}

/** JSON on one line, with a space behind each comma and colon. */
export function inline(value: object): string {
  if (Array.isArray(value)) return `[${value.map((item) => JSON.stringify(item)).join(', ')}]`
  const fields = Object.entries(value).map(([key, item]: [string, unknown]) => {
    return `${JSON.stringify(key)}: ${Array.isArray(item) ? inline(item) : JSON.stringify(item)}`
  })
  return `{ ${fields.join(', ')} }`
}
