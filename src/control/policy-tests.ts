import type { DeployedNode } from '../resolve/types.ts'
import type { NodeInfo } from './types.ts'

/** A test of the policy that the server runs whenever somebody changes it. */
export interface PolicyTest {
  src: string
  proto: 'tcp'
  accept?: string[]
  deny?: string[]
}

const targets = ({ tag, ports }: DeployedNode) => ports.map((port) => `${tag}:${port}`)

/** How many other nodes a test tries: with one for each of 200 people the policy would be mostly tests. */
const mostDenied = 20

/**
 * Tests that each login reaches its own node and not the next ones. Only for what is there: Headscale fails a test whose
 * source or destination has no address yet.
 * @param sources what of a user's logins and tags the policy names, as it names them
 * @param open users whose nodes a broader rule opens: a test that others cannot reach them would fail
 */
export function policyTests(
  users: readonly { user: DeployedNode; sources: readonly string[] }[],
  nodes: readonly NodeInfo[],
  open: ReadonlySet<string>,
): PolicyTest[] {
  const there = users.filter(({ user }) => nodes.some((node) => node.tags.includes(user.tag) && node.ips.length > 0))
  const isThere = (source: string) =>
    nodes.some((node) => {
      if (source.startsWith('tag:')) return node.tags.includes(source)
      return node.tags.length === 0 && node.user === source.replace(/@$/, '')
    })
  return there.flatMap(({ user, sources }, i) => {
    const next = [...there.slice(i + 1), ...there.slice(0, i)].map((one) => one.user)
    return sources.filter(isThere).map((src): PolicyTest => {
      const mayReach = (other: DeployedNode) => users.some((one) => one.user === other && one.sources.includes(src))
      const denied = next.filter((other) => !open.has(other.name) && !mayReach(other)).slice(0, mostDenied)
      const deny = denied.flatMap(targets)
      return { src, proto: 'tcp', accept: targets(user), ...(deny.length === 0 ? {} : { deny }) }
    })
  })
}
