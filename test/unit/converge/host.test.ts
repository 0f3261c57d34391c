import { describe, expect, it } from 'vitest'
import { overlaps } from '../../../src/converge/network.ts'
import { nodeHost } from '../../../src/converge/node-host.ts'
import { findOverlaps, type Located } from '../../../src/converge/overlap.ts'
import { parseMountInfo, parseRoutes, parseUdpPorts } from '../../../src/converge/proc.ts'
import type { Docker } from '../../../src/world.ts'
import { diskOf, MemoryDisk } from '../../support/world.ts'

const routes = `Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT
eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
br-aaaaaaaaaaaa\t00004D0A\t00000000\t0001\t0\t0\t0\t00FCFFFF\t0\t0\t0
wg0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0
eth1\t000010AC\t00000000\t0000\t0\t0\t0\t0000F0FF\t0\t0\t0
`
const udp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
  100: 00000000:5208 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 0
  101: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 0
`

describe('what /proc says', () => {
  it('routes that are up, without the default route', () => {
    expect(parseRoutes(routes)).toEqual([
      { device: 'eth0', cidr: '192.168.1.0/24' },
      { device: 'br-aaaaaaaaaaaa', cidr: '10.77.0.0/22' },
      { device: 'wg0', cidr: '10.0.0.0/8' },
    ])
  })

  it('local UDP ports', () => {
    expect(parseUdpPorts(udp)).toEqual(new Set([21000, 53]))
  })

  it('mounts, with blanks in their paths', () => {
    expect(parseMountInfo('36 35 98:0 /mnt1 /mnt/my\\040disk rw - ext4 /dev/x rw\n')).toEqual([
      { device: '98:0', root: '/mnt1', path: '/mnt/my disk', type: 'ext4', source: '/dev/x', options: ['rw'] },
    ])
    expect(parseMountInfo('1 2 0:5 / /t rw shared:1 master:2 - zfs tank/tm rw,xattr\n')).toMatchObject([
      { type: 'zfs', source: 'tank/tm', options: ['rw', 'xattr'] },
    ])
    expect(parseMountInfo('1 2 0:5 / /t rw shared:1 zfs tank rw x y\n')).toEqual([])
  })
})

describe('the host', () => {
  const disk = new MemoryDisk()
  disk.put('/proc/net/route', routes)
  disk.put('/proc/net/udp', udp)
  const networks = [
    {
      Name: 'tm_shares',
      Id: 'aaaaaaaaaaaaffff',
      Labels: { 'com.docker.compose.project': 'tm' },
      IPAM: { Config: [{ Subnet: '10.77.0.0/22' }] },
    },
    { Name: 'bridge', Id: 'b', IPAM: { Config: [{ Subnet: '172.17.0.0/16' }, { Subnet: 'fd00::/64' }] } },
  ]
  const docker: Docker = {
    async run(args) {
      const answers: Record<string, string> = {
        'network ls': 'a\nb\n',
        'network inspect': JSON.stringify(networks),
        'ps -q': args.at(-1)!.endsWith('=tm') ? 'c\n' : '',
        'inspect c': JSON.stringify([
          { NetworkSettings: { Ports: { '21000/udp': [{ HostPort: '21000' }], '1/tcp': null } } },
        ]),
      }
      return { exitCode: 0, stdout: answers[args.slice(0, 2).join(' ')] ?? '', stderr: '' }
    },
  }
  const host = nodeHost(diskOf(disk), docker)

  it('leaves the networks of our own project out, and names the others', async () => {
    expect(await host.routes('tm')).toEqual({
      found: [
        { cidr: '172.17.0.0/16', name: 'Docker network bridge' },
        { cidr: '192.168.1.0/24', name: 'route over eth0' },
        { cidr: '10.0.0.0/8', name: 'route over wg0' },
      ],
      notes: [],
    })
    expect((await host.routes('another')).found[0]).toEqual({ cidr: '10.77.0.0/22', name: 'Docker network tm_shares' })
  })

  it('leaves the ports of our own gateway out', async () => {
    expect(await host.udpPortsTaken([21000, 21001], 'tm')).toEqual([])
    expect(await host.udpPortsTaken([21000, 21001], 'another')).toEqual([21000])
  })

  it('says so where Docker does not answer', async () => {
    const mute: Docker = { run: async () => ({ exitCode: 1, stdout: '', stderr: '' }) }
    const { notes } = await nodeHost(diskOf(disk), mute).routes('tm')
    expect(notes).toEqual(['Docker does not answer: its networks were not compared with network.subnet'])
  })
})

it.each([
  ['10.77.0.0/22', '10.77.3.0/24', true],
  ['10.77.0.0/22', '10.0.0.0/8', true],
  ['10.77.0.0/22', '10.77.4.0/22', false],
  ['10.77.0.0/22', 'fd00::/8', false],
  ['10.77.0.5/22', '10.77.1.1/32', true],
])('subnets %s and %s overlap: %s', (a, b, expected) => {
  expect(overlaps(a, b)).toBe(expected)
})

describe('storage that overlaps', () => {
  const root = { device: '8:1', root: '/', path: '/' }
  const storage = (what: string, path: string): Located => ({ what, path, isStorage: true })
  const workspace: Located = { what: 'the workspace', path: '/home/me/tm', isStorage: false }
  const docker: Located = { what: 'Docker', path: '/var/lib/docker', isStorage: false }
  const cases: [string, Located[], object[], string[]][] = [
    ['nothing, side by side', [storage('a', '/srv/a'), storage('ab', '/srv/ab'), workspace, docker], [], []],
    [
      'the same folder',
      [storage('a', '/srv/a'), storage('b', '/srv/a')],
      [],
      ['a (/srv/a) is the same folder as b (/srv/a)'],
    ],
    ['inside another', [storage('a', '/srv/a/b'), storage('b', '/srv/a')], [], ['a (/srv/a/b) is inside b (/srv/a)']],
    [
      'above the workspace',
      [storage('a', '/home'), workspace],
      [],
      ['the workspace (/home/me/tm) is inside a (/home)'],
    ],
    [
      'inside Docker',
      [storage('a', '/var/lib/docker/x'), docker],
      [],
      ['a (/var/lib/docker/x) is inside Docker (/var/lib/docker)'],
    ],
    ['the root', [storage('a', '/'), workspace], [], ['the workspace (/home/me/tm) is inside a (/)']],
    ['workspace inside Docker is no business of storage', [workspace, { ...docker, path: '/home' }], [], []],
    [
      'a bind mount of the same folder',
      [storage('a', '/srv/a'), storage('b', '/mnt/b')],
      [{ device: '8:1', root: '/srv/a', path: '/mnt/b' }],
      ['a (/srv/a) is the same folder as b (/mnt/b)'],
    ],
    [
      'a bind mount of a folder below',
      [storage('a', '/srv/a'), storage('b', '/mnt/b')],
      [{ device: '8:1', root: '/srv/a/deep/er', path: '/mnt/b' }],
      ['b (/mnt/b) is inside a (/srv/a)'],
    ],
    [
      'another disk mounted below, bound elsewhere',
      [storage('a', '/srv/a'), storage('b', '/mnt/b/x')],
      [
        { device: '8:2', root: '/', path: '/srv/a/disk' },
        { device: '8:2', root: '/', path: '/mnt/b' },
      ],
      ['b (/mnt/b/x) is inside a (/srv/a)'],
    ],
    [
      'two disks with equal paths in them are two folders',
      [storage('a', '/mnt/1/x'), storage('b', '/mnt/2/x')],
      [
        { device: '8:2', root: '/', path: '/mnt/1' },
        { device: '8:3', root: '/', path: '/mnt/2' },
      ],
      [],
    ],
  ]
  it.each(cases)('%s', (_name, all, mounts, expected) => {
    const found = findOverlaps(all, [root, ...(mounts as (typeof root)[])])
    expect(found.map((error) => error.message)).toEqual(expected)
  })
})
