import { readdirSync, readFileSync } from 'node:fs'
import { monitorSchema } from '../../../src/config/monitor-schema.ts'
import { hostPolicyOf, policyOf, verifyOf } from '../../../src/monitor/rules/index.ts'
import type { RenderInputs } from '../../../src/render/types.ts'
import type { DeployedUser, Deployment } from '../../../src/resolve/types.ts'

const monitor = monitorSchema.parse(undefined)
const folder = new URL('../../../templates/', import.meta.url)

/** The package's templates by file name. */
export const templates: Record<string, string> = Object.fromEntries(
  readdirSync(folder).map((name) => [name, readFileSync(new URL(name, folder), 'utf8')]),
)

/** Small fixed build contexts, so that no test changes with the sources of the images. */
export const inputs: RenderInputs = {
  passwordVersions: { alice: '0123456789ab', bob: 'ba9876543210' },
  contexts: {
    gateway: new Map([['Dockerfile', { content: 'FROM scratch\n# gateway\n', mode: 0o644 }]]),
    samba: new Map([
      ['Dockerfile', { content: 'FROM scratch\n# samba\n', mode: 0o644 }],
      ['entrypoint', { content: '#!/bin/sh\n', mode: 0o755 }],
    ]),
    headscale: new Map([['Dockerfile', { content: 'FROM scratch\n# headscale\n', mode: 0o644 }]]),
    monitor: new Map([['Dockerfile', { content: 'FROM scratch\n# monitor\n', mode: 0o644 }]]),
  },
  templates,
}

/** The n-th user (from 1), as resolve would deal numbers. */
export function user(n: number, name: string, change: Partial<DeployedUser> = {}): DeployedUser {
  return {
    id: `u${n}`,
    nodeId: `n${n}`,
    name,
    uid: 20000 + n,
    imported: false,
    ip: `10.77.${(n + 2) >> 8}.${(n + 2) & 255}`,
    udpPort: 20999 + n,
    hostname: `tm-${name}`,
    pinEpoch: 0,
    tag: `tag:tm-${name}`,
    allow: [`${name}@example.com`],
    logins: [`${name}@example.com`],
    tags: [],
    enabled: true,
    storage: `/srv/timemachine/${name}`,
    macs: [{ name: 'macbook', quotaBytes: 1024 ** 4, quota: '1T' }],
    watch: policyOf(monitor, undefined),
    tell: { alerts: [], mail: null, ping: false },
    ports: [445],
    ...change,
  }
}

/** A deployment with these users and, unless changed, everything else at its default. */
export function deployment(users: DeployedUser[], change: Partial<Deployment> = {}): Deployment {
  const url = 'https://controlplane.tailscale.com'
  const blocks = Math.max(1, Math.ceil(users.length / 32))
  return {
    workspace: { id: '00c0ffee00c0ffee', name: 'timemachine' },
    host: 'local',
    control: { provider: 'manual', url, keyExpiry: '72h' },
    controlUrl: url,
    network: {
      subnet: '10.77.0.0/22',
      bridgeIp: '10.77.0.1',
      gatewayIp: '10.77.0.2',
      dynamicRange: '10.77.3.240/28',
      ipv6: false,
      udp: { from: 21000, to: 21000 + 32 * blocks - 1 },
    },
    gatewayMemory: 470286336,
    storageRoot: '/srv/timemachine',
    images: {},
    monitor: { policy: hostPolicyOf(monitor), verify: verifyOf(monitor), alerts: [], mail: null, ping: false },
    users,
    retired: [],
    overcommit: false,
    ...change,
  }
}

/** Changes that make a deployment one with an embedded Headscale. */
export function embedded(
  url: string,
  tls?: { mode: 'own'; cert: string; key: string } | { mode: 'acme'; email: string },
): Partial<Deployment> {
  return {
    control: { provider: 'embedded', url, baseDomain: 'tailnet.internal', keyExpiry: '72h', ...(tls ? { tls } : {}) },
    controlUrl: url,
  }
}
