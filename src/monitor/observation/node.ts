import { printable } from '../../ui/printable.ts'
import { most } from './bounds.ts'
import { type NodeLook, nodeLookSchema } from './schema.ts'

/** What the gateway's status says of one node, as far as it is looked at. */
export interface GatewayNode {
  state: string
  key_needed: boolean
  last_error: string
  connections: number
  bytes_in?: number
  bytes_out?: number
  /** What the tailnet calls it; `''`: not known. */
  dns_name?: string
  ips?: readonly string[]
  peers: readonly { path: string; connections: number; online?: boolean }[]
}

/**
 * One look at one user's node.
 * @param node `undefined`: the gateway does not answer; null: it does not know the node
 * @param samba health of the container in a word; null: not known
 */
export function nodeLookOf(node: GatewayNode | null | undefined, samba: string | null, at: number): NodeLook {
  const peers = node?.peers ?? []
  const connected = peers.filter(({ connections }) => connections > 0)
  const paths = (connected.length > 0 ? connected : peers).map(({ path }) => path)
  return {
    at,
    state: node === undefined ? null : (node?.state ?? 'unknown').slice(0, 40),
    keyNeeded: node?.key_needed ?? false,
    error: printable(node?.last_error ?? '').slice(0, most.noteLength),
    sessions: Math.min(countOf(node?.connections), 2 ** 20),
    present: presentOf(peers),
    path: paths.includes('relay') ? 'relay' : paths.includes('direct') ? 'direct' : null,
    bytesIn: countOf(node?.bytes_in),
    bytesOut: countOf(node?.bytes_out),
    samba: samba?.slice(0, 40) ?? null,
  }
}

/** A look at a node as the history keeps it, in two parts; `undefined`: it is of another version. */
export function seenNode(body: unknown, latest: unknown, at: number): NodeLook | undefined {
  return nodeLookSchema.safeParse({ ...(body as object), ...(latest as object), at }).data
}

/**
 * Traffic tells that a machine is there; no traffic does not tell that none is: a Mac that is on and does not back up sends
 * none. So without a word on who is online, silence is not known.
 */
function presentOf(peers: GatewayNode['peers']): boolean | null {
  if (peers.some(({ path, connections, online }) => connections > 0 || online === true || path !== 'idle')) return true
  return peers.length > 0 && peers.every(({ online }) => online === false) ? false : null
}

const countOf = (value = 0) => (Number.isSafeInteger(value) && value > 0 ? value : 0)
