import { beforeEach, describe, expect, test } from 'vitest'
import { bytesText } from '../../../src/bytes.ts'
import { makeContext } from '../../../src/commands/context.ts'
import { status } from '../../../src/commands/status.ts'
import { age } from '../../../src/commands/status-table.ts'
import { memoryWorld } from '../../support/world.ts'
import { reportOf, wellMac } from '../monitor/people.ts'
import { dir, Scene } from './scene.ts'

let scene: Scene
const bundle = '/srv/tm/alice/macbook/Alice.sparsebundle'
const plist = (body: string) => `<plist version="1.0">${body}</plist>`
const date = (text: string) => `<dict><key>com.apple.backupd.SnapshotCompletionDate</key><date>${text}</date></dict>`

/** What `docker` answers: the gateway's nodes, and services as compose prints them (an object a line, or an array). */
function docker(nodes: object, services: object[], asArray = false): void {
  const lines = services.map((one) => JSON.stringify(one)).join('\n')
  scene.dockerAnswer = (args) => {
    const said = (stdout: string) => ({ exitCode: 0, stdout, stderr: '' })
    if (args[1] === 'ps') return said(asArray ? JSON.stringify(services) : lines)
    if (args[1] === 'exec') return said(JSON.stringify({ nodes }))
    return { exitCode: 1, stdout: '', stderr: '' }
  }
}

const peer = (path: string, connections: number) => ({ node: 'mac', path, connections })
const running = (peers: object[] = []) => ({ state: 'running', ips: ['100.64.0.9', 'fd7a::9'], connections: 1, peers })
const samba = (user: string, Health = 'healthy', State = 'running', ExitCode = 0) => ({
  Service: `samba-${user}`,
  State,
  Health,
  ExitCode,
})

beforeEach(async () => {
  scene = await Scene.with('manual')
  await scene.tmgen('add user alice --login alice@example.com --mac macbook --quota 1T')
  scene.disk.put(`${bundle}/Info.plist`, plist('<dict><key>band-size</key><integer>8388608</integer></dict>'))
  scene.disk.put(`${bundle}/bands/0`, 'x')
  scene.disk.put(`${bundle}/bands/1f`, 'x')
  const dates = ['2026-01-01T20:00:00Z', '2026-01-02T00:04:05Z'].map(date).join('')
  scene.disk.put(
    `${bundle}/com.apple.TimeMachine.SnapshotHistory.plist`,
    plist(`<dict><key>Snapshots</key><array>${dates}</array></dict>`),
  )
})

describe('tmgen status', () => {
  test('one line says how a user does', async () => {
    docker({ alice: running([peer('direct', 1), peer('relay', 0)]) }, [samba('alice')])
    const { code, stdout } = await scene.tmgen('status')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^alice +running +100\.64\.0\.9 +direct +\S+ +healthy +1 +16M of 1T +advisory +4m +3h$/m)
  })

  test('compose that prints one array is understood, too', async () => {
    docker({ alice: running() }, [samba('alice')], true)
    expect((await scene.tmgen('status')).stdout).toMatch(/^alice .* healthy /m)
  })

  test('JSON has it by Mac', async () => {
    docker({ alice: running([peer('direct', 0)]) }, [samba('alice')])
    const { stdout } = await scene.tmgen('status --json')
    expect(JSON.parse(stdout)).toMatchObject({
      users: [
        {
          name: 'alice',
          node: { state: 'running', ips: ['100.64.0.9', 'fd7a::9'] },
          path: 'direct',
          sessions: 1,
          samba: 'healthy',
          macs: [
            {
              name: 'macbook',
              quotaBytes: 2 ** 40,
              usedBytes: 2 ** 24,
              backups: 2,
              lastBackup: '2026-01-02T00:04:05.000Z',
            },
          ],
        },
      ],
      notes: ['there is no backup of the workspace (node keys, passwords, numbers): tmgen backup FILE'],
    })
  })

  test('the dashboard has a line and an entry of its own, and what is wrong with its node is warned of', async () => {
    expect(JSON.parse((await scene.tmgen('status --json')).stdout).dashboard).toBeNull()
    scene.disk.put(`${dir}/tmgen.yaml`, `${scene.text('tmgen.yaml')}dashboard: {operators: [olga@example.com]}\n`)
    await scene.tmgen('generate')
    docker({ alice: running(), dashboard: { ...running(), connections: 0 } }, [samba('alice')])
    const { stdout, stderr } = await scene.tmgen('status')
    expect(stdout).toMatch(/^dashboard +running +100\.64\.0\.9 +- +missing +- +0 +- +- +- +-$/m)
    expect(stderr).toContain('note: dashboard: the auth key is missing: tmgen provision dashboard')
    const changed = { login: 'olga@example.com', old_id: '1', new_id: '2', since: 'then', last: 'now' }
    docker({ alice: running(), dashboard: { ...running(), login_changed: [changed] } }, [samba('alice')])
    expect((await scene.tmgen('status')).stderr).toContain('tmgen set user dashboard --rebind')
    docker({ alice: running() }, [samba('alice')])
    const { users, dashboard } = JSON.parse((await scene.tmgen('status --json')).stdout)
    expect(users.map(({ name }: { name: string }) => name)).toEqual(['alice'])
    expect(dashboard).toMatchObject({
      node: { hostname: 'tm-dashboard', state: 'unknown' },
      warnings: expect.arrayContaining(['the node is unknown to the gateway']),
    })
  })

  test('the relay, a Samba that ended and a damaged bundle are warned of', async () => {
    docker({ alice: running([peer('relay', 1), peer('direct', 1)]) }, [samba('alice', '', 'exited', 137)])
    scene.disk.put(
      `${bundle}/com.apple.TimeMachine.MachineID.plist`,
      plist('<dict><key>VerificationState</key><integer>2</integer></dict>'),
    )
    const { stdout, stderr } = await scene.tmgen('status')
    expect(stdout).toMatch(/^alice +running +\S+ +relay +\S+ +ended \(137\) /m)
    expect(stderr).toContain('note: alice: mac is connected through the relay')
    expect(stderr).toContain('note: alice: Samba is ended (137): tmgen logs alice --samba')
    expect(stderr).toContain('note: alice: macbook: the Mac found Alice.sparsebundle damaged')
  })

  test('a backup that is old is warned of, a young one is not', async () => {
    docker({ alice: running() }, [samba('alice')])
    expect((await scene.tmgen('status')).stderr).not.toContain('no complete backup')
    scene.options = { now: new Date('2026-01-06T00:00:00Z') }
    expect((await scene.tmgen('status')).stderr).toContain('macbook: no complete backup since 2026-01-02')
  })

  test('what cannot be looked at is not shown as well: gateway, Docker', async () => {
    docker({}, [samba('alice')])
    expect((await scene.tmgen('status')).stdout).toMatch(/^alice +unknown +- /m)
    scene.dockerAnswer = () => ({ exitCode: 1, stdout: '', stderr: '' })
    const { stdout, stderr } = await scene.tmgen('status')
    expect(stdout).toMatch(/^alice +- +- +- +\S+ +- +- /m)
    expect(stderr).toContain('docker compose does not answer: Samba was not looked at')
  })

  test('a name in a share cannot drive the terminal', async () => {
    docker({ alice: running() }, [samba('alice')])
    scene.disk.put('/srv/tm/alice/macbook/\u001b[2J.sparsebundle/Info.plist', 'junk')
    const { stderr } = await scene.tmgen('status')
    expect(stderr).toContain('\\u{1b}[2J.sparsebundle/Info.plist: no XML property list')
  })

  test('of many warnings some are shown and the others counted', async () => {
    for (let index = 0; index < 14; index++) await scene.tmgen(`add user u${index} --login u${index}@example.com`)
    docker({ alice: running() }, [samba('alice')])
    const { stdout, stderr } = await scene.tmgen('status')
    expect(stdout.trim().split('\n').length).toBe(16)
    expect(stderr.trim().split('\n').length).toBe(13)
    expect(stderr).toMatch(/and \d+ more: tmgen status --json/)
  })

  test('JSON tells since when a Mac is connected, as the monitor saw it', async () => {
    docker({ alice: running() }, [samba('alice')])
    const connectionOf = async () => JSON.parse((await scene.tmgen('status --json')).stdout).users[0].macs[0].connection
    expect(await connectionOf()).toBeNull()
    const at = Date.parse('2026-01-02T03:04:00Z')
    const mac = wellMac('alice', 'macbook', { connection: { sessions: 1, since: at - 60_000, openFiles: 2 } })
    const report = { ...reportOf(0), at, macs: [mac] }
    scene.disk.put(`${dir}/state/monitor/report.json`, JSON.stringify(report), 0o600)
    expect(await connectionOf()).toEqual({ sessions: 1, since: '2026-01-02T03:03:00.000Z' })
  })

  test('a share that may not be looked at is still told of by the monitor, also where the share is gone', async () => {
    docker({ alice: running() }, [samba('alice')])
    const at = Date.parse('2026-01-02T03:04:00Z')
    const gone = {
      kind: 'vanished',
      severity: 'alarm',
      since: at,
      reason: 'all of the share is gone',
      todo: '',
    } as const
    const mac = wellMac('alice', 'macbook', { state: 'vanished', seen: null, problems: [gone] })
    scene.disk.put(`${dir}/state/monitor/report.json`, JSON.stringify({ ...reportOf(0), at, macs: [mac] }), 0o600)
    scene.disk.closed.add('/srv/tm/alice/macbook')
    const { stderr } = await scene.tmgen('status')
    expect(stderr).toMatch(/alice: macbook: .*not known what is in it/)
    expect(stderr).toMatch(/alice: macbook: all of the share is gone/)
  })

  test('writes nothing and asks nobody outside', async () => {
    docker({ alice: running() }, [samba('alice')])
    const before = scene.disk.snapshot('/')
    scene.headscale.requests.length = 0
    await scene.tmgen('status')
    expect(scene.disk.snapshot('/')).toEqual(before)
    expect(scene.headscale.requests).toEqual([])
  })

  test('--watch looks again, also after a tmgen.yaml that was half written', async () => {
    const printed: string[] = []
    const world = memoryWorld(scene.disk)
    const io = {
      stdout: { write: (text: string) => printed.push(text), isTTY: true },
      stderr: { write: (text: string) => printed.push(text) },
      stdin: { read: async () => new Uint8Array() },
      env: {},
      cwd: dir,
      packageDir: '/package',
      world,
    }
    const whole = scene.text('tmgen.yaml')
    let round = 0
    await status(makeContext(io, undefined), { watch: true }, async () => {
      scene.disk.put(`${dir}/tmgen.yaml`, round === 0 ? 'version: [' : whole)
      return ++round < 3
    })
    expect(printed.filter((text) => text === '\u001b[H\u001b[2J').length).toBe(2)
    expect(printed.filter((text) => text.startsWith('USER ')).length).toBe(2)
  })
})

test('ages and sizes are short', () => {
  const now = new Date('2026-01-10T00:00:00Z')
  const times = ['2026-01-09T23:59:30Z', '2026-01-09T23:00:00Z', '2026-01-08T01:00:00Z', '2026-01-01T00:00:00Z']
  expect([...times, null].map((time) => age(time, now))).toEqual(['30s', '1h', '47h', '9d', '-'])
  expect([0, 1023, 1536, 2 ** 24, 1.5 * 2 ** 40].map(bytesText)).toEqual(['0B', '1023B', '1.5K', '16M', '1.5T'])
})
