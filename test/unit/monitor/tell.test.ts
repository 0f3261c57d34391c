import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { History } from '../../../src/monitor/history/index.ts'
import type { Look } from '../../../src/monitor/observation/index.ts'
import { type Report, Reporter, testAlert } from '../../../src/monitor/report/index.ts'
import type { Settings } from '../../../src/monitor/settings.ts'
import { person, running, settingsOf, worldOf } from './settings.ts'
import { SmtpServer } from './smtp-server.ts'
import { hour, minute, policy, Story, start } from './timeline.ts'

const silent = { alerts: [], mail: null, ping: false }

let folder: string
let history: History
let stories: Record<string, Story>
let secrets: Record<string, string>
let posts: { url: string; body: string }[]
/** What receivers answer, by their address. */
let answers: Record<string, number>
let lines: string[]
/** What receivers answer to what is posted, where nothing stands in `answers`. */
let receive: (body: string) => number
let settings: Settings

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tmgen-tell-'))
  history = new History(join(folder, 'history.sqlite'), { onLoss: (why) => expect.fail(why) })
  stories = {
    alice: new Story().begin('Alice.sparsebundle').complete(),
    bob: new Story().begin('Bob.sparsebundle').complete(),
  }
  secrets = {
    webhook: 'https://operator.example.com/hook',
    'users/alice/webhook': 'https://alice.example.com/hook',
    'users/bob/webhook': 'https://bob.example.com/hook',
    ping: 'https://ping.example.com/host',
    'users/alice/ping': 'https://ping.example.com/alice?x=1',
  }
  posts = []
  answers = {}
  receive = () => 204
  lines = []
  settings = settingsOf({ users: [person('alice', 'u1'), person('bob', 'u2')] })
})
afterEach(() => {
  history.close()
  rmSync(folder, { recursive: true, force: true })
})

const fetchIt: typeof fetch = async (url, init) => {
  posts.push({ url: String(url), body: String(init?.body) })
  return new Response(null, { status: answers[String(url)] ?? receive(String(init?.body)) })
}
const make = (look?: Look) =>
  new Reporter(
    history,
    worldOf({
      look: async () => look,
      gateway: async () => ({ alice: running, bob: running }),
      secret: async (name) => secrets[name],
      fetch: fetchIt,
      say: (line) => lines.push(line),
    }),
  )

/** The scanner looks at everybody, then the reporter goes through it. */
async function round(at: number): Promise<Report> {
  for (const story of Object.values(stories)) story.now = at
  const disks = [{ path: '/srv/tm', users: ['alice'], total: 1000, free: 500 }]
  const shares = Object.entries(stories).map(([user, { share }]) => ({ user, mac: 'macbook', share }))
  return make({ version: 1, at, disks, shares }).round(settings, at)
}

/** The same, without a new look. */
const later = (at: number) => make().round(settings, at)

const told = () =>
  posts.map(({ url, body }) => {
    const items: { about: string; what: string; kind: string }[] = body.startsWith('{') ? JSON.parse(body).items : []
    const what = items.map(({ about, what, kind }) => `${what} ${about} ${kind}`).join(', ')
    return `${new URL(url).hostname.split('.')[0]}: ${what}`
  })

describe('each person', () => {
  beforeEach(() => {
    settings.alerts = ['webhook']
    for (const user of settings.users) user.tell = { ...silent, alerts: ['webhook'] }
  })

  test('is told of their own Macs alone, and the operator of everybody', async () => {
    await round(start)
    stories.bob!.now = start + 79 * hour
    stories.bob!.complete()
    await round(start + 80 * hour)
    expect(told()).toEqual(['operator: new alice/macbook missing', 'alice: new alice/macbook missing'])
    expect(JSON.parse(posts[1]!.body)).toMatchObject({ to: 'alice' })
    await round(start + 160 * hour)
    expect(told().slice(2)).toEqual([
      'operator: reminder alice/macbook missing, new bob/macbook missing',
      'alice: reminder alice/macbook missing',
      'bob: new bob/macbook missing',
    ])
    expect(posts.filter(({ url }) => url.includes('//bob')).map(({ body }) => body)).not.toContainEqual(
      expect.stringMatching(/alice/i),
    )
  })

  test('is told where the operator is not, and of all that is wrong once they can be', async () => {
    settings.alerts = []
    settings.users[1]!.tell = silent
    await round(start)
    await round(start + 80 * hour)
    expect(told()).toEqual(['alice: new alice/macbook missing'])
    settings.users[1]!.tell = { ...silent, alerts: ['webhook'] }
    await later(start + 80 * hour + minute)
    expect(told().slice(1)).toEqual(['bob: new bob/macbook missing'])
  })

  test('is told nothing where nobody is to be told of them', async () => {
    settings.users[0]!.policy = { ...policy, enabled: false }
    await round(start)
    await round(start + 80 * hour)
    expect(told()).toEqual(['operator: new bob/macbook missing', 'bob: new bob/macbook missing'])
  })

  test('and a receiver that fails holds up nobody else, and is named', async () => {
    answers['https://alice.example.com/hook'] = 500
    await round(start)
    const report = await round(start + 80 * hour)
    expect(report.channels).toMatchObject([
      { name: 'webhook', error: '', waiting: 0 },
      { name: 'alice/webhook', error: 'it answers with HTTP 500', waiting: 1 },
      { name: 'bob/webhook', error: '', waiting: 0 },
    ])
    expect(lines).toContain('alice/webhook: not delivered: it answers with HTTP 500')
  })

  test('of a name that was another’s gets nothing of what was theirs', async () => {
    answers['https://alice.example.com/hook'] = 500
    await round(start)
    await round(start + 80 * hour)
    posts = []
    answers = {}
    settings.users[0] = { ...person('alice', 'u7'), tell: { ...silent, alerts: ['webhook'] } }
    stories.alice = new Story().begin('Other.sparsebundle.incomplete')
    const report = await round(start + 80 * hour + 20 * minute)
    expect(told()).toEqual([])
    expect(report.macs[0]).toMatchObject({ user: 'alice', lastSuccess: null, problems: [] })
    expect(history.runs('mac:alice/macbook')).toMatchObject([{ looks: 1 }])
  })

  test('a test goes to one of them, or to the operator', async () => {
    const outside = { fetch: fetchIt, secret: async (name: string) => secrets[name] }
    expect(await testAlert(outside, settings, start)).toEqual([{ channel: 'webhook', error: '' }])
    delete secrets['users/bob/webhook']
    expect(await testAlert(outside, settings, start, 'bob')).toEqual([
      { channel: 'bob/webhook', error: 'there is no address in secrets/monitor/users/bob/webhook' },
    ])
    expect(told()).toEqual(['operator: new this server monitor'])
  })

  test('a test that is refused says so, and is not sent in short', async () => {
    const outside = { fetch: fetchIt, secret: async (name: string) => secrets[name] }
    receive = () => 400
    expect(await testAlert(outside, settings, start)).toEqual([
      { channel: 'webhook', error: 'it answers with HTTP 400' },
    ])
    expect(posts).toHaveLength(1)
  })

  test('by mail gets one each, and nobody sees who else does', async () => {
    settings.mail = { host: 'x', port: 1, tls: 'none', account: null, from: 'a@b', to: ['one@b.c', 'two@b.c'] }
    settings.alerts = ['mail']
    settings.users[0]!.tell = { alerts: ['mail'], mail: 'alice@b.c', ping: false }
    const { channels } = await round(start)
    expect(channels.map(({ name }) => name)).toEqual(['mail one@b.c', 'mail two@b.c', 'alice/mail', 'bob/webhook'])
  })
})

describe('a way that is new', () => {
  beforeEach(async () => {
    settings.alerts = ['webhook']
    settings.users = [person('alice', 'u1')]
    delete stories.bob
    await round(start)
  })

  test('is told all that is wrong, once, and goes on like the others', async () => {
    await round(start + 80 * hour)
    settings.alerts = ['webhook', 'ntfy']
    secrets.ntfy = 'https://ntfy.example.com/topic'
    await later(start + 80 * hour + minute)
    await later(start + 80 * hour + 2 * minute)
    expect(posts.map(({ url }) => new URL(url).hostname)).toEqual(['operator.example.com', 'ntfy.example.com'])
    expect(JSON.parse(posts[1]!.body)).toMatchObject({
      title: expect.stringContaining('alarm: alice/macbook: no backup'),
    })
    await round(start + 153 * hour)
    expect(posts).toHaveLength(4)
    expect(posts.slice(2).map(({ body }) => JSON.parse(body).title)).toEqual(
      Array(2).fill(expect.stringContaining('still: alice/macbook')),
    )
  })

  test('hears nothing while nothing is wrong, and nothing twice of what is found with it', async () => {
    settings.alerts = ['webhook', 'apprise']
    secrets.apprise = 'https://apprise.example.com/notify/x'
    await later(start + minute)
    expect(posts).toEqual([])
    settings.alerts = ['webhook', 'ntfy']
    secrets.ntfy = 'https://ntfy.example.com/topic'
    await round(start + 80 * hour)
    expect(posts.map(({ url }) => new URL(url).hostname).sort()).toEqual(['ntfy.example.com', 'operator.example.com'])
  })

  test('is also a mail address that was corrected: what waited for the other is told to it anew', async () => {
    const server = new SmtpServer({
      ...{ tls: 'none', key: '', cert: '' },
      answer: (command) => (command === 'RCPT' && isDown ? '550 5.1.1 nobody' : undefined),
    })
    let isDown = true
    try {
      const port = await server.start()
      const mail = { host: '127.0.0.1', port, tls: 'none', account: null, from: 't@example.com' } as const
      settings.alerts = ['mail']
      settings.mail = { ...mail, to: ['a@example.com'] }
      settings.users[0]!.tell = { alerts: ['mail'], mail: 'alise@example.com', ping: false }
      await later(start + minute)
      const failed = await round(start + 80 * hour)
      expect(failed.channels).toMatchObject([
        { name: 'mail a@example.com', waiting: 1 },
        { name: 'alice/mail', waiting: 1 },
      ])
      isDown = false
      settings.mail = { ...mail, to: ['b@example.com'] }
      settings.users[0]!.tell.mail = 'alice@example.com'
      const { channels } = await later(start + 80 * hour + 30_000)
      expect(channels.map(({ waiting }) => waiting)).toEqual([0, 0])
      expect(server.mails.map(({ to }) => to[0]).sort()).toEqual(['TO:<alice@example.com>', 'TO:<b@example.com>'])
      for (const { raw } of server.mails) expect(raw).toContain('alarm: alice/macbook')
      await later(start + 80 * hour + 20 * minute)
      expect(server.mails).toHaveLength(2)
    } finally {
      server.stop()
    }
  })
})

describe('what is refused', () => {
  const bodies = () => posts.map(({ body }) => JSON.parse(body) as { title: string; body: string; items: object[] })
  beforeEach(async () => {
    settings.alerts = ['webhook']
    await round(start)
  })
  /** What is received of what; a receiver that refuses some of it. */
  const refusing = (isRefused: (body: string) => boolean, status = 413) => {
    receive = (body) => (isRefused(body) ? status : 204)
  }

  test('as it is arrives in a few words', async () => {
    refusing((body) => body.includes('no backup'))
    const report = await round(start + 80 * hour)
    expect(bodies().map(({ items }) => items.length)).toEqual([2, 0])
    expect(bodies()[1]).toMatchObject({
      title: '[tm] alarm: alice/macbook: missing and 1 more',
      body: 'the rest of it was refused here: tmgen status',
    })
    expect(report.channels).toMatchObject([{ waiting: 0, lost: 0, error: '' }])
    expect(lines).toContain('webhook: delivered in short: it answers with HTTP 413')
  })

  test.each([
    400, 413, 422, 424, 431,
  ])('altogether, with %i, holds up nothing that comes after it, is shown, and is given up in the end', async (status) => {
    refusing((body) => body.includes('missing'), status)
    await round(start + 80 * hour)
    stories.bob!.share = { outcome: 'absent' }
    const report = await round(start + 80 * hour + 30_000)
    expect(bodies().at(-1)).toMatchObject({ items: [{ about: 'bob/macbook', kind: 'vanished' }] })
    const error = `it answers with HTTP ${status}`
    expect(report.channels).toMatchObject([{ waiting: 1, lost: 0, sentAt: start + 80 * hour + 30_000, error }])
    settings.host.remind = 365 * 24 * hour
    for (let hours = 84; hours < 80 + 80; hours += 4) await round(start + hours * hour)
    expect((await later(start + 160 * hour)).channels).toMatchObject([{ waiting: 0, lost: 1 }])
  })

  test.each([
    401, 403, 404, 429, 500, 503,
  ])('for now, with %i, is asked again as it is, and keeps its place', async (status) => {
    refusing(() => true, status)
    await round(start + 80 * hour)
    stories.bob!.share = { outcome: 'absent' }
    await round(start + 80 * hour + 30_000)
    expect(posts).toHaveLength(1)
    receive = () => 204
    const { channels } = await later(start + 80 * hour + 2 * minute)
    expect(bodies().map(({ items }) => items.length)).toEqual([2, 2, 1])
    expect(channels).toMatchObject([{ waiting: 0 }])
  })

  test('because the address is wrong waits until it is right', async () => {
    refusing(() => true, 400)
    await round(start + 80 * hour)
    receive = () => 204
    posts = []
    expect((await later(start + 80 * hour + 2 * minute)).channels).toMatchObject([{ waiting: 0, error: '' }])
    expect(bodies()).toMatchObject([{ items: [{}, {}] }])
  })
})

describe('a watch off the host', () => {
  const pings = () =>
    posts.filter(({ url }) => url.includes('//ping.')).map(({ url, body }) => [new URL(url).pathname, body] as const)
  beforeEach(() => {
    settings.users[0]!.tell = { ...silent, ping: true }
  })

  test('hears of each look that a person is backed up, of trouble at once, and of the end of it', async () => {
    await round(start)
    await later(start + minute)
    expect(pings()).toEqual([['/alice', '']])
    expect(posts[0]!.url).toBe('https://ping.example.com/alice?x=1')
    await round(start + 5 * minute)
    expect(pings()).toHaveLength(2)
    await round(start + 72 * hour - minute)
    expect(pings().at(-1)).toEqual(['/alice', ''])
    await round(start + 72 * hour + 2 * minute)
    expect(pings().at(-1)).toEqual(['/alice/fail', 'alice/macbook: no backup for 3 days: the Mac writes nothing'])
    stories.alice!.now = start + 74 * hour
    stories.alice!.complete()
    await round(start + 74 * hour)
    expect(pings().at(-1)).toEqual(['/alice', ''])
  })

  test('hears nothing before the first backup, and none of what nobody knows', async () => {
    stories.alice = new Story().begin()
    await round(start)
    expect(pings()).toEqual([])
    stories.alice.begin('Alice.sparsebundle').complete()
    await round(start + 5 * minute)
    expect(pings()).toEqual([['/alice', '']])
    // The scanner is silent.
    const reporter = make()
    await reporter.round(settings, start + 6 * minute)
    await reporter.round(settings, start + hour)
    expect(pings()).toEqual([['/alice', '']])
  })

  test('hears nothing of a person of whom nobody is to be told', async () => {
    settings.users[0]!.policy = { ...policy, enabled: false }
    const { channels } = await round(start)
    expect([pings(), channels]).toEqual([[], []])
  })

  test('is tried by a test as well, which leaves it as it is, also where nobody is to be told', async () => {
    const outside = { fetch: fetchIt, secret: async (name: string) => secrets[name] }
    settings.ping = true
    settings.users[0]!.policy = { ...policy, enabled: false }
    expect(await testAlert(outside, settings, start)).toEqual([{ channel: 'ping', error: '' }])
    expect(await testAlert(outside, settings, start, 'alice')).toEqual([{ channel: 'alice/ping', error: '' }])
    expect(pings()).toEqual([
      ['/host/log', 'this is a test: alerts arrive here'],
      ['/alice/log', 'this is a test: alerts arrive here'],
    ])
    receive = () => 404
    delete secrets['users/alice/ping']
    expect([await testAlert(outside, settings, start), await testAlert(outside, settings, start, 'alice')]).toEqual([
      [{ channel: 'ping', error: 'it answers with HTTP 404' }],
      [{ channel: 'alice/ping', error: 'there is no address in secrets/monitor/users/alice/ping' }],
    ])
  })

  test('that does not answer is shown and asked again, and its address is not told', async () => {
    answers['https://ping.example.com/alice?x=1'] = 404
    const { channels } = await round(start)
    expect(channels).toEqual([
      { name: 'alice/ping', waiting: 0, lost: 0, sentAt: null, failedAt: start, error: 'it answers with HTTP 404' },
    ])
    answers = {}
    const then = await later(start + minute)
    expect(then.channels).toMatchObject([{ error: '', sentAt: start + minute }])
    expect(lines.filter((line) => line.includes('ping'))).toEqual([
      'alice/ping: not delivered: it answers with HTTP 404',
    ])
    expect(lines.join()).not.toContain('example.com')
  })

  test('hears that the monitor looks, that it does not, and that its alerts do not arrive', async () => {
    settings.users[0]!.tell = silent
    settings.ping = true
    const reporter = make()
    await reporter.round(settings, start)
    expect(pings()).toEqual([])
    await round(start + minute)
    expect(pings()).toEqual([['/host', '']])
    await reporter.round(settings, start + hour)
    expect(pings().at(-1)).toEqual(['/host/fail', 'the monitor has not looked for 59 minutes'])
    settings.alerts = ['webhook']
    answers['https://operator.example.com/hook'] = 500
    await round(start + 80 * hour)
    await round(start + 82 * hour)
    expect(pings().at(-1)).toEqual(['/host/fail', 'alerts are not delivered by webhook'])
  })
})
