import type { Deployment } from '../resolve/types.ts'
import type { ImageSource } from './contexts.ts'
import { oidcSecret, serverOf } from './headscale.ts'
import { choice, common, imageOf, mount, owner, required } from './service-parts.ts'
import type { YamlMap } from './yaml.ts'

/**
 * Headscale of our own, on the uplink alone, under its server name there as well.
 * @param files see RenderInputs.headscaleFiles
 */
export function headscaleService(deployment: Deployment, source: ImageSource, files: string | undefined): YamlMap {
  const { control } = deployment
  if (control.provider !== 'embedded') throw new TypeError('no embedded Headscale in this deployment')
  const server = serverOf(deployment)
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
      ...(control.oidc ? [mount(control.oidc.secretFile, oidcSecret, true)] : []),
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
    labels: {
      'tmgen.workspace': deployment.workspace.id,
      ...(files === undefined ? {} : { 'tmgen.files': files }),
    },
  }
}
