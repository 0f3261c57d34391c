import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { artefacts } from '../../../src/render/artefacts.ts'
import { deployment, embedded, inputs, user } from './fixture.ts'

function rendered(...args: Parameters<typeof embedded>) {
  const tree = artefacts(deployment([user(1, 'alice')], embedded(...args)), inputs)
  const text = String(tree.get('generated/headscale/config.yaml')!.content)
  const compose = parse(String(tree.get('generated/docker-compose.yml')!.content), { version: '1.1' })
  return { text, config: parse(text), service: compose.services.headscale, tree }
}

const own = { mode: 'own' as const, cert: '/etc/ssl/hs.pem', key: '/etc/ssl/hs.key' }

describe('the embedded Headscale', () => {
  it('ends TLS itself with an own certificate, read-only', () => {
    const { config, service } = rendered('https://hs.example.com', own)
    expect(config.listen_addr).toBe('0.0.0.0:443')
    expect(config.tls_cert_path).toBe('/etc/tmgen-tls/cert.pem')
    expect(service.volumes.slice(2)).toMatchObject([
      { source: '/etc/ssl/hs.pem', target: config.tls_cert_path, read_only: true },
      { source: '/etc/ssl/hs.key', target: config.tls_key_path, read_only: true },
    ])
    expect(service.ports).toEqual(['443:443/tcp', '3478:3478/udp'])
  })

  it('mounts a certificate whose path holds $ as it is', () => {
    const { service } = rendered('https://hs.example.com', { mode: 'own', cert: '/etc/$x/c.pem', key: '/etc/$x/k.pem' })
    expect(service.volumes.slice(2).map((v: { source: string }) => v.source)).toEqual([
      '/etc/$$x/c.pem',
      '/etc/$$x/k.pem',
    ])
  })

  it('asks ACME over TLS on 443, also when it listens elsewhere', () => {
    const { config, service } = rendered('https://hs.example.com:8443', { mode: 'acme', email: 'a@example.com' })
    expect(config.acme_email).toBe('a@example.com')
    expect(config.tls_letsencrypt_hostname).toBe('hs.example.com')
    expect(config.tls_letsencrypt_challenge_type).toBe('TLS-ALPN-01')
    expect(config.listen_addr).toBe('0.0.0.0:8443')
    expect(service.ports).toEqual(['8443:8443/tcp', '443:8443/tcp', '3478:3478/udp'])
  })

  it('says that plain http has no relay', () => {
    const { text, config, service } = rendered('http://192.168.1.10:8080')
    expect(text).toContain('there is none')
    expect(rendered('https://hs.example.com', own).text).not.toContain('there is none')
    expect(config).not.toHaveProperty('tls_cert_path')
    expect(service.ports).toEqual(['8080:8080/tcp', '3478:3478/udp'])
  })

  it('has its server name as alias on the uplink, and is never on shares', () => {
    expect(rendered('https://hs.example.com', own).service.networks).toEqual({
      uplink: { aliases: ['hs.example.com'] },
    })
    expect(rendered('http://192.168.1.10:8080').service.networks).toEqual({ uplink: {} })
    expect(rendered('http://[fd00::1]:8080').service.networks).toEqual({ uplink: {} })
  })

  it('keeps its admin socket inside the container and checks the clients of its relay', () => {
    const { config, service } = rendered('https://hs.example.com', own)
    const socketDir = config.unix_socket.replace(/\/[^/]*$/, '')
    expect(service.tmpfs.some((t: string) => t.startsWith(`${socketDir}:`) && t.includes('mode=0700'))).toBe(true)
    expect(service.volumes.map((v: { target: string }) => v.target)).not.toContain(socketDir)
    expect(config.grpc_listen_addr).toMatch(/^127\./)
    expect(config.metrics_listen_addr).toMatch(/^127\./)
    expect(config.derp.server.verify_clients).toBe(true)
  })

  it('looks for nothing on the internet: no other relays, no update check, no log server, no name servers', () => {
    const { config } = rendered('https://hs.example.com', own)
    expect(config.derp).toMatchObject({ urls: [], paths: [], auto_update_enabled: false })
    expect(config.disable_check_updates).toBe(true)
    expect(config.logtail.enabled).toBe(false)
    expect(config.dns).toMatchObject({ override_local_dns: false, nameservers: { global: [] } })
  })

  it('may bind low ports without a capability, as the owner of the workspace', () => {
    const { service } = rendered('https://hs.example.com', own)
    expect(service.sysctls).toEqual({ 'net.ipv4.ip_unprivileged_port_start': 0 })
    expect(service.user).toMatch(/^\$\{TMGEN_UID:\?.*\}:\$\{TMGEN_GID:\?.*\}$/)
    expect(service.cap_add).toBeUndefined()
  })

  it('is in no workspace of another provider', () => {
    const tree = artefacts(deployment([user(1, 'alice')]), inputs)
    expect([...tree.keys()].filter((path) => path.includes('headscale'))).toEqual([])
    expect(String(tree.get('generated/docker-compose.yml')!.content)).not.toContain('headscale')
  })
})
