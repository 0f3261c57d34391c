import { isIP } from 'node:net'
import type { Deployment } from '../resolve/types.ts'
import { madeBy } from './marker.ts'
import { toYaml, type YamlMap } from './yaml.ts'

/** Region number of the embedded relay: Headscale's own example uses it; Tailscale's regions end far below. */
const derpRegion = 999

/** Where the container finds the OIDC client secret; the file itself is the person's. */
export const oidcSecret = '/etc/tmgen-oidc/client_secret'

/** Where an embedded Headscale is reached: the host of its URL (no brackets) and its TCP port. */
export function serverOf(deployment: Deployment): { host: string; port: number; isIp: boolean; https: boolean } {
  const url = new URL(deployment.controlUrl)
  const https = url.protocol === 'https:'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return { host, port: Number(url.port) || (https ? 443 : 80), isIp: isIP(host) !== 0, https }
}

/** generated/headscale/config.yaml as a value: the keys that were run with Headscale 0.29.3. */
export function headscaleConfig(deployment: Deployment): YamlMap {
  const { control } = deployment
  if (control.provider !== 'embedded') throw new TypeError('no embedded Headscale in this deployment')
  const server = serverOf(deployment)
  return {
    server_url: deployment.controlUrl,
    listen_addr: `0.0.0.0:${server.port}`,
    // Metrics and remote administration: for nobody outside the container.
    metrics_listen_addr: '127.0.0.1:9090',
    grpc_listen_addr: '127.0.0.1:50443',
    ...tls(control, server.host),
    noise: { private_key_path: '/var/lib/headscale/noise_private.key' },
    prefixes: { v4: '100.64.0.0/10', v6: 'fd7a:115c:a1e0::/48', allocation: 'sequential' },
    derp: {
      server: {
        enabled: true,
        region_id: derpRegion,
        region_code: 'tmgen',
        region_name: 'tmgen',
        verify_clients: true,
        stun_listen_addr: '0.0.0.0:3478',
        private_key_path: '/var/lib/headscale/derp_server_private.key',
        automatically_add_embedded_derp_region: true,
      },
      urls: [],
      paths: [],
      auto_update_enabled: false,
    },
    disable_check_updates: true,
    database: { type: 'sqlite', sqlite: { path: '/var/lib/headscale/db.sqlite', write_ahead_log: true } },
    log: { level: 'info', format: 'text' },
    policy: { mode: 'database' },
    dns: {
      magic_dns: true,
      base_domain: control.baseDomain,
      override_local_dns: false,
      nameservers: { global: [] },
    },
    unix_socket: '/var/run/headscale/headscale.sock',
    unix_socket_permission: '0700',
    ...(control.oidc ? { oidc: oidc(control.oidc) } : {}),
    logtail: { enabled: false },
  }
}

type Embedded = Extract<Deployment['control'], { provider: 'embedded' }>

function tls(control: Embedded, host: string): YamlMap {
  if (control.tls?.mode === 'own') {
    return { tls_cert_path: '/etc/tmgen-tls/cert.pem', tls_key_path: '/etc/tmgen-tls/key.pem' }
  }
  if (control.tls?.mode === 'acme') {
    return {
      acme_email: control.tls.email,
      tls_letsencrypt_hostname: host,
      tls_letsencrypt_cache_dir: '/var/lib/headscale/acme',
      tls_letsencrypt_challenge_type: 'TLS-ALPN-01',
    }
  }
  return {}
}

function oidc(settings: NonNullable<Embedded['oidc']>): YamlMap {
  const list = (name: string, values: readonly string[]): YamlMap =>
    values.length === 0 ? {} : { [name]: [...values] }
  return {
    issuer: settings.issuer,
    client_id: settings.clientId,
    client_secret_path: oidcSecret,
    scope: [...settings.scopes],
    ...list('allowed_domains', settings.allowedDomains),
    ...list('allowed_users', settings.allowedUsers),
    ...list('allowed_groups', settings.allowedGroups),
    pkce: { enabled: settings.pkce, method: 'S256' },
  }
}

/** Text of generated/headscale/config.yaml. */
export function headscaleText(deployment: Deployment, config: YamlMap): string {
  const noRelay = [
    'Plain http: clients speak to a relay over TLS only, so there is none. The DERP section serves STUN, and Macs',
    'reach their node on a direct path or not at all (fine inside a LAN). With an https URL the relay works too.',
  ]
  return toYaml([madeBy, ...(serverOf(deployment).https ? [] : noRelay)], config)
}
