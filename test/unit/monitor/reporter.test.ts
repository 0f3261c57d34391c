import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { TmgenError } from '../../../src/errors.ts'
import { History } from '../../../src/monitor/history/index.ts'
import { type GatewayNode, type Look, lookSchema } from '../../../src/monitor/observation/index.ts'
import { type Report, Reporter, reportSchema, testAlert } from '../../../src/monitor/report/index.ts'
import { ledgersIn } from '../../../src/monitor/report/ledgers.ts'
import type { Settings } from '../../../src/monitor/settings.ts'
import type { Handed, Stand } from '../../../src/monitor/verify/part.ts'
import { person, running, settingsOf } from './settings.ts'
import { day, hour, minute, Story, start } from './timeline.ts'

let folder: string
let history: History
let story: Story
let now: number
let look: Look | undefined
let gateway: Record<string, GatewayNode> | undefined
let secrets: Record<string, string>
let posts: { url: string; body: { severity: string; items: { what: string; about: string; kind: string }[] } }[]
let status: number
let reports: Report[]
let lines: string[]
let settings: Settings
let handed: Handed[]
let bands: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tmgen-reporter-'))
  history = new History(join(folder, 'history.sqlite'), { onLoss: (why) => expect.fail(why) })
  story = new Story().begin('Alice.sparsebundle').complete()
  now = start
  gateway = { alice: running }
  secrets = { webhook: 'https://hooks.example.com/TOKEN\n' }
  handed = []
  bands = join(folder, 'bands')
  mkdirSync(bands)
  posts = []
  status = 204
  reports = []
  lines = []
  settings = settingsOf({
    alerts: ['webhook'],
    users: [person('alice', 'u1', { quotas: { macbook: 2 ** 40 } })],
  })
})
afterEach(() => {
  history.close()
  rmSync(folder, { recursive: true, force: true })
})

const make = () =>
  new Reporter(history, {
    look: async () => look,
    gateway: async () => gateway,
    handed: async () => handed,
    ledgers: ledgersIn(bands, (line) => lines.push(line)),
    secret: async (name) => secrets[name],
    fetch: async (url, init) => {
      posts.push({ url: String(url), body: JSON.parse(String(init?.body)) })
      return new Response(null, { status })
    },
    write: (report) => reports.push(report),
    say: (line) => lines.push(line),
  })

/** The scanner looks, then the reporter goes through it. */
async function round(at = now, reporter = make()): Promise<Report> {
  now = at
  story.now = at
  const disks = [{ path: '/srv/tm', users: ['alice'], total: 1000, free: 500 }]
  look = { version: 1, at, disks, shares: [{ user: 'alice', mac: 'macbook', share: story.share }] }
  return reporter.round(settings, at)
}

describe('a round', () => {
  test('takes the look, judges it, and reports what is read back as it was', async () => {
    const report = await round()
    expect(reportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(report)
    expect(reports).toEqual([report])
    expect(report.macs).toMatchObject([
      { user: 'alice', mac: 'macbook', state: expect.stringMatching(/ok|running/), seen: { bundles: 1 } },
    ])
    expect(report.host).toEqual([])
    expect(posts).toEqual([])
  })

  test('reports what the page shows: quota, snapshots, the person’s node, disks', async () => {
    gateway = { alice: { ...running, connections: 1, bytes_in: 5, peers: [{ path: 'relay', connections: 1 }] } }
    const { macs, nodes, disks } = await round()
    expect(macs).toMatchObject([{ quotaBytes: 2 ** 40, snapshots: [start] }])
    expect(nodes).toEqual([
      {
        user: 'alice',
        told: true,
        problems: [],
        seen: { at: start, state: 'running', sessions: 1, present: true, path: 'relay', bytesIn: 5, bytesOut: 0 },
      },
    ])
    expect(disks).toEqual([{ path: '/srv/tm', users: 1, people: ['alice'], totalBytes: 1000, freeBytes: 500 }])
    expect(macs).toMatchObject([{ connection: null }])
    for (let count = 1; count < 60; count++) story.claim(start - count)
    expect((await round(start + hour)).macs[0]?.snapshots).toHaveLength(48)
  })

  test('reports what Samba says: since when a Mac is connected, and that a backup runs', async () => {
    story.begin().complete()
    await round(start)
    const at = start + hour
    story.now = at
    story.complete()
    const samba = { sessions: 2, since: start + 1, files: 3, open: true, wrote: at - 1000 }
    const told = {
      version: 1,
      disks: [],
      shares: [{ user: 'alice', mac: 'macbook', share: story.share, samba }],
    } as const
    const report = async (at: number, change: object) => {
      const shares = told.shares.map((one) => ({ ...one, samba: { ...samba, ...change } }))
      look = lookSchema.parse({ ...told, at, shares })
      return (await make().round(settings, at)).macs[0]
    }
    expect(await report(at, {})).toMatchObject({
      ...{ state: 'running', running: true, reason: 'a backup runs' },
      connection: { sessions: 2, since: start + 1, openFiles: 3 },
    })
    expect(await report(at + 1000, { sessions: 0, since: null, files: 0, open: false, wrote: null })).toMatchObject({
      ...{ state: 'ok', running: false },
      connection: { sessions: 0, since: null, openFiles: 0 },
    })
  })

  test('a backup that stopped is told once, then after remind, then as well again, whoever was restarted meanwhile', async () => {
    await round()
    await round(start + 71 * hour)
    expect(posts).toEqual([])
    await round(start + 73 * hour)
    expect(posts).toMatchObject([
      {
        url: 'https://hooks.example.com/TOKEN',
        body: { severity: 'alarm', items: [{ what: 'new', about: 'alice/macbook', kind: 'missing' }] },
      },
    ])
    await round(start + 74 * hour)
    expect(posts).toHaveLength(1)
    await round(start + 73 * hour + 3 * day)
    expect(posts[1]?.body.items).toMatchObject([{ what: 'reminder' }])
    story.now = start + 150 * hour
    story.complete()
    await round(start + 150 * hour)
    expect(posts).toHaveLength(2)
    await round(start + 150 * hour + 20 * minute)
    expect(posts[2]?.body).toMatchObject({ severity: 'recovery', items: [{ what: 'recovery', kind: 'missing' }] })
  })

  test('what was read back and is not as it was is an alarm, told once, and told as well again when a round finds it so', async () => {
    const stand: Stand = {
      ...{ bundle: 'Alice.sparsebundle', bands: 100, covered: 40, read: 10, readBytes: 1, busy: 0 },
      ...{ faults: { rot: 1, unreadable: 0, oversize: 0 }, examples: [], files: [], ended: 'bytes' },
    }
    let id = 0
    const readBack = async (at: number, one: Stand) => {
      const named = () => ({ id: (++id).toString(16).padStart(16, '0'), at, user: 'alice', mac: 'macbook' })
      handed.push({ ...named(), what: { kind: 'part', part: { stand: one, records: '', gone: '' } } })
      handed.push({ ...named(), what: { kind: 'done', bundles: ['Alice.sparsebundle'] } })
      expect(await make().take(settings)).toBe(true)
      expect(await make().take(settings)).toBe(false)
      return round(at)
    }
    const report = await readBack(start, stand)
    expect(report.macs[0]).toMatchObject({
      state: 'corrupt',
      verified: { bands: 100, percent: 40, faults: { rot: 1 } },
    })
    await readBack(start + 6 * hour, stand)
    expect(posts.map(({ body }) => body.items.map(({ what, kind }) => `${what} ${kind}`))).toEqual([['new corrupt']])
    const well = { ...stand, faults: { rot: 0, unreadable: 0, oversize: 0 } }
    await readBack(start + 12 * hour, well)
    expect((await round(start + 13 * hour)).macs[0]?.state).not.toBe('corrupt')
    expect(posts[1]?.body).toMatchObject({ severity: 'recovery', items: [{ kind: 'corrupt' }] })
  })

  test('a Samba that said that it serves and says it no more is told when that lasts; one that never did is not', async () => {
    const problems = async (at: number, serving?: string[]) => {
      look = lookSchema.parse({ version: 1, at, disks: [], shares: [], ...(serving && { serving }) })
      return (await make().round(settings, at)).nodes[0]?.problems.map(({ reason }) => reason)
    }
    expect(await problems(start, [])).toEqual([])
    expect(await problems(start + hour)).toEqual([])
    expect(await problems(start + 2 * hour, ['alice'])).toEqual([])
    expect(await problems(start + 3 * hour, ['bob'])).toEqual([])
    expect(await problems(start + 3 * hour + 30 * minute, [])).toEqual(['Samba is silent: tmgen logs alice --samba'])
    expect(await problems(start + 4 * hour, ['alice'])).toEqual([])
  })

  test('a scanner that is silent is told, not what it said last', async () => {
    const reporter = make()
    await round(start, reporter)
    const report = await reporter.round(settings, start + hour)
    expect(report.macs[0]?.state).toBe('monitor')
    expect(posts.map(({ body }) => body.items.map(({ about, kind }) => `${about} ${kind}`))).toEqual([
      ['this server monitor'],
    ])
  })

  test('a host that was off for a day is not told as a scanner that did not look', async () => {
    await round()
    const report = await make().round(settings, start + day)
    expect(report.macs[0]?.problems).toEqual([])
    expect(report.host).toEqual([])
    expect(posts).toEqual([])
  })

  test('a scanner that is silent for days is told, and nobody’s backup, nor what should have been read back', async () => {
    settings = { ...settings, verify: { every: hour, bytes: 1, ms: 1, within: day } }
    const reporter = make()
    await round(start, reporter)
    for (const hours of [1, 73, 200]) {
      const report = await reporter.round(settings, start + hours * hour)
      expect(report.macs[0]?.problems.map(({ kind }) => kind)).toEqual(['monitor'])
    }
    const all = posts.flatMap(({ body }) => body.items.map(({ what, about, kind }) => `${what} ${about} ${kind}`))
    expect(new Set(all)).toEqual(new Set(['new this server monitor', 'reminder this server monitor']))
  })

  test('a monitor that was off for four days says nothing of backups before it has looked', async () => {
    await round()
    const report = await make().round(settings, start + 4 * day)
    expect(report.macs[0]?.problems).toEqual([])
    expect(posts).toEqual([])
  })

  test('somebody who was disabled for a month and is back gets time for a first look', async () => {
    const reporter = make()
    const { users } = settings
    await round(start, reporter)
    settings = { ...settings, users: [] }
    await round(start + 30 * day, reporter)
    settings = { ...settings, users }
    now = start + 30 * day + minute
    const report = await reporter.round(settings, now)
    expect(report.macs[0]?.problems.map(({ kind }) => kind)).not.toContain('monitor')
  })

  test('the same look is not taken twice', async () => {
    await round()
    await make().round(settings, now + minute)
    expect(history.runs('mac:alice/macbook')).toMatchObject([{ looks: 1 }])
  })

  test('a gateway that is silent for long is told in place of everybody’s node', async () => {
    gateway = undefined
    await round()
    await round(start + 5 * minute)
    expect(posts).toEqual([])
    await round(start + 35 * minute)
    expect(posts.map(({ body }) => body.items.map(({ kind }) => kind))).toEqual([['gateway']])
  })

  test('a dashboard whose node is in trouble for long is told to the operator as trouble of this server', async () => {
    settings = { ...settings, dashboard: { name: 'dashboard', hostname: 'tm-dashboard' } }
    await round()
    expect((await round(start + 30 * minute)).host.map(({ reason }) => reason)).toEqual([
      'the dashboard is not there: the node is unknown',
    ])
    expect(posts.map(({ body }) => body.items)).toMatchObject([[{ what: 'new', about: 'this server', kind: 'node' }]])
    gateway = { alice: running, dashboard: { ...running, state: 'error', key_needed: true } }
    expect((await round(start + 35 * minute)).host.map(({ reason }) => reason)).toEqual([
      'the dashboard is not there: the node waits for an auth key: tmgen provision dashboard',
    ])
    gateway = { alice: running, dashboard: running }
    expect((await round(start + 40 * minute)).host).toEqual([])
    await round(start + 60 * minute)
    expect(posts.at(-1)?.body).toMatchObject({ severity: 'recovery', items: [{ kind: 'node' }] })
  })

  test('of a node that the dashboard had, and has no more, nobody is told', async () => {
    settings = { ...settings, dashboard: { name: 'dashboard', hostname: 'tm-dashboard' } }
    await round()
    settings = { ...settings, dashboard: null }
    expect((await round(start + 30 * minute)).host).toEqual([])
    expect(posts).toEqual([])
  })

  describe('whose a name is', () => {
    const kinds = ['mac', 'node', 'seen', 'serves', 'state', 'verified']
    const subjects = (name: string) =>
      kinds
        .flatMap((kind) => [`${kind}:${name}`, `${kind}:${name}/macbook`])
        .filter((subject) => {
          return history.remembered(subject) !== undefined || history.runs(subject).length > 0
        })
    beforeEach(async () => {
      await round()
      history.remember('serves:alice', true)
      history.remember('verified:alice/macbook', { some: 'rot' })
      story.share = { outcome: 'absent' }
      expect((await round(start + hour)).macs[0]?.state).toBe('vanished')
    })

    test('the next person of that name gets nothing that is remembered under it', async () => {
      expect(subjects('alice')).toHaveLength(7)
      settings = { ...settings, users: [person('alice', 'u2')] }
      look = undefined
      expect((await make().round(settings, start + 2 * hour)).macs[0]).toMatchObject({ state: 'waiting', problems: [] })
      expect(subjects('alice')).toEqual(['state:alice', 'state:alice/macbook'])
      expect(history.runs('state:alice/macbook')).toMatchObject([{ first: start + 2 * hour }])
    })

    test('a person who is renamed keeps what is remembered: the alarm, and what was', async () => {
      const own = subjects('alice')
      settings = { ...settings, users: [person('anna', 'u1')] }
      look = undefined
      expect((await make().round(settings, start + hour + minute)).macs[0]).toMatchObject({
        ...{ user: 'anna', state: 'vanished' },
      })
      expect(subjects('alice')).toEqual([])
      expect(subjects('anna')).toEqual(own.map((subject) => subject.replace('alice', 'anna')))
      expect(history.runs('mac:anna/macbook')).toHaveLength(2)
    })

    test('two who change names change what is remembered; who is not served for a while keeps it', async () => {
      settings = { ...settings, users: [person('bob', 'u1'), person('alice', 'u2')] }
      look = undefined
      await make().round(settings, start + hour + minute)
      expect(history.runs('mac:bob/macbook')).toHaveLength(2)
      settings = { ...settings, users: [] }
      await make().round(settings, start + hour + 2 * minute)
      settings = { ...settings, users: [person('alice', 'u1'), person('bob', 'u2')] }
      const { macs } = await make().round(settings, start + hour + 3 * minute)
      expect(macs.map(({ user, state }) => [user, state])).toEqual([
        ...[
          ['alice', 'vanished'],
          ['bob', 'waiting'],
        ],
      ])
      expect(history.runs('mac:alice/macbook')).toHaveLength(2)
      expect(history.runs('state:bob/macbook')).toMatchObject([{ first: start + hour + minute }])
    })
  })

  test('what is not in tmgen.yaml any more is left out', async () => {
    settings.users[0]!.macs = ['imac']
    const report = await round()
    expect(report.macs).toMatchObject([{ mac: 'imac', state: 'waiting', seen: null }])
    expect(history.runs('mac:alice/macbook')).toEqual([])
  })
})

describe('delivery', () => {
  // A disk of its own takes root; where tests run without, this one is reported as skipped.
  test.skipIf(process.getuid?.() !== 0)(
    'a full disk is told, and told once, although nothing can be kept',
    async () => {
      history.close()
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=400k', 'tmpfs', folder])
      try {
        history = new History(join(folder, 'history.sqlite'), { onLoss: (why) => lines.push(why) })
        // All that is left, so that not even a journal can be begun.
        const fill = () => {
          for (;;) appendFileSync(join(folder, 'ballast'), 'x'.repeat(1024))
        }
        expect(fill).toThrow(/ENOSPC/)
        const reporter = make()
        for (const at of [start, start + 5 * minute, start + 10 * minute]) {
          look = { version: 1, at, disks: [{ path: '/srv/tm', users: ['alice'], total: 1000, free: 0 }], shares: [] }
          await reporter.round(settings, at)
        }
        expect(lines).toContain('the disk of the history is full: until there is room nothing is added')
        expect(history.runs('host')).toEqual([])
        expect(posts.map(({ body }) => body.items.map(({ kind }) => kind))).toEqual([['disk']])
      } finally {
        history.close()
        execFileSync('umount', [folder])
      }
    },
  )

  test('while alerts are off nothing counts as told: who is named later is told what is wrong then', async () => {
    const kinds = () => posts.map(({ body }) => body.items.map(({ what, kind }) => `${what} ${kind}`))
    await round()
    await round(start + 80 * hour)
    expect(kinds()).toEqual([['new missing']])
    settings.alerts = []
    await round(start + 81 * hour)
    settings.alerts = ['webhook']
    await round(start + 82 * hour)
    expect(kinds()).toEqual([['new missing'], ['new missing']])
  })

  test('what is not taken is tried again, shown, and never told with its address', async () => {
    await round()
    status = 503
    const first = await round(start + 80 * hour)
    expect(first.channels).toEqual([
      expect.objectContaining({ name: 'webhook', waiting: 1, lost: 0, error: 'it answers with HTTP 503' }),
    ])
    status = 204
    const then = await round(start + 80 * hour + 2 * minute)
    expect(then.channels).toMatchObject([{ waiting: 0, error: '', sentAt: now }])
    expect(posts).toHaveLength(2)
    expect(JSON.stringify([reports, lines])).not.toMatch(/TOKEN|hooks\.example/)
  })

  test.each([
    ['no file', undefined, /there is no address/],
    ['an empty one', ' \n', /there is no address/],
    ['no address', 'hooks.example.com/TOKEN', /holds no http or https address/],
    ['another scheme', 'file:///etc/passwd', /holds no http or https address/],
  ])('%s in secrets/monitor is a failure with its cause', async (_name, text, cause) => {
    if (text === undefined) delete secrets.webhook
    else secrets.webhook = text
    const outside = { fetch: () => expect.fail('nobody is asked'), secret: async (name: string) => secrets[name] }
    expect(await testAlert(outside, settings, now)).toEqual([
      { channel: 'webhook', error: expect.stringMatching(cause) },
    ])
  })

  test('a file that may not be read is a failure of that channel, and no end of the monitor', async () => {
    const secret = async () => Promise.reject(new TmgenError('disk', 'cannot look at it'))
    const outside = { fetch: () => expect.fail('nobody is asked'), secret }
    expect(await testAlert(outside, settings, now)).toEqual([
      { channel: 'webhook', error: expect.stringMatching(/secrets\/monitor\/webhook cannot be read/) },
    ])
  })

  test('a person of whom nobody is to be told is judged and not told', async () => {
    settings.users[0]!.policy = { ...settings.users[0]!.policy, enabled: false }
    await round()
    const report = await round(start + 80 * hour)
    expect(report.macs[0]?.state).toBe('missing')
    expect(posts).toEqual([])
  })

  test('trouble that lasts stands in the log once, however its words count on', async () => {
    const reporter = make()
    await round(start, reporter)
    const troubles = () => lines.filter((line) => line.startsWith('this server '))
    for (const minutes of [30, 31, 32]) await reporter.round(settings, start + minutes * minute)
    expect(troubles()).toEqual(['this server monitor: the monitor has not looked for 30 minutes'])
    await round(start + 33 * minute, reporter)
    await reporter.round(settings, start + 120 * minute)
    expect(troubles()).toHaveLength(2)
  })

  test('a disk that fills up is told by its path', async () => {
    await round()
    now = start + minute
    look = { version: 1, at: now, disks: [{ path: '/srv/tm', users: ['alice'], total: 1000, free: 10 }], shares: [] }
    await make().round(settings, now)
    expect(posts.at(-1)?.body.items).toMatchObject([{ kind: 'disk' }])
  })
})
