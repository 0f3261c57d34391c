import { pagePort } from '../resolve/ports.ts'
import type { DeployedNode, Deployment } from '../resolve/types.ts'
import { nodesByName, usersByName } from './marker.ts'
import { nodePages, pageMount } from './pages.ts'

const relay = (node: string, port: number, upstream: string) => ({
  listen: [`tailscale/${node}:${port}`],
  routes: [{ handle: [{ handler: 'relay', upstream }] }],
})

/**
 * generated/caddy/config.json: what the gateway serves, paths as seen in its container. Nodes by name, so that the
 * same people give the same bytes (the gateway reloads when the bytes change).
 */
export function caddyConfig(deployment: Deployment): object {
  // A node amid a change of its key has no route; its share goes on.
  const hasRoute = ({ rekeying }: DeployedNode) => rekeying === undefined
  const nodes = nodesByName(deployment).filter(hasRoute)
  const users = usersByName(deployment).filter(hasRoute)
  return {
    // Caddy's own admin API can change everything; the gateway follows the file instead.
    admin: { disabled: true, config: { persist: false } },
    apps: {
      tailscale: {
        control_url: deployment.controlUrl,
        state_dir: '/var/lib/tmgen',
        memory_limit: deployment.gatewayMemory,
        status_socket: '/run/tmgen/status.sock',
        nodes: Object.fromEntries(
          nodes.map((u) => [
            u.name,
            {
              hostname: u.hostname,
              port: u.udpPort,
              auth_key_file: `/run/secrets/tmgen/${u.name}.authkey`,
              allow: u.allow,
              ...(u.pinEpoch === 0 ? {} : { pin_epoch: u.pinEpoch }),
            },
          ]),
        ),
      },
      layer4: {
        servers: Object.fromEntries([
          ...users.map((u) => [u.name, relay(u.name, 445, `${u.ip}:445`)]),
          // A slash is in no node's name.
          ...nodePages(nodes).map(({ node, socket }) => [
            `${node}/page`,
            relay(node, pagePort, `unix/${pageMount}/${socket}`),
          ]),
        ]),
      },
    },
  }
}
