import { beforeEach, describe, expect, test } from 'vitest'
import { checks, examine, type Patient } from '../../../src/doctor/index.ts'
import { fail, ok, worst } from '../../../src/doctor/types.ts'
import { TmgenError } from '../../../src/errors.ts'
import { isBefore, versionOf } from '../../../src/version.ts'
import { dir, Scene } from '../cli/scene.ts'
import { reportOf } from '../monitor/people.ts'

let scene: Scene
/** What the parts of a healthy machine answer; tests make one of them ill. */
let info: Record<string, unknown>
let compose: string
let nodes: Record<string, Record<string, unknown>>
let services: Record<string, unknown>[]
let health: string
let smbd: string
let date: string | undefined
let report: Record<string, unknown>
/** The scene's clock. */
const now = Date.parse('2026-01-02T03:04:05Z')
const proc = (): Record<string, string> => ({
  '/proc/sys/kernel/osrelease': '6.1.0-13-amd64',
  '/proc/sys/net/core/rmem_max': '7500000',
  '/proc/sys/net/core/wmem_max': '7500000',
})
const policy = (src: string) => JSON.stringify({ grants: [{ src: [src], dst: ['tag:tm-alice'], ip: ['tcp:445'] }] })
const headscaleNode = (id: string, name: string) => ({
  id,
  name,
  givenName: name,
  tags: ['tag:tm-alice'],
  online: true,
})

const said = (stdout: string) => ({ exitCode: 0, stdout, stderr: '' })
const nothing = { exitCode: 1, stdout: '', stderr: 'Cannot connect to the Docker daemon' }

beforeEach(async () => {
  scene = await Scene.with('headscale')
  await scene.tmgen('add user alice --login alice@example.com --mac macbook --quota 1T')
  scene.headscale.policy = policy('alice@example.com')
  scene.headscale.nodes = [headscaleNode('1', 'tm-alice')]
  scene.options = { host: { proc: proc() } }
  date = 'Fri, 02 Jan 2026 03:04:05 GMT'
  const { fetch } = scene.headscale
  scene.headscale.fetch = async (input, init) => {
    const { pathname } = new URL(String(input))
    if (pathname === '/health') return new Response('{}', { headers: date === undefined ? {} : { date } })
    if (pathname === '/version') return Response.json({ version: 'v0.29.3' })
    return fetch(input, init)
  }
  info = {
    ServerVersion: '27.1.0',
    MemoryLimit: true,
    PidsLimit: true,
    SecurityOptions: ['name=seccomp,profile=default'],
  }
  compose = '2.29.0\n'
  nodes = {
    alice: {
      state: 'running',
      dns_name: 'tm-alice.example.net',
      peers: [{ node: 'mac', path: 'direct', connections: 1 }],
      systems: [{ node: 'mac', system: 'macOS 26.5' }],
    },
  }
  services = ['samba-alice', 'monitor-scanner', 'monitor'].map((name, i) => ({
    ID: `c${i}`,
    Service: name,
    State: 'running',
    Health: 'healthy',
  }))
  report = { ...reportOf(0), at: now - 30_000, lookedAt: now - 240_000 }
  putReport()
  health = 'serving; firewall on\n'
  smbd = 'Version 4.22.11-Debian\n'
  scene.dockerAnswer = (args) => {
    if (args[0] === 'info') return said(JSON.stringify(info))
    if (args[0] === 'inspect') return said(`${JSON.stringify({ Log: [{ Output: health }] })}\n`)
    if (args[1] === 'version') return said(compose)
    if (args[1] === 'ps') return said(services.map((one) => JSON.stringify(one)).join('\n'))
    if (args[1] === 'exec') return said(args.includes('smbd') ? smbd : JSON.stringify({ nodes }))
    return nothing
  }
  const bundle = '/srv/tm/alice/macbook/Alice.sparsebundle'
  scene.disk.put(`${bundle}/bands/0`, 'x')
  // The disk in memory knows no owners: everything is root's.
  scene.disk.put(`${dir}/.env`, 'TMGEN_UID=0\nTMGEN_GID=0\n')
})

interface Told {
  checks: { name: string; verdict: string; says: string[]; remedy?: string }[]
  failed: number
}

function putReport(): void {
  const path = `${dir}/state/monitor/report.json`
  if (report.version) scene.disk.put(path, JSON.stringify(report))
  else scene.disk.remove(path)
}

async function told(): Promise<{ code: number } & Told> {
  putReport()
  const { code, stdout } = await scene.tmgen('doctor --json')
  return { code, ...(JSON.parse(stdout) as Told) }
}

async function verdict(name: string): Promise<[string, string]> {
  const found = (await told()).checks.find((one) => one.name === name)
  if (!found) throw new Error(`no check ${name}`)
  return [found.verdict, found.says.join('\n')]
}

describe('how much is free', () => {
  const GiB = 2 ** 30
  const put = (name: string, device: number, total: number, free: number) =>
    scene.disk.spaces.set(`/srv/tm/${name}`.replace(/\/$/, ''), { ...scene.disk.space, device, total, free })
  const mounted = (type: string, source: string, path = '/srv/tm/alice') =>
    at({ mounts: [{ device: '7:0', root: '/', path, type, source }] })()

  test.each([
    ['an image file', 'ext4', '/dev/loop0'],
    ['a refquota', 'zfs', 'tank/alice'],
  ])('%s that is full by its quotas is no full disk', async (_what, type, source) => {
    put('alice', 2, 1024 * GiB, 1000)
    expect((await verdict('space'))[0]).toBe('fail')
    mounted(type, source)
    expect((await verdict('space'))[0]).toBe('ok')
    put('alice', 2, 1000 * GiB, 1000)
    expect(await verdict('space')).toEqual(['fail', expect.stringMatching(/disk of \/srv\/tm\/alice/)])
  })

  test('subvolumes of one Btrfs are one disk, that is told once', async () => {
    await scene.tmgen('add user bob --login bob@example.com --mac mini --quota 1T')
    for (const [name, device] of [['', 1] as const, ['alice', 2] as const, ['bob', 3] as const])
      put(name, device, 4096 * GiB, 1000)
    mounted('btrfs', '/dev/sdb', '/srv/tm')
    expect((await verdict('space'))[1].match(/are free/g)).toHaveLength(1)
  })

  test('a folder with a project quota is not asked', async () => {
    scene.disk.spaces.set('/srv/tm/alice/.tmgen.json', { ...scene.disk.space, device: 2 })
    put('alice', 2, 1024 * GiB, 0)
    expect((await verdict('space'))[0]).toBe('ok')
  })
})

test('a healthy machine: every check looks, and all but the owner (no UIDs in memory) is ok', async () => {
  const all = (await told()).checks
  expect(all.filter((one) => one.verdict !== 'ok').map((one) => [one.name, ...one.says])).toEqual([
    ['share-owner', '/srv/tm/alice/macbook belongs to UID 0, not to 20001 (alice)'],
  ])
  expect(all.length).toBe(checks.length)
})

const at = (host: object) => () => {
  scene.options = { host: { proc: proc(), ...host } }
}
const set = (name: '/proc/sys/kernel/osrelease' | '/proc/sys/net/core/rmem_max', value: string) =>
  at({ proc: { ...proc(), [name]: value } })
const plist = (body: string) => `<plist version="1.0"><dict>${body}</dict></plist>`

// What is made ill; the check that must say so; its verdict; what it must name.
test.each<[string, () => unknown, string, string, RegExp]>([
  ['a config with a fault', () => scene.disk.put(`${dir}/tmgen.yaml`, 'version: 9\n'), 'workspace', 'fail', /version/],
  [
    '.env of another',
    () => scene.disk.put(`${dir}/.env`, 'TMGEN_UID=7\nTMGEN_GID=0\n'),
    'workspace-owner',
    'fail',
    /0:0.*7:0/,
  ],
  ['no .env', () => scene.disk.remove(`${dir}/.env`), 'workspace-owner', 'fail', /\.env is missing/],
  [
    'no Docker',
    () => {
      scene.dockerAnswer = () => nothing
    },
    'docker',
    'fail',
    /Cannot connect to the Docker daemon/,
  ],
  [
    'an old Docker',
    () => {
      info.ServerVersion = '19.03.8'
    },
    'docker',
    'fail',
    /19\.03\.8 is older than 20\.10/,
  ],
  [
    'an old Compose',
    () => {
      compose = '2.17.3\n'
    },
    'compose',
    'fail',
    /2\.17\.3 is older than 2\.20/,
  ],
  [
    'userns-remap',
    () => {
      info.SecurityOptions = ['name=userns']
    },
    'user-namespaces',
    'fail',
    /userns-remap/,
  ],
  [
    'rootless',
    () => {
      info.SecurityOptions = ['name=rootless']
    },
    'user-namespaces',
    'fail',
    /rootless/,
  ],
  [
    'no memory cgroup',
    () => {
      info.MemoryLimit = false
    },
    'limits',
    'warn',
    /memory/,
  ],
  ['an old kernel', set('/proc/sys/kernel/osrelease', '4.9.0'), 'kernel', 'warn', /4\.9\.0/],
  ['small buffers', set('/proc/sys/net/core/rmem_max', '212992'), 'udp-buffers', 'warn', /rmem_max is 212992/],
  [
    'a subnet that is taken',
    at({ routes: [{ cidr: '10.0.0.0/8', name: 'wg0' }] }),
    'subnet',
    'fail',
    /overlaps 10\.0\.0\.0\/8 \(wg0\)/,
  ],
  ['a port that is taken', at({ udpTaken: [21000] }), 'udp-ports', 'fail', /21000/],
  [
    'a certificate near its end',
    at({ certificate: { validTo: new Date('2026-01-05Z'), fault: undefined } }),
    'certificate',
    'warn',
    /2 days/,
  ],
  [
    'a certificate past its end',
    at({ certificate: { validTo: new Date('2026-01-01Z'), fault: 'x' } }),
    'certificate',
    'fail',
    /ran out on 2026-01-01/,
  ],
  [
    'a certificate of nobody',
    at({ certificate: { validTo: new Date('2027-01-05Z'), fault: 'SELF_SIGNED' } }),
    'certificate',
    'warn',
    /SELF_SIGNED/,
  ],
  [
    'a clock ahead by a minute',
    () => {
      date = 'Fri, 02 Jan 2026 03:03:04 GMT'
    },
    'clock',
    'warn',
    /60 s ahead/,
  ],
  [
    'a clock behind by an hour',
    () => {
      date = 'Fri, 02 Jan 2026 04:04:05 GMT'
    },
    'clock',
    'fail',
    /3600 s behind/,
  ],
  [
    'a control server without a Date',
    () => {
      date = undefined
    },
    'clock',
    'skipped',
    /names no date/,
  ],
  [
    'a refused credential',
    () => {
      scene.env.TMGEN_HEADSCALE_API_KEY = 'wrong'
    },
    'credential',
    'fail',
    /refused the credential/,
  ],
  [
    'no credential',
    () => {
      scene.env = {}
    },
    'credential',
    'skipped',
    /TMGEN_HEADSCALE_API_KEY is not set/,
  ],
  [
    'an open policy',
    () => {
      scene.headscale.policy = policy('*')
    },
    'policy',
    'warn',
    /lets others reach alice: .*\*/,
  ],
  [
    'a policy that lets a node reach others',
    () => {
      const [own] = JSON.parse(policy('alice@example.com')).grants
      const out = { src: ['tag:tm-alice'], dst: ['tag:office'], ip: ['*'] }
      scene.headscale.policy = JSON.stringify({ grants: [own, out] })
    },
    'policy',
    'warn',
    /lets the node of alice reach others: /,
  ],
  [
    'a gateway that does not answer',
    () => {
      nodes = { alice: { state: 7 } }
    },
    'gateway',
    'fail',
    /does not answer/,
  ],
  [
    'a node that wants a key',
    () => {
      nodes.alice!.state = 'needs_key'
    },
    'nodes',
    'fail',
    /tm-alice is needs_key/,
  ],
  [
    'a node that is not there',
    () => {
      nodes = {}
    },
    'nodes',
    'fail',
    /unknown to the gateway/,
  ],
  [
    'the dashboard’s node that is not there',
    () =>
      scene.disk.put(`${dir}/tmgen.yaml`, `${scene.text('tmgen.yaml')}dashboard: {operators: [olga@example.com]}\n`),
    'nodes',
    'fail',
    /tm-dashboard is unknown to the gateway/,
  ],
  [
    'a node of another name',
    () => {
      nodes.alice!.dns_name = 'tm-alice-1.example.net'
    },
    'node-names',
    'fail',
    /called tm-alice-1, not tm-alice/,
  ],
  [
    'a second device',
    () => scene.headscale.nodes.push(headscaleNode('2', 'tm-alice-1')),
    'node-names',
    'warn',
    /2 devices have tag:tm-alice: tm-alice, tm-alice-1/,
  ],
  [
    'the relay',
    () => {
      nodes.alice!.peers = [{ node: 'mac', path: 'relay', connections: 1 }]
    },
    'path',
    'warn',
    /mac \(alice\) goes by the relay/,
  ],
  [
    'a Mac with a macOS that cannot back up',
    () => {
      nodes.alice!.systems = [
        { node: 'mac', system: 'macOS 15.7.6' },
        { node: 'other', system: 'macOS 26.4.2' },
      ]
    },
    'macos',
    'warn',
    /mac \(alice\) runs macOS 15\.7\.6$/,
  ],
  [
    'a control server that does not say what Macs run',
    () => {
      nodes.alice!.systems = [{ node: 'box', system: 'linux 6.1' }]
    },
    'macos',
    'skipped',
    /no Mac connected whose version is known/,
  ],
  [
    'nobody connected',
    () => {
      nodes.alice!.peers = []
    },
    'path',
    'skipped',
    /no Mac is connected/,
  ],
  [
    'a Samba that ended',
    () => {
      services = [{ Service: 'samba-alice', State: 'exited', ExitCode: 1 }]
    },
    'samba',
    'fail',
    /Samba of alice is ended \(1\)/,
  ],
  [
    'a Samba that is not there',
    () => {
      services = []
    },
    'samba',
    'fail',
    /Samba of alice is not running/,
  ],
  [
    'a Samba that starts',
    () => {
      services[0]!.Health = 'starting'
    },
    'samba',
    'warn',
    /starting/,
  ],
  [
    'no firewall',
    () => {
      health = 'serving; firewall unavailable: Not supported'
    },
    'samba-firewall',
    'warn',
    /alice: firewall unavailable: Not supported/,
  ],
  [
    'no health check yet',
    () => {
      health = ''
    },
    'samba-firewall',
    'skipped',
    /no health check yet/,
  ],
  [
    'a broken Samba',
    () => {
      smbd = 'Version 4.22.5\n'
    },
    'samba-version',
    'fail',
    /4\.22\.5/,
  ],
  [
    'a Samba without a version',
    () => {
      smbd = ''
    },
    'samba-version',
    'skipped',
    /no version/,
  ],
  [
    'a monitor that does not run',
    () => {
      services = services.filter(({ Service }) => Service !== 'monitor')
    },
    'monitor',
    'fail',
    /^monitor is not running$/m,
  ],
  [
    'a scanner that is unhealthy',
    () => {
      services[1]!.Health = 'unhealthy'
    },
    'monitor',
    'fail',
    /^monitor-scanner is unhealthy$/m,
  ],
  [
    'a monitor that has not reported',
    () => {
      report = {}
    },
    'monitor',
    'fail',
    /has not reported yet/,
  ],
  [
    'a monitor that starts',
    () => {
      report = {}
      services[2]!.Health = 'starting'
    },
    'monitor',
    'warn',
    /has not reported yet/,
  ],
  [
    'a monitor that is silent',
    () => {
      report.at = now - 3600_000
    },
    'monitor',
    'fail',
    /last reported 1 hour ago/,
  ],
  [
    'a monitor that does not look',
    () => {
      report.lookedAt = now - 901_000
    },
    'monitor',
    'fail',
    /last looked at the shares 15 minutes ago/,
  ],
  [
    'a monitor that never looked',
    () => {
      report.lookedAt = null
    },
    'monitor',
    'fail',
    /never looked/,
  ],
  [
    'alerts that do not arrive',
    () => {
      const error = 'connection refused\u001b[2J'
      report.channels = [{ name: 'alice/ntfy', waiting: 3, lost: 1, sentAt: null, failedAt: now, error }]
    },
    'monitor',
    'warn',
    /^alice\/ntfy: connection refused\\u\{1b\}\[2J \(3 wait, 1 given up\)$/m,
  ],
  [
    'a way to tell that has no address',
    () => scene.disk.put(`${dir}/tmgen.yaml`, `${scene.text('tmgen.yaml')}monitor: {alerts: [webhook], ping: true}\n`),
    'monitor',
    'warn',
    /^secrets\/monitor\/webhook is not there: nobody is told that way\nsecrets\/monitor\/ping is not there/,
  ],
  [
    'alerts that are off',
    () => {
      report.channels = []
    },
    'monitor',
    'warn',
    /^alerts are off: nobody is told of a backup that stops$/,
  ],
  [
    'a history that was lost',
    () => {
      report.notes = ['the history was broken']
    },
    'monitor',
    'warn',
    /history was broken/,
  ],
  [
    'a lost marker',
    () => scene.disk.remove('/srv/tm/alice/.tmgen.json'),
    'storage',
    'fail',
    /holds files and no marker/,
  ],
  [
    'a disk that is not mounted',
    () => scene.disk.remove('/srv/tm/alice'),
    'storage',
    'fail',
    /does not exist: is its disk mounted/,
  ],
  [
    'exFAT',
    () => {
      scene.disk.space = { ...scene.disk.space, type: 0x2011bab0 }
    },
    'xattrs',
    'fail',
    /exFAT/,
  ],
  [
    'NFS',
    () => {
      scene.disk.space = { ...scene.disk.space, type: 0x6969 }
    },
    'xattrs',
    'warn',
    /NFS.*may have none/,
  ],
  [
    'an unknown filesystem',
    () => {
      scene.disk.space = { ...scene.disk.space, type: 7 }
    },
    'xattrs',
    'warn',
    /kind 0x7/,
  ],
  [
    'a quota larger than the disk',
    () => {
      scene.disk.space = { ...scene.disk.space, total: 2 ** 40 }
    },
    'quotas',
    'warn',
    /1T on a disk of 1T/,
  ],
  [
    'a full disk',
    () => {
      scene.disk.space = { ...scene.disk.space, free: 1000 }
    },
    'space',
    'fail',
    /1000B of 64T/,
  ],
  [
    'a disk nearly full',
    () => {
      scene.disk.space = { ...scene.disk.space, free: 2 ** 35 }
    },
    'space',
    'warn',
    /32G of 64T/,
  ],
  [
    'a damaged bundle',
    () =>
      scene.disk.put(
        '/srv/tm/alice/macbook/Alice.sparsebundle/com.apple.TimeMachine.MachineID.plist',
        plist('<key>VerificationState</key><integer>2</integer>'),
      ),
    'backups',
    'warn',
    /Alice\.sparsebundle is damaged/,
  ],
])('%s', async (_what, makeIll, name, wanted, says) => {
  expect((await verdict(name))[0], 'before').not.toBe(wanted)
  makeIll()
  const [found, text] = await verdict(name)
  expect([found, text]).toEqual([wanted, expect.stringMatching(says)])
})

describe('what could not be looked at', () => {
  test('without Docker everything that needs it is skipped, and nothing is ok by it', async () => {
    scene.dockerAnswer = () => nothing
    const { checks: all } = await told()
    const of = (wanted: string) => all.filter((one) => one.verdict === wanted).map((one) => one.name)
    expect(of('fail').sort()).toEqual(['docker', 'share-owner'])
    for (const name of ['compose', 'limits', 'udp-ports', 'gateway', 'nodes', 'path', 'samba', 'samba-version'])
      expect(of('skipped'), name).toContain(name)
  })

  test('with a broken config Docker is examined all the same', async () => {
    scene.disk.put(`${dir}/tmgen.yaml`, 'version: [')
    const { checks: all, code } = await told()
    expect(code).toBe(1)
    expect(all.filter((one) => one.verdict === 'ok').map((one) => one.name)).toEqual([
      'docker',
      'compose',
      'user-namespaces',
      'limits',
      'kernel',
      'udp-buffers',
    ])
    expect(all.filter((one) => one.verdict === 'fail').map((one) => one.name)).toEqual(['workspace'])
  })

  test('with host: remote nothing of this machine counts', async () => {
    scene.disk.put(`${dir}/tmgen.yaml`, `host: remote\n${scene.text('tmgen.yaml').replace(/^host: local\n/m, '')}`)
    const { checks: all } = await told()
    const looked = all.filter((one) => one.verdict !== 'skipped').map((one) => one.name)
    // The workspace and the control plane are the same from everywhere.
    expect(looked).toEqual([
      'workspace',
      'secrets',
      'control-server',
      'certificate',
      'clock',
      'credential',
      'policy',
      'orphans',
    ])
  })
})

test('an exception of one check is its verdict, and the next is made', async () => {
  const check = (name: string, test: () => never | ReturnType<typeof ok>) =>
    ({ name, looks: '', cause: '', remedy: '', test: async () => test() }) as const
  const broken = check('broken', () => {
    throw new TypeError('undefined is not a function')
  })
  const blind = check('blind', () => {
    throw new TmgenError('disk', 'permission denied')
  })
  const found = await examine({} as Patient, [broken, blind, check('fine', () => ok('well'))])
  expect(found.map(({ verdict, says }) => [verdict, ...says])).toEqual([
    ['fail', 'the check itself failed, which is a bug in tmgen: undefined is not a function'],
    ['skipped', 'could not look: permission denied'],
    ['ok', 'well'],
  ])
})

test('doctor writes nothing, prints no secret and exits 1 when something fails', async () => {
  const before = scene.disk.snapshot('/')
  const { code, stdout, stderr } = await scene.tmgen('doctor')
  expect(code).toBe(1)
  expect(stdout).toMatch(/^fail +share-owner +\/srv\/tm\/alice\/macbook belongs to UID 0.*\n +to do: chown/m)
  expect(stderr).toMatch(/\d+ ok, 0 warnings, 1 failed, 0 could not be looked at/)
  expect(scene.disk.snapshot('/')).toEqual(before)
  expect(stdout + stderr).not.toContain('s3cret')
})

test('versions, and the worst of what was found', () => {
  expect(['v2.40.3', '20.10.24+dfsg1', '6.18.44-fc', '4.9', 'none'].map(versionOf)).toEqual([
    [2, 40, 3],
    [20, 10, 24],
    [6, 18, 44],
    [4, 9, 0],
    undefined,
  ])
  const pairs: [number[], number[]][] = [
    [
      [2, 19, 9],
      [2, 20],
    ],
    [
      [2, 20, 0],
      [2, 20],
    ],
    [
      [3, 0, 0],
      [2, 20],
    ],
    [
      [1, 99],
      [2, 20],
    ],
  ]
  expect(pairs.map(([a, b]) => isBefore(a, b))).toEqual([true, false, false, true])
  expect(worst(['a'], ['b'], 'c')).toEqual(fail('a', 'b'))
  expect(worst([], [], 'c')).toEqual(ok('c'))
})
