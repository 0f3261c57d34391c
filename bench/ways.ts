import { addressOf, type Client, type Stack, startSamba } from '../test/lab/support/index.ts'
import { startPair } from './pair.ts'
import { startSidecar } from './sidecar.ts'

/** One way to a Samba server. */
export interface Way {
  what: string
  host: string
  /** Node of the tailnet whose path must be direct, and the container whose memory counts. */
  tailnet?: { node: string; container: string }
}

/** Alice's. */
export const share = 'macbook'

export type Ways = Record<'direct' | 'kernel' | 'userspace' | 'gateway', Way>

/** The started stack of a pair, and every way from alice's client to a Samba of her smb.conf and password. */
export async function startWays(): Promise<{ stack: Stack; client: Client; ways: Ways }> {
  const { stack, client } = await startPair()
  await stack.up()
  await stack.running('alice', 'bob')
  await stack.session(client, 'alice', share)
  return { stack, client, ways: await makeWays(stack, client) }
}

/** `what` of a direct way is plain Samba; the other three go through a node. */
async function makeWays(stack: Stack, client: Client): Promise<Ways> {
  const lanIp = (container: { id: string }) => addressOf(container, stack.lan.name)
  const sidecar = async (mode: 'kernel' | 'userspace', what: string): Promise<Way> => {
    const { tailscaled, node } = await startSidecar(stack, client, mode)
    return { what, host: await client.peerIp(node), tailnet: { node, container: tailscaled.id } }
  }
  const samba = await startSamba(stack, 'direct', await lanIp(client), stack.lan.name)
  const { id: container } = await stack.containerOf('gateway')
  const host = await client.peerIp('tm-alice')
  const gateway = { what: 'tmgen gateway', host, tailnet: { node: 'tm-alice', container } }
  return {
    direct: { what: 'Samba directly, no tailnet', host: await lanIp(samba) },
    kernel: await sidecar('kernel', 'tailscaled sidecar, kernel TUN'),
    userspace: await sidecar('userspace', 'tailscaled sidecar, userspace networking'),
    gateway,
  }
}

/** Throws unless packets of this way go straight to its node. */
export async function mustBeDirect(client: Client, { tailnet }: Way): Promise<void> {
  if (!tailnet) return
  const { path, via } = await client.path(tailnet.node)
  if (path !== 'direct') throw new Error(`the path to ${tailnet.node} is not direct, but by ${via}`)
}
