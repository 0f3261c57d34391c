import { beforeEach, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { privateLan } from '../../../src/commands/restore-access.ts'
import { dir, Scene } from './scene.ts'

let scene: Scene
let composed: string[]
const line = 'restore-access alice --lan 192.168.1.0/24 --yes'

beforeEach(async () => {
  scene = await Scene.with('manual')
  await scene.tmgen('add user alice --login alice --mac macbook --mac imac')
  scene.disk.mkdirs('/srv/tm/alice/macbook')
  composed = []
  scene.dockerAnswer = (args) => {
    if (args[0] === 'compose') composed.push(args.slice(3).join(' '))
    return { exitCode: 0, stdout: '', stderr: '' }
  }
})

describe('restore-access', () => {
  test('a relay for the LAN, and behind it a Samba that admits it alone, with her data read-only and encrypted', async () => {
    const { code, stderr } = await scene.tmgen(`${line} --for 24h`)
    expect(code).toBe(0)
    expect(stderr).toContain(
      '192.168.1.0/24 reaches the backups of alice at 192.168.1.5, read-only, until 2026-01-03T03:04:05.000Z',
    )
    expect(stderr).toContain('mount_smbfs -o rdonly //alice@192.168.1.5/macbook')
    expect(composed).toEqual(['-f state/restore/alice/compose.yaml up -d --force-recreate'])
    const { name, services, networks } = parse(scene.text('state/restore/alice/compose.yaml')) as {
      name: string
      services: Record<string, Record<string, unknown>>
      networks: { inside: { internal: boolean; ipam: { config: { subnet: string }[] } } }
    }
    expect(name).toBe('timemachine-restore-alice')
    const { relay, samba } = services as { relay: Record<string, unknown>; samba: Record<string, unknown> }
    expect(relay.ports).toEqual(['192.168.1.5:445:1445/tcp'])
    const base = networks.inside.ipam.config[0]!.subnet.replace(/\d+\/29$/, '')
    const last = Number(/(\d+)\/29$/.exec(networks.inside.ipam.config[0]!.subnet)![1])
    const until = String(Date.parse('2026-01-03T03:04:05Z') / 1000)
    expect(relay.environment).toEqual({
      TMGEN_LAN: '192.168.1.0/24',
      TMGEN_UPSTREAM: `${base}${last + 3}:445`,
      TMGEN_UNTIL: until,
    })
    expect(relay).not.toHaveProperty('cap_add')
    expect(samba.environment).toMatchObject({
      TMGEN_GATEWAY_IP: `${base}${last + 2}`,
      TMGEN_SHARES: 'macbook',
      TMGEN_UNTIL: until,
    })
    expect(samba).not.toHaveProperty('ports')
    expect((samba.volumes as { source: string; read_only?: boolean }[]).every((one) => one.read_only === true)).toBe(
      true,
    )
    const conf = scene.text('state/restore/alice/samba/smb.conf')
    expect(conf).toContain(`hosts allow = ${base}${last + 2} 127.0.0.1`)
    expect(conf).toMatch(/read only = yes/)
    expect(conf).not.toMatch(/read only = no|\[imac\]/)
    expect(conf).toContain('server smb encrypt = required')
    expect((await scene.tmgen('generate --check')).code).toBe(0)
  })

  test('--end takes the containers down and removes the files', async () => {
    expect((await scene.tmgen('restore-access alice --end')).stderr).toContain('has no restore access')
    await scene.tmgen(line)
    composed = []
    expect((await scene.tmgen('restore-access alice --end')).code).toBe(0)
    expect(composed).toEqual(['-f state/restore/alice/compose.yaml down'])
    expect([...scene.disk.nodes.keys()].filter((path) => path.startsWith(`${dir}/state/restore`))).toEqual([])
  })

  test('disable stops the containers of a restore too', async () => {
    const id = 'c'.repeat(64)
    const { workspace } = JSON.parse(scene.text('tmgen.lock.json')) as { workspace: string }
    const stopped: string[] = []
    scene.dockerAnswer = (args) => {
      if (args[0] === 'stop') stopped.push(args[1]!)
      const isAsked = args[0] === 'ps' && args.some((arg) => arg.startsWith('label=tmgen.restore='))
      return {
        exitCode: 0,
        stdout: isAsked ? `${id} ${workspace} alice\n${id} ${'0'.repeat(16)} alice\n` : '',
        stderr: '',
      }
    }
    await scene.tmgen('disable user alice')
    expect(stopped).toEqual([id])
  })

  test.each<[string, string, () => void, RegExp]>([
    ['no LAN', 'restore-access alice --yes', () => {}, /--lan is missing/],
    [
      'a LAN that the host is not in',
      'restore-access alice --lan 10.9.0.0/16 --yes',
      () => {},
      /no address in 10\.9\.0\.0\/16/,
    ],
    [
      'not asked',
      'restore-access alice --lan 192.168.1.0/24',
      () => {},
      /--yes is missing: 192\.168\.1\.0\/24 may then try/,
    ],
    ['too long', `${line} --for 8d`, () => {}, /7d at most/],
    ['nothing there', line, () => scene.disk.remove('/srv/tm/alice/macbook'), /nothing to restore/],
    [
      'several addresses',
      line,
      () => Object.assign(scene.options, { host: { addresses: ['192.168.1.5', '192.168.1.6'] } }),
      /--address 192\.168\.1\.5/,
    ],
  ])('refused: %s', async (_name, command, spoil, expected) => {
    spoil()
    expect((await scene.tmgen(command)).stderr).toMatch(expected)
    expect(composed).toEqual([])
  })
})

test.each([
  '8.8.8.0/24',
  '0.0.0.0/0',
  '100.64.0.0/10',
  '192.0.0.0/8',
  '192.168.1.7/24',
  'fd00::/64',
  '192.168.1/24',
  '127.0.0.0/8',
  'lan',
])('no LAN: %s', (text) => expect(() => privateLan(text)).toThrow())
test.each(['192.168.1.0/24', '10.0.0.0/8', '172.16.0.0/12', '192.168.7.7/32'])('a LAN: %s', (text) =>
  expect(privateLan(text)).toBe(text))
