import { describe, expect, it } from 'vitest'
import { artefacts } from '../../../src/render/artefacts.ts'
import { deployment, embedded, inputs, user } from './fixture.ts'

const config = (d: ReturnType<typeof deployment>) =>
  JSON.parse(String(artefacts(d, inputs).get('generated/caddy/config.json')!.content))

describe('the gateway config', () => {
  it('has a node and a route for each user, and paths as in the container', () => {
    expect(config(deployment([user(1, 'alice', { allow: ['alice@example.com', 'tag:macs'] })]))).toEqual({
      admin: { disabled: true, config: { persist: false } },
      apps: {
        tailscale: {
          control_url: 'https://controlplane.tailscale.com',
          state_dir: '/var/lib/tmgen',
          memory_limit: 470286336,
          status_socket: '/run/tmgen/status.sock',
          nodes: {
            alice: {
              hostname: 'tm-alice',
              port: 21000,
              auth_key_file: '/run/secrets/tmgen/alice.authkey',
              allow: ['alice@example.com', 'tag:macs'],
            },
          },
        },
        layer4: {
          servers: {
            alice: {
              listen: ['tailscale/alice:445'],
              routes: [{ handle: [{ handler: 'relay', upstream: '10.77.0.3:445' }] }],
            },
          },
        },
      },
    })
  })

  it('leaves a disabled user out', () => {
    const { apps } = config(deployment([user(1, 'alice'), user(2, 'bob', { enabled: false })]))
    expect(Object.keys(apps.tailscale.nodes)).toEqual(['alice'])
    expect(Object.keys(apps.layer4.servers)).toEqual(['alice'])
  })

  it('does not change when users change places', () => {
    const users = [user(1, 'zoe'), user(2, 'adam')]
    const text = (list: typeof users) => artefacts(deployment(list), inputs).get('generated/caddy/config.json')
    expect(text(users.toReversed())).toEqual(text(users))
  })

  it('registers the nodes with the embedded Headscale at its public name', () => {
    const { apps } = config(deployment([], embedded('https://hs.example.com')))
    expect(apps.tailscale.control_url).toBe('https://hs.example.com')
    expect(apps.tailscale.nodes).toEqual({})
  })
})
