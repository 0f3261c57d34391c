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
  /** Who is connected, or was heard of within the last minute. */
  peers: readonly { path: string; connections: number }[]
  /** One of the person's machines is connected to the control server, idle or not; null: not known. */
  device_online?: boolean | null
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
    present: presentOf(peers, node?.device_online ?? null),
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
 * A connection tells that a machine is there, and else the control server's word. Where that is not known, traffic tells
 * that one is; no traffic does not tell that none is: a Mac that is on and does not back up sends none.
 */
function presentOf(peers: GatewayNode['peers'], online: boolean | null): boolean | null {
  if (peers.some(({ connections }) => connections > 0)) return true
  if (online !== null) return online
  return peers.some(({ path }) => path !== 'idle') ? true : null
}

const countOf = (value = 0) => (Number.isSafeInteger(value) && value > 0 ? value : 0)
