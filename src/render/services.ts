import { udpBlock } from '../config/check-network.ts'
import type { DeployedUser, Deployment } from '../resolve/types.ts'
import type { ImageSource } from './contexts.ts'
import { Alias, Anchor, literal, type YamlValue } from './yaml.ts'

type Map = { [key: string]: YamlValue }

const MiB = 1024 ** 2

/** A variable that a person may set in .env. */
const choice = (name: string, fallback: string) => `\${${name}:-${fallback}}`
const required = (name: string) => `\${${name}:?is not set in .env}`
const owner = `${required('TMGEN_UID')}:${required('TMGEN_GID')}`

/** What every service has; logging and limits take a person's choice from .env. */
const common = {
  restart: 'unless-stopped',
  init: true,
  read_only: true,
  cap_drop: ['ALL'],
  security_opt: ['no-new-privileges:true'],
  logging: {
    driver: 'json-file',
    options: { 'max-size': choice('TMGEN_LOG_SIZE', '10m'), 'max-file': choice('TMGEN_LOG_FILES', '3') },
  },
} satisfies Map

/** Where a mount goes. The source must exist: an absent disk must not become an empty folder. */
function target(path: string, readOnly: boolean): Map {
  const bind: Map = { type: 'bind', target: path, bind: { create_host_path: false } }
  return readOnly ? { ...bind, read_only: true } : bind
}

function mount(source: string, path: string, readOnly: boolean): Map {
  return { source: literal(source), ...target(path, readOnly) }
}

/**
 * `image`, and how to build it. `never` keeps compose from asking a registry for a name that is ours alone
 * (whoever owned it there could put a foreign image into the stack).
 */
function imageOf(name: string, source: ImageSource, withBuild = true): Map {
  if (!source.build) return { image: literal(source.image) }
  const image: Map = { image: source.image, pull_policy: 'never' }
  if (!withBuild) return image
  const args = Object.fromEntries(Object.entries(source.build.args).map(([k, v]) => [k, literal(v)]))
  return { ...image, build: { context: `./generated/images/${name}`, args } }
}

/** Hard limit of the gateway in MiB. It depends on the blocks alone, so that a user within a block changes nothing. */
function gatewayMemory(deployment: Deployment, blocks: number): number {
  // The process holds to its soft limit; measured: 420 MiB after load at a soft limit of 512 MiB, 1.1 MiB a node idle.
  const byBlocks = 1024 + blocks * 128
  const bySoftLimit = Math.ceil((deployment.gatewayMemory * 1.5) / (1024 * MiB)) * 1024
  return deployment.gatewayMemory * 1.5 > byBlocks * MiB ? bySoftLimit : byBlocks
}

/** The gateway's service: nothing in it belongs to one user. */
export function gatewayService(deployment: Deployment, source: ImageSource): Map {
  const { from, to } = deployment.network.udp
  const ports: string[] = []
  for (let port = from; port <= to; port += udpBlock) {
    const range = `${port}-${Math.min(port + udpBlock - 1, to)}`
    ports.push(`${range}:${range}/udp`)
  }
  return {
    ...imageOf('gateway', source),
    ...common,
    command: ['run', '--config', '/etc/tmgen/caddy/config.json'],
    user: owner,
    tmpfs: ['/tmp:size=16m,mode=1777'],
    mem_limit: choice('TMGEN_GATEWAY_MEMORY', `${gatewayMemory(deployment, ports.length)}m`),
    pids_limit: 1024,
    stop_grace_period: '10s',
    volumes: [
      mount('./generated/caddy', '/etc/tmgen/caddy', true),
      mount('./secrets/gateway', '/run/secrets/tmgen', true),
      mount('./state/gateway', '/var/lib/tmgen', false),
      mount('./state/status', '/run/tmgen', false),
    ],
    networks: { shares: { ipv4_address: deployment.network.gatewayIp }, uplink: {} },
    ports,
    labels: { 'tmgen.workspace': deployment.workspace.id },
  }
}

/** What all Samba services share, each part written once in the file. */
export function sambaParts(deployment: Deployment, source: ImageSource) {
  const { build: _, ...image } = imageOf('samba', source)
  return {
    service: new Anchor('samba', {
      ...image,
      ...common,
      // NET_ADMIN and SETPCAP are for the entrypoint (firewall, bounding set): both are gone before smbd starts.
      cap_add: 'CHOWN DAC_OVERRIDE FOWNER NET_ADMIN NET_BIND_SERVICE SETGID SETPCAP SETUID'.split(' '),
      tmpfs: [
        '/tmp:size=16m,mode=1777',
        '/run:size=32m,mode=0755',
        '/var/lib/samba:size=32m,mode=0755',
        '/var/cache/samba:size=16m,mode=0755',
        '/var/log/samba:size=16m,mode=0755',
      ],
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
): Map {
  return {
    '<<': new Alias(parts.service),
    ...(build === undefined ? {} : { build }),
    hostname: user.hostname,
    environment: {
      '<<': new Alias(parts.environment),
      TMGEN_USER: user.name,
      TMGEN_USER_ID: user.id,
      TMGEN_UID: String(user.uid),
      TMGEN_SHARES: user.macs.map((m) => m.name).join(' '),
    },
    volumes: [
      { '<<': new Alias(parts.config), source: `./generated/users/${user.name}` },
      { '<<': new Alias(parts.password), source: `./secrets/smb/${user.name}` },
      { '<<': new Alias(parts.storage), source: literal(user.storage) },
    ],
    networks: { shares: { ipv4_address: user.ip } },
    labels: { 'tmgen.config': configHash },
  }
}

/** Build section of the Samba image, if tmgen builds it. */
export function sambaBuild(source: ImageSource): YamlValue | undefined {
  return imageOf('samba', source).build
}

/** Headscale of our own; `server` is where Macs and the gateway reach it. */
export function headscaleService(
  deployment: Deployment,
  source: ImageSource,
  server: { host: string; port: number; isIp: boolean },
): Map {
  const { control } = deployment
  if (control.provider !== 'embedded') throw new TypeError('no embedded Headscale in this deployment')
  const { port } = server
  const ports = [`${port}:${port}/tcp`, '3478:3478/udp']
  // ACME's TLS-ALPN challenge always comes to 443.
  if (control.tls?.mode === 'acme' && port !== 443) ports.splice(1, 0, `443:${port}/tcp`)
  const tls = control.tls?.mode === 'own' ? control.tls : undefined
  return {
    ...imageOf('headscale', source),
    ...common,
    command: ['serve'],
    user: owner,
    tmpfs: [
      '/tmp:size=16m,mode=1777',
      // Holds the admin socket: in this container alone.
      `/var/run/headscale:size=1m,mode=0700,uid=${required('TMGEN_UID')},gid=${required('TMGEN_GID')}`,
    ],
    mem_limit: choice('TMGEN_HEADSCALE_MEMORY', '1g'),
    pids_limit: 512,
    stop_grace_period: '10s',
    sysctls: { 'net.ipv4.ip_unprivileged_port_start': 0 },
    volumes: [
      mount('./generated/headscale', '/etc/headscale', true),
      mount('./state/headscale', '/var/lib/headscale', false),
      ...(tls
        ? [mount(tls.cert, '/etc/tmgen-tls/cert.pem', true), mount(tls.key, '/etc/tmgen-tls/key.pem', true)]
        : []),
    ],
    networks: { uplink: server.isIp ? {} : { aliases: [server.host] } },
    ports,
    healthcheck: {
      test: ['CMD', 'headscale', 'health'],
      interval: '10s',
      timeout: '5s',
      start_period: '20s',
      retries: 3,
    },
    labels: { 'tmgen.workspace': deployment.workspace.id },
  }
}
