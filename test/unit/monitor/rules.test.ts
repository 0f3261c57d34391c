import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { HostLook, NodeLook, ShareSeen } from '../../../src/monitor/observation/index.ts'
import {
  advanceHost,
  advanceNode,
  advanceVerified,
  type HostPolicy,
  isDue,
  judge,
  judgeHost,
  judgeNode,
  type Kept,
  macMemorySchema,
  toLetGo,
  type Verified,
} from '../../../src/monitor/rules/index.ts'
import type { Stand } from '../../../src/monitor/verify/part.ts'
import { day, hour, minute, policy, Story, start } from './timeline.ts'

/** What a client can do to its bundle between two looks. */
const act = fc.oneof(
  fc.record({ do: fc.constant('claim' as const), ms: fc.integer({ min: -400 * day, max: 400 * day }) }),
  fc.record({ do: fc.constant('write' as const), ms: fc.integer({ min: -50, max: 50 }) }),
  fc.record({ do: fc.constant('verify' as const), ms: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ do: fc.constant('vanish' as const), ms: fc.constant(0) }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 2 * day }) }),
  fc.record({ do: fc.constant('back' as const), ms: fc.integer({ min: 1, max: 2 * day }) }),
)
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never

function play(story: Story, { do: what, ms }: Act): void {
  story.now += 5 * minute
  const there = story.share.outcome === 'seen' && story.share.bundles.length > 0
  if (!there) story.begin()
  if (what === 'claim') story.claim(Math.max(0, story.now + ms))
  if (what === 'write') story.write(Math.max(ms, 1 - story.bundle.bands!.count))
  if (what === 'verify') story.edit({ verification: ms })
  if (what === 'vanish') story.share = { outcome: 'absent' }
  if (what === 'wait') story.now += ms
  if (what === 'back') story.now = Math.max(start, story.now - ms)
  story.look()
}

describe('whatever a client does', () => {
  test('no success is later than now, what is remembered stays in its bounds, and is JSON', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        const story = new Story().begin()
        for (const one of acts) {
          play(story, one)
          const { memory, now } = story
          expect(memory?.success?.at ?? 0).toBeLessThanOrEqual(now)
          expect(memory?.success?.completed ?? 0).toBeLessThanOrEqual(now)
          expect(macMemorySchema.parse(JSON.parse(JSON.stringify(memory)))).toEqual(memory)
          expect(story.states.at(-1)!.since).toBeLessThanOrEqual(now)
        }
      }),
      { numRuns: 200 },
    )
  })

  test('a history alone, however long and however dated, is no backup', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -400 * day, max: 400 * day }), { minLength: 1, maxLength: 80 }),
        (dates) => {
          const story = new Story().begin().complete()
          story.look()
          const { success } = story.memory!
          for (const ms of dates) {
            story.now += 2 * hour
            story.claim(Math.max(0, story.now + ms)).look()
          }
          expect(story.memory!.success).toEqual(success)
        },
      ),
    )
  })

  test('1,000 completions claimed in an hour count as none, and are told', () => {
    const story = new Story().begin().complete()
    story.look()
    for (let index = 0; index < 1000; index++) {
      story.now += 4_000
      story.claim(story.now)
    }
    story.look()
    expect(story.memory!.success!.at).toBe(start)
    story.now += 7 * hour
    expect(story.look().state).toBe('unproven')
  })
})

describe('snapshots', () => {
  const snapshot = (takenAt: number, beforeLoss = false): Kept => ({ id: String(takenAt), takenAt, beforeLoss })

  test('1,000 completions claimed at any times within two days push no snapshot out that was there before', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 360 }), { minLength: 1, maxLength: 40 }),
        fc.array(fc.integer({ min: 1, max: 48 * 60 }), { minLength: 1, maxLength: 1000 }),
        (days, minutes) => {
          let kept = [...new Set(days)].map((ago) => snapshot(start - ago * day))
          const settle = (now: number) => {
            const gone = new Set(toLetGo(kept, now))
            kept = kept.filter(({ id }) => !gone.has(id))
          }
          settle(start)
          // What ages out of its slots in the meantime would do so without any claim.
          const expected = kept.filter(({ id }) => !toLetGo(kept, start + 2 * day).includes(id))
          for (const at of [...minutes].sort((a, b) => a - b)) {
            const now = start + at * minute
            if (isDue(kept, now)) kept.push(snapshot(now))
            settle(now)
          }
          settle(start + 2 * day)
          const ids = kept.map(({ id }) => id)
          for (const { id, takenAt } of expected)
            if (start + 2 * day - takenAt <= 366 * day && takenAt !== Math.max(...expected.map((one) => one.takenAt)))
              expect(ids).toContain(id)
          expect(kept.length).toBeLessThan(26 + 33 + 55)
        },
      ),
      { numRuns: 50 },
    )
  })

  test('the last before a loss stays for good, and so does what a clock that went back makes later than now', () => {
    const kept = [
      snapshot(start - 900 * day, true),
      snapshot(start - 800 * day),
      snapshot(start),
      snapshot(start + day),
    ]
    expect(toLetGo(kept, start)).toEqual([String(start - 800 * day)])
  })

  test('of one slot the oldest stays, and of a time to come all', () => {
    const old = [0, minute, 2 * minute].map((ms) => snapshot(start - 2 * day + ms))
    const ahead = [day, day + 1, day + 2].map((ms) => snapshot(start + ms))
    expect(toLetGo([...ahead, ...old], start)).toEqual([old[1]!.id, old[2]!.id])
  })
})

describe('a backup runs', () => {
  test.each<[string, { open: boolean | null; written: number; wrote: number | null }, boolean]>([
    ['bands were written, and Samba says nothing', { open: null, written: 5, wrote: null }, true],
    ['bands were written long ago, and Samba says nothing', { open: null, written: 20, wrote: null }, false],
    ['the bundle is open, and its first bands are written', { open: true, written: 5, wrote: null }, true],
    ['another band than the first is open and written', { open: true, written: 600, wrote: 5 }, true],
    [
      'a band has been open for hours, and nobody writes: the Mac is asleep',
      { open: true, written: 600, wrote: 60 },
      false,
    ],
    ['nothing is open any more, a minute after the last write', { open: false, written: 1, wrote: null }, false],
    ['a band is said to be written in an hour', { open: true, written: 600, wrote: -60 }, false],
  ])('or not: %s', (_what, { open, written, wrote }, running) => {
    const story = new Story().begin().complete()
    story.now += written * minute
    Object.assign(story, { open, wrote: wrote === null ? null : story.now - wrote * minute })
    expect(story.look().running).toBe(running)
  })

  test('a session is no backup: whatever Samba says, it is missed as ever', () => {
    const [told, mute] = [new Story(), new Story()].map((story) => story.begin().complete())
    for (const story of [told!, mute!])
      story.pass(10 * day, { each: (one) => Object.assign(one, one === told ? { open: true, wrote: one.now } : {}) })
    expect(told!.states.at(-1)).toMatchObject({
      state: 'missing',
      running: true,
      problems: mute!.states.at(-1)!.problems,
    })
  })
})

const hostPolicy: HostPolicy = { every: 5 * minute, node: 30 * minute, diskFree: 5, remind: day, keep: 400 * day }

describe('the node', () => {
  const well: NodeLook = {
    at: start,
    state: 'running',
    keyNeeded: false,
    error: '',
    sessions: 0,
    present: null,
    path: null,
    bytesIn: 0,
    bytesOut: 0,
    samba: 'healthy',
  }
  test.each<[string, Partial<NodeLook>, RegExp]>([
    ['a key', { keyNeeded: true, state: 'starting' }, /waits for an auth key: tmgen provision alice/],
    ['its state', { state: 'stopped', error: 'no\u001b[2J' }, /the node is stopped: no\\u\{1b\}\[2J/],
    ['its container', { samba: 'unhealthy' }, /Samba is unhealthy/],
  ])('%s: told when it lasts, and since when, though the words change', (_name, fault, reason) => {
    let memory = advanceNode(undefined, 'alice', well)
    memory = advanceNode(memory, 'alice', { ...well, at: start + hour, samba: 'created' })
    memory = advanceNode(memory, 'alice', { ...well, at: start + hour + 5 * minute, ...fault })
    expect(judgeNode(memory, hostPolicy, start + hour + 29 * minute)).toEqual([])
    const told = judgeNode(memory, hostPolicy, start + hour + 30 * minute)
    expect(told).toMatchObject([{ kind: 'node', since: start + hour, reason: expect.stringMatching(reason) }])
    memory = advanceNode(memory, 'alice', { ...well, at: start + 2 * hour })
    expect(judgeNode(memory, hostPolicy, start + 3 * hour)).toEqual([])
  })
  test('a gateway that is silent is no fault of a node', () =>
    expect(advanceNode(undefined, 'alice', { ...well, state: null, samba: null }).fault).toBe(''))
})

describe('the host', () => {
  const look = (at: number, free: number, gateway: HostLook['gateway'] = 'answers'): HostLook => ({
    at,
    gateway,
    disks: [{ path: '/srv/tm', users: ['alice', 'bob'], total: 1000, free }],
  })
  test('a disk that fills up is told at once, and is well again only with some more room', () => {
    let memory = advanceHost(undefined, look(start, 49), hostPolicy)
    expect(judgeHost(memory, start, hostPolicy, start)).toMatchObject([{ kind: 'disk', since: start }])
    memory = advanceHost(memory, look(start + minute, 55), hostPolicy)
    expect(judgeHost(memory, start, hostPolicy, start + minute)).toMatchObject([{ kind: 'disk', since: start }])
    memory = advanceHost(memory, look(start + 2 * minute, 60), hostPolicy)
    expect(judgeHost(memory, start, hostPolicy, start + 2 * minute)).toEqual([])
  })
  test('a silent gateway is told when it lasts, a monitor that does not look after three looks', () => {
    let memory = advanceHost(undefined, look(start, 500, 'silent'), hostPolicy)
    memory = advanceHost(memory, look(start + 30 * minute, 500, 'silent'), hostPolicy)
    expect(judgeHost(memory, start, hostPolicy, start + 30 * minute).map(({ kind }) => kind)).toEqual(['gateway'])
    expect(judgeHost(memory, start, hostPolicy, start + hour).map(({ kind }) => kind)).toEqual(['monitor', 'gateway'])
    expect(judgeHost(undefined, start, hostPolicy, start + hour).map(({ kind }) => kind)).toEqual(['monitor'])
  })
})

describe('a share with more in it than is looked at', () => {
  const seen = (names: string, gone?: string): ShareSeen => ({
    outcome: 'seen',
    bundles: [...names].flatMap((name) => {
      const { share } = new Story().begin(`${name}.sparsebundle`).complete()
      return share.outcome === 'seen' ? share.bundles : []
    }),
    notes: gone === undefined ? [] : ['5 bundles, of which 4 were looked at'],
    ...(gone !== undefined && { partial: { gone: [...gone].map((name) => `${name}.sparsebundle`) } }),
  })
  const told = (...looks: ShareSeen[]) => {
    const story = new Story()
    for (const share of looks) {
      story.now += 5 * minute
      story.share = share
      story.look()
    }
    return story.states.at(-1)!.problems.map(({ kind, reason }) => `${kind}: ${reason}`)
  }

  test('a bundle that another pushed out of the look is not taken for gone, and one that is gone is', () => {
    expect(told(seen('bcdz'), seen('abcd', ''))).toEqual([])
    expect(told(seen('bcdz'), seen('', ''), seen('', ''))).toEqual([])
    expect(told(seen('bcdz'), seen('abcd', 'z'))).toEqual([
      'vanished: z.sparsebundle is gone; another bundle is in use',
    ])
    expect(told(seen('bcdz'), seen('abcd'))).toEqual(['vanished: z.sparsebundle is gone; another bundle is in use'])
  })

  test('a loss stays one, and what is back is none', () => {
    const [lost, back] = [seen('abcd', 'z'), seen('abcz', '')]
    expect(told(seen('bcdz'), lost, seen('abcd', ''))).toHaveLength(1)
    expect(told(seen('bcdz'), lost, back)).toEqual([])
  })

  test('what was read back of a bundle is remembered though a round did not come to it', () => {
    const bundle = { at: start, stand: {} as Stand, corrupt: start }
    const before: Verified = { at: start, failed: null, bundles: [{ name: 'z.sparsebundle', ...bundle }] }
    const handed = { id: '0'.repeat(16), at: start, user: 'alice', mac: 'macbook' }
    const done = { kind: 'done' as const, bundles: ['a.sparsebundle'] }
    expect(advanceVerified(before, { ...handed, what: { ...done, partial: true } }).bundles).toEqual(before.bundles)
    expect(advanceVerified(before, { ...handed, what: done }).bundles).toEqual([])
  })
})

describe('while nobody looks', () => {
  const watchedSince = start
  const kinds = ({ memory }: Story, now: number) =>
    judge({ user: 'alice', mac: 'macbook', watchedSince }, memory, policy, now).problems.map(({ kind }) => kind)

  test('that is told alone, and not that backups that nobody sees are missing', () => {
    const story = new Story().begin().complete()
    story.look()
    expect(kinds(story, start + 73 * hour)).toEqual(['monitor'])
    expect(kinds(story, start + 365 * day)).toEqual(['monitor'])
  })

  test('a first backup, a history half-written at the last look, or one that tells too much, grow no worse', () => {
    const begun = new Story().begin()
    begun.look()
    expect(kinds(begun, start + 30 * day)).toEqual(['monitor'])
    const torn = new Story().begin().complete()
    torn.look()
    torn.edit({ listed: null, completed: [], notes: ['cut short'] }).pass(5 * minute)
    expect(kinds(torn, torn.now + 8 * hour)).toEqual(['monitor'])
    const claims = new Story().begin().complete()
    claims.look()
    claims.now += 5 * minute
    claims.claim(claims.now).look()
    expect(kinds(claims, claims.now + 8 * hour)).toEqual(['monitor'])
  })

  test('what the last look showed stays told', () => {
    const story = new Story().begin().complete()
    story.look()
    story.pass(73 * hour)
    expect(kinds(story, story.now + 20 * day)).toEqual(['monitor', 'missing'])
  })
})

test('a person may have bounds of their own', () => {
  const story = new Story().begin().complete()
  story.look()
  story.pass(10 * hour)
  expect(story.judge().state).toBe('ok')
  expect(story.judge({ ...policy, stale: 2 * hour }).state).toBe('missing')
})
