import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { History } from '../../../src/monitor/history/index.ts'
import type { GatewayNode, Look } from '../../../src/monitor/observation/index.ts'
import { Reporter } from '../../../src/monitor/report/index.ts'
import type { Settings } from '../../../src/monitor/settings.ts'
import { person, running, settingsOf, worldOf } from './settings.ts'
import { day, hour, minute, policy, Story, start } from './timeline.ts'

const broken: GatewayNode = { ...running, state: 'error', last_error: 'no login' }
const names = ['alice', 'bob', 'carol', 'dora', 'erin']

let folder: string
let history: History
let stories: Record<string, Story>
let gateway: Record<string, GatewayNode> | undefined
let disks: Look['disks']
let serving: string[] | undefined
let settings: Settings
/** Items that were told to the operator (`*`) or to a person. */
let told: string[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tmgen-well-again-'))
  history = new History(join(folder, 'history.sqlite'), { onLoss: (why) => expect.fail(why) })
  stories = { alice: new Story().begin('Alice.sparsebundle').complete() }
  gateway = { alice: running, dashboard: running }
  disks = []
  serving = undefined
  told = []
  settings = settingsOf({ alerts: ['webhook'], users: [person('alice', 'u1')] })
})
afterEach(() => {
  history.close()
  rmSync(folder, { recursive: true, force: true })
})

const reporter = () =>
  new Reporter(
    history,
    worldOf({
      look: async () => look,
      gateway: async () => gateway,
      secret: async (name) => `https://example.com/${name}`,
      fetch: async (_url, init) => {
        const { to, items } = JSON.parse(String(init?.body))
        for (const { what, about, kind } of items) told.push(`${to ?? '*'}: ${what} ${about} ${kind}`)
        return new Response(null, { status: 204 })
      },
    }),
  )
let look: Look
/** The scanner looks, then the reporter goes through it. */
async function round(at: number): Promise<void> {
  const shares = Object.entries(stories).map(([user, story]) => {
    story.now = at
    return { user, mac: 'macbook', share: story.share }
  })
  look = { version: 1, at, disks, shares, ...(serving && { serving }) }
  await reporter().round(settings, at)
}
/** An hour of looks. */
async function anHour(from: number): Promise<void> {
  for (let minutes = 5; minutes <= 60; minutes += 5) await round(from + minutes * minute)
}
const write = async (at: number) => {
  stories.alice!.now = at
  stories.alice!.write()
  await round(at)
}

describe('nothing is well again while the trouble lasts', () => {
  test('in other words: failing, failed, missing; what is worse is told at once, and the end once', async () => {
    await round(start)
    for (let hours = 12; hours <= 72; hours += 12) await write(start + hours * hour)
    expect(told).toEqual(['*: new alice/macbook failing'])
    await write(start + 73 * hour)
    expect(told.slice(1)).toEqual(['*: new alice/macbook failed'])
    await anHour(start + 73 * hour)
    expect(told).toHaveLength(2)
    settings.host.remind = 365 * day
    await round(start + 73 * hour + 3 * day)
    expect(told.slice(2)).toEqual(['*: new alice/macbook missing'])
    await anHour(start + 73 * hour + 3 * day)
    expect(told).toHaveLength(3)
    stories.alice!.complete()
    await anHour(start + 7 * day)
    await anHour(start + 7 * day + hour)
    expect(told.slice(3)).toEqual(['*: recovery alice/macbook missing'])
  })

  test('without a backup: a Mac that fails, and then writes nothing or is away', async () => {
    settings.users[0]!.policy = { ...policy, online: 2 * hour }
    await round(start)
    for (const hours of [12, 24, 36]) await write(start + hours * hour)
    expect(told).toEqual(['*: new alice/macbook failing'])
    gateway = { alice: { ...running, device_online: false } }
    for (const hours of [60, 72, 96]) await anHour(start + hours * hour)
    expect(told).toHaveLength(1)
    stories.alice!.complete()
    await anHour(start + 98 * hour)
    expect(told.slice(1)).toEqual(['*: recovery alice/macbook failing'])
  })

  test('without a backup: a Mac that is missing, and has more time now', async () => {
    await round(start)
    await round(start + 73 * hour)
    expect(told).toEqual(['*: new alice/macbook missing'])
    settings.users[0]!.policy = { ...settings.users[0]!.policy, stale: 14 * day }
    await anHour(start + 73 * hour)
    expect(told).toHaveLength(1)
    stories.alice!.complete()
    await anHour(start + 75 * hour)
    expect(told.slice(1)).toEqual(['*: recovery alice/macbook missing'])
  })

  test.each<[string, (users: Settings['users']) => Settings['users']]>([
    [
      'of whom nobody is to be told any more',
      (users) => users.map((one) => ({ ...one, policy: { ...one.policy, enabled: false } })),
    ],
    ['whose Mac is not in tmgen.yaml any more', (users) => users.map((one) => ({ ...one, macs: ['imac'] }))],
    ['who is not in tmgen.yaml any more', () => []],
    ['who has another name now', (users) => users.map((one) => ({ ...one, name: 'alicia' }))],
  ])('unwatched: of a person %s nothing is well again', async (how, change) => {
    settings.users[0]!.tell.alerts = ['webhook']
    await round(start)
    await round(start + 73 * hour)
    expect(told).toEqual(['*: new alice/macbook missing', 'alice: new alice/macbook missing'])
    settings.users = change(settings.users)
    if (how.includes('name')) stories = { alicia: stories.alice! }
    await anHour(start + 73 * hour)
    expect(told.filter((line) => !line.includes(': new '))).toEqual([])
  })

  test('somebody of whom people are to be told again is told anew', async () => {
    await round(start)
    await round(start + 73 * hour)
    const own = settings.users[0]!.policy
    settings.users[0]!.policy = { ...own, enabled: false }
    await anHour(start + 73 * hour)
    settings.users[0]!.policy = own
    await anHour(start + 74 * hour)
    expect(told).toEqual(['*: new alice/macbook missing', '*: new alice/macbook missing'])
  })

  test('unseen: a node in trouble whose gateway falls silent is well when the gateway says so', async () => {
    gateway = { alice: broken }
    await anHour(start)
    expect(told).toEqual(['*: new alice node'])
    gateway = undefined
    await anHour(start + hour)
    await anHour(start + 2 * hour)
    expect(told.slice(1)).toEqual(['*: new this server gateway'])
    gateway = { alice: running }
    await anHour(start + 3 * hour)
    expect(told.slice(2)).toEqual(['*: recovery this server gateway', '*: recovery alice node'])
  })

  test('unseen: silence makes no node’s trouble last', async () => {
    gateway = { alice: broken }
    await round(start)
    await round(start + 5 * minute)
    gateway = undefined
    await anHour(start + 5 * minute)
    gateway = { alice: broken }
    await round(start + 70 * minute)
    await round(start + 85 * minute)
    expect(told).toEqual(['*: new this server gateway', '*: recovery this server gateway'])
    await round(start + 95 * minute)
    expect(told.slice(2)).toEqual(['*: new alice node'])
  })

  test('a Samba that serves again while the gateway is silent is well', async () => {
    serving = ['alice']
    await round(start)
    serving = []
    await anHour(start)
    expect(told).toEqual(['*: new alice node'])
    gateway = undefined
    serving = ['alice']
    await anHour(start + hour)
    expect(told.slice(1)).toEqual(['*: recovery alice node', '*: new this server gateway'])
  })

  test('unwatched: a dashboard, or a disk, that is not in tmgen.yaml any more', async () => {
    settings.dashboard = { name: 'dashboard', hostname: 'tm-dashboard' }
    gateway = { alice: running, dashboard: broken }
    disks = [{ path: '/srv/old', users: ['alice'], total: 1000, free: 1 }]
    await anHour(start)
    expect(told).toEqual(['*: new this server disk', '*: new this server node'])
    settings.dashboard = null
    disks = [{ path: '/srv/new', users: ['alice'], total: 1000, free: 900 }]
    await anHour(start + hour)
    expect(told).toHaveLength(2)
  })
})

describe('what many have, told as one', () => {
  beforeEach(() => {
    settings.users = names.map((name, index) => person(name, `u${index}`))
    gateway = Object.fromEntries(names.map((name) => [name, running]))
    stories = Object.fromEntries(names.map((name) => [name, new Story().begin(`${name}.sparsebundle`).complete()]))
  })
  const complete = (at: number, ...users: string[]) => {
    for (const user of users) {
      stories[user]!.now = at
      stories[user]!.complete()
    }
  }

  test('is not well again while one of them has it, or while the gateway is silent', async () => {
    gateway = Object.fromEntries(names.map((name, index) => [name, index < 3 ? broken : running]))
    await anHour(start)
    expect(told).toEqual(['*: new this server node'])
    gateway = undefined
    await anHour(start + hour)
    await anHour(start + 2 * hour)
    expect(told.slice(1)).toEqual(['*: new this server gateway'])
    gateway = { ...Object.fromEntries(names.map((name) => [name, running])), alice: broken }
    await anHour(start + 3 * hour)
    expect(told.slice(2)).toEqual(['*: new alice node', '*: recovery this server gateway'])
    gateway = { ...gateway, alice: running }
    await anHour(start + 4 * hour)
    expect(told.slice(4)).toEqual(['*: recovery alice node'])
  })

  test('is well again when all of them are, and not when nobody looks at them any more', async () => {
    await round(start)
    complete(start + 70 * hour, 'dora', 'erin')
    await round(start + 73 * hour)
    expect(told).toEqual(['*: new this server missing'])
    const all = settings.users
    settings.users = all.slice(3)
    await anHour(start + 73 * hour)
    expect(told).toHaveLength(1)
    settings.users = all
    await round(start + 75 * hour)
    expect(told.slice(1)).toEqual(['*: new this server missing'])
    gateway = { ...gateway, alice: broken }
    await anHour(start + 75 * hour)
    expect(told.slice(2)).toEqual(['*: new alice node'])
    complete(start + 77 * hour, ...names)
    await anHour(start + 77 * hour)
    expect(told.slice(3)).toEqual(['*: recovery this server missing'])
  })
})
