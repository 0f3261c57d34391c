import { beforeEach, describe, expect, test } from 'vitest'
import type { Report } from '../../../src/monitor/report/index.ts'
import { dir, Scene } from './scene.ts'

const hour = 3600_000
/** The scene's clock. */
const now = Date.parse('2026-01-02T03:04:05Z')

const problem = {
  kind: 'missing',
  severity: 'alarm',
  since: now - 9 * hour,
  reason: 'no backup for 3 days: the Mac writes nothing',
  todo: 'see whether Time Machine is on',
} as const
const report: Report = {
  version: 1,
  workspace: 'tm',
  at: now - 30_000,
  lookedAt: now - 60_000,
  every: 300_000,
  macs: [
    {
      user: 'alice',
      mac: 'macbook',
      state: 'missing',
      since: problem.since,
      reason: problem.reason,
      todo: problem.todo,
      problems: [problem],
      lastSuccess: now - 81 * hour,
      running: false,
      connection: { sessions: 1, since: now - 5 * hour, openFiles: 3 },
      quotaBytes: 2 ** 40,
      snapshots: [now - 81 * hour],
      verified: {
        at: now - 2 * hour,
        ...{ bands: 200, covered: 69, percent: 34, failed: '' },
        faults: { rot: 0, unreadable: 0, oversize: 0 },
      },
      seen: {
        usedBytes: 2 ** 30,
        lastWrite: now - 81 * hour,
        lastBackup: now - 81 * hour,
        backups: 7,
        bundles: 1,
        notes: ['\u001b[2J.sparsebundle/Info.plist: cut short'],
      },
    },
  ],
  nodes: [{ user: 'alice', told: true, problems: [], seen: null }],
  host: [],
  disks: [],
  channels: [],
  notes: [],
}

let scene: Scene
const put = (change: Partial<Report> = {}) =>
  scene.disk.put(`${dir}/state/monitor/report.json`, JSON.stringify({ ...report, ...change }), 0o600)

beforeEach(async () => {
  scene = await Scene.with('manual')
  await scene.tmgen('add user alice --login alice@example.com --mac macbook')
  scene.options = { now: new Date(now) }
})

describe('tmgen monitor show', () => {
  test('a line a Mac: its state, since when, and why; what to do is a note', async () => {
    put()
    const { code, stdout, stderr } = await scene.tmgen('monitor show')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^alice +macbook +missing +9h +3d +5h +34 % +no backup for 3 days: the Mac writes nothing$/m)
    expect(stderr).toContain(
      'note: alice/macbook: no backup for 3 days: the Mac writes nothing: see whether Time Machine',
    )
    expect(stderr).toContain('nobody is told: alerts are off (docs/how-to/alerts.md)')
  })

  test.each<[string, Report['macs'][number]['connection'] | undefined, string]>([
    ['is not connected', { sessions: 0, since: null, openFiles: 0 }, 'no'],
    ['may be', null, '-'],
    ['may be, says an older monitor', undefined, '-'],
  ])('a Mac that %s', async (_how, connection, shown) => {
    put({ macs: [{ ...report.macs[0]!, connection: connection as null }] })
    const { stdout } = await scene.tmgen('monitor show')
    expect(stdout).toMatch(new RegExp(`^alice +macbook +missing +9h +3d +${shown} +34 %`, 'm'))
  })

  test('JSON has times as text, and no byte that a terminal takes for its own', async () => {
    put()
    const { stdout } = await scene.tmgen('monitor show --json')
    expect(stdout).not.toContain('\u001b')
    expect(JSON.parse(stdout)).toMatchObject({
      at: '2026-01-02T03:03:35.000Z',
      workspace: 'tm',
      macs: [
        {
          user: 'alice',
          state: 'missing',
          since: '2026-01-01T18:04:05.000Z',
          quotaBytes: 2 ** 40,
          snapshots: ['2025-12-29T18:04:05.000Z'],
          seen: { backups: 7 },
          connection: { sessions: 1, since: '2026-01-01T22:04:05.000Z', openFiles: 3 },
          verified: { percent: 34 },
        },
      ],
      nodes: [{ user: 'alice', told: true, problems: [], seen: null }],
      disks: [],
      channels: [],
    })
  })

  test('a channel that fails, a monitor that is silent and a disk that is full are told', async () => {
    const disk = { ...problem, kind: 'disk', reason: '/srv has 1.0 % left', todo: 'make room' } as const
    const webhook = {
      name: 'webhook',
      waiting: 2,
      lost: 1,
      sentAt: null,
      failedAt: now,
      error: 'it answers with HTTP 503',
    }
    put({ at: now - 2 * hour, host: [disk], channels: [webhook] })
    const { stderr } = await scene.tmgen('monitor show')
    expect(stderr).toContain('the monitor reported 2h ago: docker compose up -d')
    expect(stderr).toContain('this server: /srv has 1.0 % left: make room')
    expect(stderr).toContain('webhook: it answers with HTTP 503 (2 wait, 1 given up)')
    expect(stderr).not.toContain('alerts are off')
  })

  test.each([
    ['nothing', undefined],
    ['no JSON', '{"version":'],
    ['another version', '{"version":2}'],
  ])('where there is %s it says that there is no report, and where to look', async (_name, text) => {
    if (text !== undefined) scene.disk.put(`${dir}/state/monitor/report.json`, text)
    const { code, stderr } = await scene.tmgen('monitor show')
    expect(code).toBe(1)
    expect(stderr).toMatch(/has not reported yet[\s\S]*docker compose logs monitor monitor-scanner/)
  })

  test('a link in the place of the report is not followed', async () => {
    scene.disk.put('/etc/other.json', JSON.stringify(report))
    scene.disk.mkdirs(`${dir}/state/monitor`)
    scene.disk.link(`${dir}/state/monitor/report.json`, '/etc/other.json')
    expect((await scene.tmgen('monitor show')).code).toBe(1)
  })
})

describe('tmgen status', () => {
  test('warns of what the monitor finds, and says its state in JSON', async () => {
    put()
    const { stdout } = await scene.tmgen('status --json')
    const [mac] = JSON.parse(stdout).users[0].macs
    expect(mac.monitor).toBe('missing')
    expect((await scene.tmgen('status')).stderr).toContain(
      'note: alice: macbook: no backup for 3 days: the Mac writes nothing',
    )
  })

  test('shows what the monitor saw where it may not look itself', async () => {
    put()
    scene.disk.mkdirs('/srv/tm/alice/macbook')
    scene.disk.closed.add('/srv/tm/alice/macbook')
    const { stdout } = await scene.tmgen('status --json')
    const [mac] = JSON.parse(stdout).users[0].macs
    expect(mac).toMatchObject({ usedBytes: 2 ** 30, backups: 7, lastBackup: new Date(now - 81 * hour).toISOString() })
  })

  test('does not go by a report that is old, and says so', async () => {
    put({ at: now - hour })
    const { stdout, stderr } = await scene.tmgen('status --json')
    expect(JSON.parse(stdout).users[0].macs[0].monitor).toBeNull()
    expect(stderr + stdout).toContain('the monitor does not report')
  })
})

const alerts = () =>
  scene.disk.put(`${dir}/tmgen.yaml`, `${scene.text('tmgen.yaml')}monitor: { alerts: [webhook, ntfy] }\n`)

test('tmgen generate and plan say of a way to tell that its address is not there, until it is', async () => {
  alerts()
  const missing = /secrets\/monitor\/(\S+) is not there/g
  for (const verb of ['generate', 'plan']) {
    const { stderr } = await scene.tmgen(verb)
    expect([...stderr.matchAll(missing)].map(([, file]) => file)).toEqual(['ntfy', 'webhook'])
  }
  for (const kind of ['webhook', 'ntfy'])
    scene.disk.put(`${dir}/secrets/monitor/${kind}`, 'https://example.com/x\n', 0o600)
  expect((await scene.tmgen('generate')).stderr).not.toMatch(missing)
})

describe('tmgen monitor test-alert', () => {
  const answer = (tested: unknown) => {
    scene.dockerAnswer = (args) =>
      args[1] === 'exec' && args.includes('test-alert')
        ? { exitCode: 0, stdout: JSON.stringify(tested), stderr: '' }
        : { exitCode: 1, stdout: '', stderr: '' }
  }

  test('where alerts are off it says how to switch them on', async () => {
    const { code, stderr } = await scene.tmgen('monitor test-alert')
    expect(code).toBe(2)
    expect(stderr).toMatch(/alerts are off[\s\S]*alerts\.md/)
  })

  test('says what arrived, and exits 1 where something did not', async () => {
    alerts()
    answer([{ channel: 'webhook', error: '' }])
    expect(await scene.tmgen('monitor test-alert')).toMatchObject({ code: 0, stdout: 'webhook: delivered\n' })
    answer([
      { channel: 'webhook', error: '' },
      { channel: 'ntfy', error: 'connection refused' },
    ])
    const { code, stderr } = await scene.tmgen('monitor test-alert')
    expect(code).toBe(1)
    expect(stderr).toContain('ntfy: not delivered: connection refused')
  })

  test('also where a watch off the host is all there is', async () => {
    const ping = '{ ping: true }'
    scene.disk.put(`${dir}/tmgen.yaml`, `${scene.text('tmgen.yaml')}monitor: ${ping}\n`)
    answer([{ channel: 'ping', error: 'it answers with HTTP 404' }])
    const { code, stderr } = await scene.tmgen('monitor test-alert')
    expect(code).toBe(1)
    expect(stderr).toContain('ping: not delivered: it answers with HTTP 404')
    const off = await scene.tmgen('monitor test-alert alice')
    expect([off.code, off.stderr]).toEqual([2, expect.stringContaining('alerts of alice are off')])
    const own = scene.text('tmgen.yaml').replace(/^( +)logins:/m, `$1monitor: ${ping}\n$1logins:`)
    scene.disk.put(`${dir}/tmgen.yaml`, own)
    answer([{ channel: 'alice/ping', error: '' }])
    expect(await scene.tmgen('monitor test-alert alice')).toMatchObject({ code: 0, stdout: 'alice/ping: delivered\n' })
  })

  test('tries the ways of one person', async () => {
    alerts()
    const asked: string[][] = []
    scene.dockerAnswer = (args) => {
      if (args[1] === 'exec') asked.push(args.slice(args.indexOf('test-alert')))
      return { exitCode: 0, stdout: JSON.stringify([{ channel: 'alice/ntfy', error: '' }]), stderr: '' }
    }
    const off = await scene.tmgen('monitor test-alert alice')
    expect([off.code, off.stderr]).toEqual([2, expect.stringMatching(/alerts of alice are off[\s\S]*under alice/)])
    expect((await scene.tmgen('monitor test-alert nobody')).code).toBe(2)
    scene.disk.put(
      `${dir}/tmgen.yaml`,
      scene.text('tmgen.yaml').replace(/^( +)logins:/m, '$1monitor: { alerts: [ntfy] }\n$1logins:'),
    )
    expect(await scene.tmgen('monitor test-alert alice')).toMatchObject({ code: 0, stdout: 'alice/ntfy: delivered\n' })
    expect(asked).toEqual([['test-alert', 'alice']])
  })

  test('a monitor that does not run is an error with a hint', async () => {
    alerts()
    const { code, stderr } = await scene.tmgen('monitor test-alert')
    expect(code).toBe(1)
    expect(stderr).toMatch(/the monitor does not run[\s\S]*docker compose up -d/)
  })
})
