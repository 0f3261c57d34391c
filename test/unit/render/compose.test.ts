import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { artefacts } from '../../../src/render/artefacts.ts'
import { composeEntry } from '../../../src/render/compose.ts'
import type { RenderInputs } from '../../../src/render/types.ts'
import type { DeployedUser, Deployment } from '../../../src/resolve/types.ts'
import { deployment, embedded, inputs, user } from './fixture.ts'

// biome-ignore lint/suspicious/noExplicitAny: a parsed compose file, looked into at any depth
type Compose = any

function compose(d: Deployment, i: RenderInputs = inputs): Compose {
  const text = String(artefacts(d, i).get('generated/docker-compose.yml')!.content)
  return parse(text, { version: '1.1', maxAliasCount: -1 })
}

const two = (change: Partial<DeployedUser> = {}) => deployment([user(1, 'alice'), user(2, 'bob', change)])
const many = (count: number) => deployment(Array.from({ length: count }, (_, i) => user(i + 1, `user-${i + 1}`)))

describe('the gateway service', () => {
  it('stays byte-identical when users are added within a block of 32', () => {
    const gateway = (count: number) => {
      const text = String(artefacts(many(count), inputs).get('generated/docker-compose.yml')!.content)
      return /\n {2}gateway:\n[\s\S]*?\n {2}samba-/.exec(text)![0]
    }
    expect(gateway(31)).toBe(gateway(1))
    expect(gateway(32)).toBe(gateway(1))
    expect(gateway(33)).not.toBe(gateway(32))
  })

  it('publishes UDP in blocks and no TCP port', () => {
    expect(compose(many(40)).services.gateway.ports).toEqual([
      '0.0.0.0:21000-21031:21000-21031/udp',
      '0.0.0.0:21032-21063:21032-21063/udp',
    ])
  })

  it('publishes for IPv6 where the uplink has it, and only there: a port costs a process for each', () => {
    const network = { ...deployment([]).network, ipv6: true }
    expect(compose(deployment([], { network })).services.gateway.ports).toEqual(['21000-21031:21000-21031/udp'])
  })

  it('mounts auth keys and its own state, and nothing of Samba', () => {
    const { volumes } = compose(two()).services.gateway
    const id = { type: 'bind', target: '/etc/tmgen/machine-id', bind: { create_host_path: false }, read_only: true }
    expect(volumes.map((v: { source: string }) => v.source)).toEqual([
      './generated/caddy',
      './secrets/gateway',
      './state/gateway',
      './state/status',
      './state/page',
      '${' + 'TMGEN_MACHINE_ID:-/dev/null}',
    ])
    expect(volumes[4]).toMatchObject({ target: '/run/tmgen-page', read_only: true })
    expect(volumes[5]).toMatchObject(id)
  })

  it('gets a hard limit above a large soft one', () => {
    const gateway = compose(deployment([], { gatewayMemory: 4 * 1024 ** 3 })).services.gateway
    expect(gateway.mem_limit).toBe('${' + 'TMGEN_GATEWAY_MEMORY:-6144m}')
  })
})

describe('every service', () => {
  it.each(['gateway', 'headscale', 'samba-alice', 'samba-bob'])('%s is hardened and bounded', (name) => {
    const d = deployment([user(1, 'alice'), user(2, 'bob')], embedded('https://hs.example.com'))
    const service = compose(d).services[name]
    expect(service).toMatchObject({
      restart: 'unless-stopped',
      init: true,
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      logging: { driver: 'json-file', options: { 'max-size': expect.any(String), 'max-file': expect.any(String) } },
      mem_limit: expect.any(String),
      pids_limit: expect.any(Number),
      stop_grace_period: expect.any(String),
    })
    for (const tmpfs of service.tmpfs) expect(tmpfs).toMatch(/^\/[a-z/]+:size=\d+m,/)
    for (const volume of service.volumes) {
      // In memory, and of this workspace alone.
      if (volume.type === 'volume' && /^status-u\d+$/.test(volume.source)) continue
      expect(volume).toMatchObject({
        type: 'bind',
        source: expect.stringMatching(/^(\.\/|\/|\$\{TMGEN_MACHINE_ID:-\/)/),
      })
      expect(volume.bind).toEqual({ create_host_path: false })
    }
    expect(service.image).toMatch(/^timemachine-(gateway|headscale|samba):[0-9a-f]{12}$/)
    expect(service.pull_policy).toBe('never')
    expect(service.depends_on).toBeUndefined()
  })
})

describe('the monitor', () => {
  const telling = () => ({ ...two(), monitor: { ...two().monitor, alerts: ['webhook'] as const } })
  const mounts = (d: Deployment, name: string) => compose(d).services[name].volumes

  it.each(['monitor', 'monitor-scanner'])('%s may do next to nothing', (name) => {
    const service = compose(telling()).services[name]
    expect(service).toMatchObject({
      restart: 'unless-stopped',
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      mem_limit: expect.any(String),
      pids_limit: 64,
    })
    expect(service.cap_add).toEqual(name === 'monitor' ? undefined : ['DAC_READ_SEARCH'])
    expect(service.ports).toBeUndefined()
    expect(service.depends_on).toBeUndefined()
    const writable = service.volumes.filter((v: { read_only?: boolean }) => v.read_only !== true)
    expect(writable.map((v: { source: string }) => v.source)).toEqual(
      name === 'monitor' ? ['./state/monitor', './state/page'] : ['looks'],
    )
  })

  it('who reads the shares has no network, and who has a network has no share', () => {
    for (const d of [two(), telling()]) {
      expect(compose(d).services['monitor-scanner'].network_mode).toBe('none')
      expect(compose(d).services['monitor-scanner'].networks).toBeUndefined()
      expect(mounts(d, 'monitor').some((v: { source: string }) => v.source.startsWith('/'))).toBe(false)
    }
    expect(mounts(two(), 'monitor-scanner').map((v: { target: string }) => v.target)).toEqual([
      '/etc/tmgen',
      '/run/tmgen-looks',
      '/var/lib/tmgen/bands',
      '/srv/tmgen/alice',
      '/run/tmgen-samba/alice',
      '/srv/tmgen/bob',
      '/run/tmgen-samba/bob',
    ])
  })

  it('what a Samba tells lies in memory, bounded: it alone writes there, and the scanner alone reads', () => {
    const { services, volumes } = compose(two())
    expect(Object.keys(volumes)).toEqual(['looks', 'status-u1', 'status-u2'])
    for (const [name, id] of [
      ['alice', 'u1'],
      ['bob', 'u2'],
    ]) {
      const source = `status-${id}`
      expect(volumes[source].driver_opts).toMatchObject({
        type: 'tmpfs',
        o: expect.stringMatching(/^size=3m,nr_inodes=16,/),
      })
      const users = Object.entries<{ volumes: { source: string; target: string; read_only?: boolean }[] }>(services)
      const mounts = users.flatMap(([service, { volumes }]) =>
        volumes.filter((one) => one.source === source).map((one) => [service, one.target, one.read_only ?? false]),
      )
      expect(mounts).toEqual([
        [`samba-${name}`, '/run/tmgen-status', false],
        ['monitor-scanner', `/run/tmgen-samba/${name}`, true],
      ])
    }
  })

  it('has a network of its own, and secrets, only where somebody is to be told', () => {
    expect(compose(two()).services.monitor.network_mode).toBe('none')
    expect(Object.keys(compose(two()).networks)).toEqual(['shares', 'uplink'])
    expect(JSON.stringify(mounts(two(), 'monitor'))).not.toContain('secrets')
    expect(compose(telling()).services.monitor.networks).toEqual({ alerts: {} })
    expect(Object.keys(compose(telling()).networks)).toEqual(['shares', 'uplink', 'alerts'])
    expect(JSON.stringify(mounts(telling(), 'monitor'))).toContain('./secrets/monitor')
  })

  it.each<[string, Deployment]>([
    ['one person', deployment([user(1, 'alice', { tell: { alerts: ['ntfy'], mail: null, ping: false } })])],
    ['a watch of one person', deployment([user(1, 'alice', { tell: { alerts: [], mail: null, ping: true } })])],
    ['a watch of the monitor', { ...two(), monitor: { ...two().monitor, ping: true } }],
  ])('has both where only %s is to be told', (_who, d) => {
    expect(compose(d).services.monitor.networks).toEqual({ alerts: {} })
    expect(compose(d).networks).toHaveProperty('alerts')
    expect(JSON.stringify(mounts(d, 'monitor'))).toContain('./secrets/monitor')
  })

  it('is healthy by what it wrote lately, and compose takes no part of that for a variable', () => {
    const testOf = (name: string) => compose(two()).services[name].healthcheck.test
    expect(testOf('monitor')).toEqual(['CMD-SHELL', '[ -n "$$(find /var/lib/tmgen/report.json -mmin -5)" ]'])
    expect(testOf('monitor-scanner')).toEqual(['CMD-SHELL', '[ -n "$$(find /run/tmgen-looks/due -newermt now)" ]'])
  })

  it('does not see who is disabled', () => {
    expect(JSON.stringify(mounts(two({ enabled: false }), 'monitor-scanner'))).not.toContain('bob')
  })
})

describe('a Samba service', () => {
  it('is on the internal network alone, at its fixed address', () => {
    const parsed = compose(two())
    expect(parsed.services['samba-bob'].networks).toEqual({ shares: { ipv4_address: '10.77.0.4' } })
    expect(parsed.services['samba-bob'].ports).toBeUndefined()
    expect(parsed.networks.shares).toEqual({
      internal: true,
      ipam: { config: [{ subnet: '10.77.0.0/22', gateway: '10.77.0.1', ip_range: '10.77.3.240/28' }] },
    })
  })

  it('sees the password and storage of its own user only', () => {
    const sources = compose(two()).services['samba-bob'].volumes.map((v: { source: string }) => v.source)
    expect(sources).toEqual(['./generated/users/bob', './secrets/smb/bob', '/srv/timemachine/bob', 'status-u2'])
  })

  const labels = (d: Deployment, i?: RenderInputs) =>
    Object.fromEntries(
      ['alice', 'bob'].map((name) => [name, compose(d, i).services[`samba-${name}`].labels['tmgen.config']]),
    )

  it.each<[string, Deployment, RenderInputs]>([
    ['a further Mac', two({ macs: [...two().users[1]!.macs, { name: 'imac', quota: '1T', quotaBytes: 1 }] }), inputs],
    ['another quota', two({ macs: [{ name: 'macbook', quota: '2T', quotaBytes: 1 }] }), inputs],
    ['another password', two(), { ...inputs, passwordVersions: { ...inputs.passwordVersions, bob: 'cccccccccccc' } }],
    ['another UID in the marker', two({ uid: 20099 }), inputs],
  ])('gets another label by %s, and the other user does not', (_, changed, changedInputs) => {
    const before = labels(two())
    const after = labels(changed, changedInputs)
    expect(after.bob).not.toBe(before.bob)
    expect(after.alice).toBe(before.alice)
  })

  it('is absent for a disabled user', () => {
    expect(Object.keys(compose(two({ enabled: false })).services)).toEqual([
      'gateway',
      'samba-alice',
      'monitor-scanner',
      'monitor',
    ])
  })

  it.each([
    "/mnt/it's a disk",
    '/mnt/$HOME/$' + '{X}',
    '/mnt/a: b #c',
    '/mnt/"q" \\n',
    '/mnt/*x',
    '/mnt/\u2028\u0085',
  ])('mounts the storage path %j as it is', (storage) => {
    const source = compose(two({ storage })).services['samba-bob'].volumes[2].source
    expect(source.replaceAll('$$', '$')).toBe(storage)
    expect(source.replaceAll('$$', '')).not.toContain('$')
  })

  it('is built in one place, whatever user comes first', () => {
    const services = compose(two()).services
    expect(services['samba-alice'].build).toEqual({ context: './generated/images/samba', args: {} })
    expect(services['samba-bob'].build).toBeUndefined()
    expect(services['samba-bob'].image).toBe(services['samba-alice'].image)
  })
})

describe('images', () => {
  it('takes a ready image as it is named, without a build and without its context', () => {
    const tree = artefacts({ ...two(), images: { samba: 'registry.example.com/samba:1' } }, inputs)
    const parsed = parse(String(tree.get('generated/docker-compose.yml')!.content), { version: '1.1' })
    const { image, build, pull_policy } = parsed.services['samba-alice']
    expect({ image, build, pull_policy }).toEqual({ image: 'registry.example.com/samba:1' })
    expect([...tree.keys()].filter((p) => p.includes('/images/samba/'))).toEqual([])
    expect([...tree.keys()].filter((p) => p.includes('/images/gateway/'))).toHaveLength(1)
  })

  it('passes base images as build arguments, and they change the tag', () => {
    const plain = compose(two()).services.gateway
    const changed = compose({ ...two(), images: { debian: 'my/debian:1', golang: 'my/go:1' } }).services.gateway
    expect(changed.build.args).toEqual({ DEBIAN_IMAGE: 'my/debian:1', GOLANG_IMAGE: 'my/go:1' })
    expect(changed.image).not.toBe(plain.image)
  })
})

describe('the networks', () => {
  it('gives the uplink an IPv6 subnet of its own when asked to', () => {
    const d = two()
    expect(compose(d).networks.uplink).toEqual({})
    const uplink = compose({ ...d, network: { ...d.network, ipv6: true } }).networks.uplink
    expect(uplink).toEqual({ enable_ipv6: true, ipam: { config: [{ subnet: 'fd00:c0ff:ee00::/64' }] } })
  })
})

describe('compose.yaml', () => {
  it('puts the own file and the generated one together in five lines', () => {
    expect(composeEntry('timemachine')).toBe(
      [
        'name: timemachine',
        'include:',
        '  - path:',
        '      - docker-compose.base.yml',
        '      - generated/docker-compose.yml',
        '    project_directory: "."',
        '',
      ].join('\n'),
    )
  })

  it('quotes a name that YAML takes for something else', () => {
    expect(composeEntry('on').split('\n')[0]).toBe('name: "on"')
  })
})

describe('1,000 users', () => {
  it('are rendered, and no order of them changes a byte', () => {
    const d = many(1000)
    const tree = artefacts(d, inputs)
    expect(artefacts({ ...d, users: d.users.toReversed() }, inputs)).toEqual(tree)
  })
})
