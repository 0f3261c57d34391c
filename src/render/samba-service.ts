import type { DeployedUser, Deployment } from '../resolve/types.ts'
import type { ImageSource } from './contexts.ts'
import { choice, common, imageOf, inMemory, target, volume } from './service-parts.ts'
import { Alias, Anchor, literal, type YamlMap, type YamlValue } from './yaml.ts'

/**
 * What the Samba image needs wherever it runs. NET_ADMIN and SETPCAP are for the entrypoint (firewall, bounding set): both
 * are gone before smbd starts.
 */
export const sambaNeeds = {
  cap_add: 'CHOWN DAC_OVERRIDE FOWNER NET_ADMIN NET_BIND_SERVICE SETGID SETPCAP SETUID'.split(' '),
  tmpfs: [
    '/tmp:size=16m,mode=1777',
    '/run:size=32m,mode=0755',
    '/var/lib/samba:size=32m,mode=0755',
    '/var/cache/samba:size=16m,mode=0755',
    '/var/log/samba:size=16m,mode=0755',
  ],
}

/** Whom a Samba container serves, as its entrypoint wants to know it. */
export const servedUser = (user: DeployedUser) => ({
  TMGEN_USER: user.name,
  TMGEN_USER_ID: user.id,
  TMGEN_UID: String(user.uid),
  TMGEN_SHARES: user.macs.map((mac) => mac.name).join(' '),
})

/**
 * Where one person's Samba tells the monitor what it does: in memory, so that whoever breaks into it can fill nothing but this.
 * Named by the id: a rename leaves it.
 */
export const statusVolume = (user: DeployedUser) => `status-${user.id}`

/** The volumes that `statusVolume` names. */
export function statusVolumes(users: readonly DeployedUser[]): YamlMap {
  const shared = new Anchor('samba-status', inMemory('3m', 16, '0700'))
  return Object.fromEntries(users.map((user, i) => [statusVolume(user), i === 0 ? shared : new Alias(shared)]))
}

/** What all Samba services share, each part written once in the file. */
export function sambaParts(deployment: Deployment, source: ImageSource) {
  const { build: _, ...image } = imageOf('samba', source)
  return {
    service: new Anchor('samba', {
      ...image,
      ...common,
      ...sambaNeeds,
      mem_limit: choice('TMGEN_SAMBA_MEMORY', '1g'),
      pids_limit: 128,
      stop_grace_period: '30s',
    }),
    environment: new Anchor('samba-environment', {
      TMGEN_WORKSPACE: deployment.workspace.id,
      TMGEN_GATEWAY_IP: deployment.network.gatewayIp,
    }),
    config: new Anchor('samba-config', target('/etc/tmgen', true)),
    password: new Anchor('samba-password', target('/run/secrets/tmgen', true)),
    storage: new Anchor('samba-storage', target('/srv/tmgen', false)),
  }
}

/**
 * One user's Samba. `configHash` changes with everything that the container reads at start only. The build stands in
 * one service alone (compose's hash of a service leaves it out, so that it may wander to another).
 */
export function sambaService(
  parts: ReturnType<typeof sambaParts>,
  user: DeployedUser,
  configHash: string,
  build: YamlValue | undefined,
): YamlMap {
  return {
    '<<': new Alias(parts.service),
    ...(build === undefined ? {} : { build }),
    hostname: user.hostname,
    environment: {
      '<<': new Alias(parts.environment),
      ...servedUser(user),
    },
    volumes: [
      { '<<': new Alias(parts.config), source: `./generated/users/${user.name}` },
      { '<<': new Alias(parts.password), source: `./secrets/smb/${user.name}` },
      { '<<': new Alias(parts.storage), source: literal(user.storage) },
      volume(statusVolume(user), '/run/tmgen-status', false),
    ],
    networks: { shares: { ipv4_address: user.ip } },
    labels: { 'tmgen.config': configHash },
  }
}

/** Build section of the Samba image, if tmgen builds it. */
export function sambaBuild(source: ImageSource): YamlValue | undefined {
  return imageOf('samba', source).build
}
