import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decide,
  due,
  emptyQueue,
  enqueue,
  failed,
  findingsOf,
  type Notification,
  type Overview,
  type Queue,
  sent,
  type Told,
  textOf,
} from '../../../src/monitor/alerts/index.ts'
import type { MacState, Problem, ProblemKind } from '../../../src/monitor/rules/index.ts'
import { problem } from '../../../src/monitor/rules/problems.ts'
import { day, hour, minute, start } from './timeline.ts'

const macOf = (user: string, ...kinds: ProblemKind[]): MacState => ({
  user,
  mac: 'macbook',
  state: kinds[0] ?? 'ok',
  since: start,
  reason: '',
  todo: '',
  problems: kinds.map((kind) => problem(kind, start, `it is ${kind}`, `mend ${kind}`)),
  lastSuccess: start,
  running: false,
})
const view = (macs: MacState[], host: Problem[] = [], silent: string[] = []): Overview => ({
  macs,
  nodes: [],
  host,
  silent: new Set(silent),
})

/** Looks one after the other, and what was told. */
class Inbox {
  told: Told[] = []
  now = start
  readonly lines: string[] = []

  look(overview: Overview, after = 5 * minute): this {
    this.now += after
    const { told, notifications } = decide(this.told, findingsOf(overview), this.now, 3 * day)
    this.told = told
    for (const { to, items } of notifications)
      this.lines.push(
        `${'user' in to ? to.user : 'operator'}: ${items.map(({ what, finding }) => `${what} ${finding.about} ${finding.kind}`).join(', ')}`,
      )
    return this
  }
}

describe('what is told', () => {
  test('once to the operator and to whose it is, again after the time for reminders, and when it is over', () => {
    const inbox = new Inbox()
    const bad = view([macOf('alice', 'missing'), macOf('bob')])
    inbox
      .look(bad)
      .look(bad)
      .look(bad, hour)
      .look(bad, 3 * day)
      .look(bad)
    inbox.look(view([macOf('alice'), macOf('bob')]))
    inbox.look(view([macOf('alice'), macOf('bob')]), 15 * minute)
    inbox.look(view([macOf('alice'), macOf('bob')]))
    expect(inbox.lines).toEqual([
      'operator: new alice/macbook missing',
      'alice: new alice/macbook missing',
      'operator: reminder alice/macbook missing',
      'alice: reminder alice/macbook missing',
      'operator: recovery alice/macbook missing',
      'alice: recovery alice/macbook missing',
    ])
  })

  test('what comes and goes within minutes is told once', () => {
    const inbox = new Inbox()
    for (let index = 0; index < 20; index++)
      inbox.look(view([macOf('alice', ...(index % 2 ? [] : ['missing' as const]))]))
    expect(inbox.lines).toEqual(['operator: new alice/macbook missing', 'alice: new alice/macbook missing'])
  })

  test('notes, and people of whom nobody is to be told, are left out', () => {
    const inbox = new Inbox().look(view([macOf('alice', 'away', 'clock'), macOf('bob', 'missing')], [], ['bob']))
    expect(inbox.lines).toEqual([])
  })

  test('several at once are one notification a recipient, and two of a kind at one Mac one line', () => {
    const inbox = new Inbox().look(view([macOf('alice', 'vanished', 'vanished', 'missing'), macOf('bob', 'damaged')]))
    expect(inbox.lines).toEqual([
      'operator: new alice/macbook vanished, new alice/macbook missing, new bob/macbook damaged',
      'alice: new alice/macbook vanished, new alice/macbook missing',
      'bob: new bob/macbook damaged',
    ])
  })
})

describe('no storms', () => {
  const users = Array.from({ length: 200 }, (_none, index) => `u${index}`)

  test('what most people have is one alert, to the operator alone', () => {
    const inbox = new Inbox().look(view(users.map((user) => macOf(user, 'vanished'))))
    expect(inbox.lines).toEqual(['operator: new this server vanished'])
  })

  test('what follows from a silent gateway, or a monitor that does not look, is told as that', () => {
    for (const [cause, follow] of [
      ['gateway', 'node'],
      ['monitor', 'monitor'],
    ] as const) {
      const host = [problem(cause, start, 'why', '')]
      const inbox = new Inbox().look(view([macOf('alice', follow), macOf('bob', 'missing')], host))
      expect(inbox.lines).toEqual([
        `operator: new this server ${cause}, new bob/macbook missing`,
        'bob: new bob/macbook missing',
      ])
    }
  })

  test('somebody who was told is not told "well again" when the cause turns out to be the host’s', () => {
    const inbox = new Inbox().look(view([macOf('u0', 'vanished'), ...users.slice(1).map((user) => macOf(user))]))
    const all = view(users.map((user) => macOf(user, 'vanished')))
    inbox.look(all).look(all, hour).look(all, hour)
    expect(inbox.lines).toEqual([
      'operator: new u0/macbook vanished',
      'u0: new u0/macbook vanished',
      'operator: new this server vanished',
    ])
    const well = view(users.map((user) => macOf(user)))
    inbox.look(well).look(well, 20 * minute)
    expect(inbox.lines.slice(3)).toEqual([
      'operator: recovery this server vanished, recovery u0/macbook vanished',
      'u0: recovery u0/macbook vanished',
    ])
  })

  test('whatever is found, one look tells nobody twice', () => {
    const kinds = fc.constantFrom<ProblemKind>('missing', 'vanished', 'node', 'monitor', 'damaged', 'away')
    const looks = fc.array(fc.array(fc.array(kinds, { maxLength: 3 }), { minLength: 5, maxLength: 5 }), {
      maxLength: 12,
    })
    fc.assert(
      fc.property(looks, (all) => {
        let told: Told[] = []
        all.forEach((people, index) => {
          const overview = view(people.map((found, who) => macOf(`u${who}`, ...found)))
          const now = start + index * hour
          const decision = decide(told, findingsOf(overview), now, day)
          told = decision.told
          const names = decision.notifications.map(({ to }) => JSON.stringify(to))
          expect(new Set(names).size).toBe(names.length)
          expect(new Set(told.map(({ finding }) => finding.key)).size).toBe(told.length)
        })
      }),
    )
  })
})

const note: Notification = decide([], findingsOf(view([macOf('alice', 'missing', 'failing')])), start + day, day)
  .notifications[0]!

test('the text: a title, and what, why and what to do', () => {
  expect(textOf(note, 'home')).toEqual({
    title: '[home] alarm: alice/macbook: it is missing and 1 more',
    body: 'alice/macbook: it is missing\n  mend missing\n\nalice/macbook: it is failing\n  mend failing',
  })
  const many = { ...note, items: Array.from({ length: 500 }, () => note.items[0]!) }
  expect(textOf(many, 'home').body).toMatch(/and 450 more: tmgen status$/)
})

describe('the queue', () => {
  const push = (queue: Queue, count: number, channel = 'mail') => {
    let next = queue
    for (let index = 0; index < count; index++) next = enqueue(next, channel, note, start)
    return next
  }

  test('of each channel the oldest is tried, and a dead channel holds up no other', () => {
    const queue = push(push(emptyQueue, 2), 2, 'ntfy')
    expect(due(queue, start).map(({ id }) => id)).toEqual([1, 3])
    const after = failed(sent(queue, 3, start), 1, 'refused', start)
    expect(due(after, start).map(({ id }) => id)).toEqual([4])
    expect(due(after, start + minute).map(({ id }) => id)).toEqual([1, 4])
    expect(after.channels).toMatchObject({ mail: { failedAt: start, error: 'refused' }, ntfy: { sentAt: start } })
  })

  test('what was refused comes after all others, and one of them at a time', () => {
    const refused = failed(push(emptyQueue, 3), 1, 'refused', start, true)
    expect(due(refused, start).map(({ id }) => id)).toEqual([2])
    const both = failed(refused, 2, 'refused', start, true)
    const rest = sent(both, 3, start)
    expect(due(rest, start)).toEqual([])
    expect(due(rest, start + minute).map(({ id }) => id)).toEqual([1])
    expect(rest.channels.mail).toMatchObject({ sentAt: start, lost: 0 })
    expect(due(failed(both, 3, 'silent', start), start + minute).map(({ id }) => id)).toEqual([3])
  })

  test('waits grow to four hours, and after three days it is given up and counted', () => {
    let queue = push(emptyQueue, 1)
    let now = start
    const tries: number[] = []
    while (queue.waiting.length > 0 && tries.length < 100) {
      const [head] = due(queue, now)
      if (head) {
        tries.push(now - start)
        queue = failed(queue, head.id, 'refused', now)
      }
      now += minute
    }
    expect(tries.slice(0, 7).map((ms) => ms / minute)).toEqual([0, 1, 6, 21, 81, 321, 561])
    expect(tries.at(-1)).toBeLessThan(3 * day + 5 * hour)
    expect(queue.channels.mail).toMatchObject({ lost: 1 })
  })

  test('it is bounded: the oldest are given up for newer ones, and counted', () => {
    const queue = push(emptyQueue, 150)
    expect(queue.waiting).toHaveLength(100)
    expect(queue.waiting[0]!.id).toBe(51)
    expect(queue.channels.mail).toMatchObject({ lost: 50 })
  })

  test('a way may have less room than others', () => {
    let queue = push(emptyQueue, 2, 'ntfy')
    for (let index = 0; index < 5; index++) queue = enqueue(queue, 'u1/mail', note, start, 3)
    expect(queue.waiting.map(({ channel, id }) => `${channel} ${id}`)).toEqual([
      'ntfy 1',
      'ntfy 2',
      'u1/mail 5',
      'u1/mail 6',
      'u1/mail 7',
    ])
    expect(queue.channels['u1/mail']).toMatchObject({ lost: 2 })
  })

  test('a clock that was set back does not hold it up, and a channel may have any name', () => {
    const queue = failed(push(emptyQueue, 1, '__proto__'), 1, 'refused', start + 2 * day)
    expect(due(queue, start)).toHaveLength(1)
  })
})
