import ipaddr from 'ipaddr.js'
import type { DeployedNode } from '../resolve/types.ts'
import type { NodeInfo } from './types.ts'

/** What names in a policy stand for. */
export interface Aliases {
  /** `group:name` -> members; undefined members could not be read. */
  groups: ReadonlyMap<string, string[] | undefined>
  /** Lower-case name -> address or CIDR. */
  hosts: ReadonlyMap<string, string>
  nodes: readonly NodeInfo[]
}

export function readAliases(root: Record<string, unknown>, nodes: readonly NodeInfo[]): Aliases {
  const section = (name: string) =>
    Object.entries(root)
      .filter(([key]) => key.toLowerCase() === name)
      .flatMap(([, value]) => (typeof value === 'object' && value !== null ? Object.entries(value) : []))
  const isText = (item: unknown): item is string => typeof item === 'string'
  const groups = section('groups').map(([name, value]: [string, unknown]) => {
    return [name, Array.isArray(value) && value.every(isText) ? value : undefined] as const
  })
  const hosts = section('hosts').map(([name, value]) => [name.toLowerCase(), String(value)] as const)
  return { groups: new Map(groups), hosts: new Map(hosts), nodes }
}

/** Autogroups that hold no tagged device (people’s devices, the internet); our nodes are tagged. */
const withoutTagged =
  /^autogroup:(internet|self|members?|nonroot|owner|admin|it-admin|network-admin|billing-admin|auditor|shared)$/

/** Whether a source or destination may mean the user's node. Only what surely means something else is ruled out. */
export function coversNode(host: string, user: DeployedNode, aliases: Aliases): boolean {
  const name = host.toLowerCase()
  if (name.startsWith('tag:')) return name === user.tag
  if (name.startsWith('group:') || withoutTagged.test(name)) return false
  const address = aliases.hosts.get(name)
  if (address !== undefined) return addressReaches(address, user, aliases.nodes)
  // A login means that person's own, untagged devices.
  if (name.includes('@') && !name.includes(':')) return false
  return addressReaches(host, user, aliases.nodes)
}

/** What Tailscale and Headscale deal addresses from by default. */
const tailnetRanges = ['100.64.0.0/10', 'fd7a:115c:a1e0::/48']

function addressReaches(text: string, user: DeployedNode, nodes: readonly NodeInfo[]): boolean {
  const range = toRange(text)
  if (range === undefined) return true
  const known = nodes.filter((candidate) => candidate.tags.includes(user.tag))
  const own = known.flatMap((node) => node.ips.map(toRange)).filter((ip) => ip !== undefined)
  const ranges = own.length > 0 ? own : tailnetRanges.map(toRange)
  return ranges.some((other) => other !== undefined && overlap(range, other))
}

type Range = [ipaddr.IPv4 | ipaddr.IPv6, number]

function toRange(text: string): Range | undefined {
  const plain = text.replace(/^\[(.*)\](\/\d+)?$/, '$1$2')
  if (ipaddr.isValidCIDR(plain)) return ipaddr.parseCIDR(plain)
  if (plain.includes('/') || !ipaddr.isValid(plain)) return undefined
  const address = ipaddr.parse(plain)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}

function overlap([a, aBits]: Range, [b, bBits]: Range): boolean {
  return a.kind() === b.kind() && a.match(b, Math.min(aBits, bBits))
}

/**
 * Whether a source lets in nobody but this user: own logins and tags, the node itself, groups of those. Names are
 * compared exactly: where a server ignores case, a rule too many is reported, never one too few.
 */
export function sourceStays(source: string, user: DeployedNode, aliases: Aliases): boolean {
  if (source.startsWith('group:')) {
    const members = aliases.groups.get(source)
    return members?.every((member) => ownLogin(member, user)) ?? false
  }
  if (source.startsWith('tag:')) return source === user.tag || user.tags.includes(source)
  // A name defined under hosts is an address, whatever it looks like.
  return !aliases.hosts.has(source.toLowerCase()) && ownLogin(source, user)
}

function ownLogin(text: string, user: DeployedNode): boolean {
  const plain = (login: string) => login.replace(/@$/, '')
  return user.logins.some((login) => plain(login) === plain(text))
}
