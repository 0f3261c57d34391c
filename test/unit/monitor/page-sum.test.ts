import { describe, expect, test } from 'vitest'
import type { History } from '../../../src/monitor/history/index.ts'
import { personSite } from '../../../src/monitor/page/own.ts'
import { answerTo } from '../../../src/monitor/page/site.ts'
import type { Report } from '../../../src/monitor/report/index.ts'
import { problem } from '../../../src/monitor/rules/problems.ts'
import { at, missing, missingMac, reportOf, wellMac } from './people.ts'
import { day, hour, minute } from './timeline.ts'

/** A history that knows nothing. */
const history = { runs: () => [] } as unknown as History

/** The answer at the top of the overview, which its title is too, and its tone. */
function sum(report: Report, now = at): string {
  const { body } = answerTo({ report, history }, '/', now)
  const found = /<title>([^<]*) · timemachine<\/title>.*<h1>timemachine<\/h1><p class="sum (\w+)"[^>]*>([^<]*)</.exec(
    body,
  )
  expect(found?.[1]).toBe(found?.[3])
  return `${found?.[2]}: ${found?.[1]}`
}

/** The answer on one person's page, the operator's and their own. */
function sumsOf(user: string, report: Report, now = at): [operators: string, own: string] {
  const pages = [answerTo({ report, history }, `/users/${user}`, now), personSite(user)({ report, history }, '/', now)]
  return pages.map(({ body }) => /<p class="sum (\w+)"[^>]*>([^<]*)</.exec(body)!.slice(1).join(': ')) as [
    string,
    string,
  ]
}

type Change = (user: string, report: Report) => void
const mac =
  (change: Partial<Report['macs'][number]>): Change =>
  (user, report) => {
    report.macs = report.macs.map((one) => (one.user === user ? wellMac(user, 'macbook', change) : one))
  }
const waiting: Partial<Report['macs'][number]> = {
  state: 'waiting',
  reason: 'no complete backup yet',
  lastSuccess: null,
  snapshots: [],
}
const waits = mac(waiting)
const begins = mac({ ...waiting, state: 'running', reason: 'a backup runs', running: true })
const isOverdue = mac({
  ...waiting,
  state: 'never',
  problems: [problem('never', at - 8 * day, 'no backup has begun', '')],
})
const isAway = mac({ state: 'away', problems: [problem('away', at - 2 * day, 'no backup for 5 days', '')] })
const isMissing: Change = (user, report) => {
  report.macs = report.macs.map((one) => (one.user === user ? missingMac(user, 'macbook') : one))
}
const waitsWithOne: Change = (user, report) => {
  report.macs.push(wellMac(user, 'mini', waiting))
}
const isUntold: Change = (user, report) => {
  report.nodes = report.nodes.map((one) => (one.user === user ? { ...one, told: false } : one))
}
/** Missing for 200 days, and nobody is told. */
const isForgotten: Change = (user, report) => {
  isMissing(user, report)
  isUntold(user, report)
}
const isWell: Change = () => {}

const reportWith = (...changes: Change[]): Report => {
  const report = reportOf(changes.length)
  for (const [index, change] of changes.entries()) change(report.nodes[index]!.user, report)
  return report
}

describe('the sentence at the top', () => {
  test.each<[string, Change[]]>([
    ['ok: The backups are well', [isWell]],
    ['ok: The backups of 3 people are well', [isWell, isWell, isWell]],
    ['alarm: The backups need attention', [isMissing]],
    ['alarm: 1 of 3 people needs attention; 2 are well', [isMissing, isWell, isWell]],
    ['alarm: 2 of 2 people need attention', [isMissing, isMissing]],
    ['warning: 1 of 2 people needs attention; 1 has no backup yet', [isOverdue, waits]],
    ['note: There is no backup yet', [waits]],
    ['note: 2 of 2 people have no backup yet', [waits, waits]],
    ['note: 1 of 2 people has no backup yet; 1 is well', [begins, isWell]],
    ['note: A Mac has no backup yet', [waitsWithOne]],
    ['note: 1 of 2 people has a Mac without a backup yet; 1 is well', [waitsWithOne, isWell]],
    ['note: A Mac is away', [isAway]],
    ['note: 1 of 3 people has a Mac that is away; 2 are well', [isWell, isAway, isWell]],
    ['note: The backups are not watched', [isForgotten]],
    ['note: 1 of 2 people is not watched; 1 is well', [isForgotten, isWell]],
    ['alarm: 1 of 3 people needs attention; 1 has no backup yet; 1 is not watched', [isForgotten, waits, isMissing]],
    ['note: No people yet', []],
  ])('%s', (answer, changes) => expect(sum(reportWith(...changes))).toBe(answer))

  test('of a report that is late: nothing is known, whatever it says', () => {
    for (const report of [reportWith(isWell, isWell), reportWith(isMissing), reportWith()]) {
      expect(sum(report, at + 23 * hour)).toBe('alarm: Not known: no report for 23 hours')
      expect(sum(report, at + 5 * minute)).toBe('alarm: Not known: no report for 5 minutes')
      expect(sum(report, at + 4 * minute)).not.toMatch(/not known/i)
    }
  })

  test('of shares that were not looked at: nothing is known either', () => {
    const [well, trouble] = [reportWith(isWell, isWell), reportWith(isMissing, isWell)]
    const blind = 'alarm: Not known: nobody has looked at the shares for 5 hours'
    for (const report of [well, trouble]) expect(sum({ ...report, lookedAt: at - 5 * hour })).toBe(blind)
    // Three looks may be missed.
    expect(sum({ ...well, lookedAt: at - 15 * minute })).toBe('ok: The backups of 2 people are well')
    expect(sum({ ...well, lookedAt: null })).toBe('note: Not known yet: nobody has looked at the shares')
    expect(sum({ ...trouble, lookedAt: null })).toBe('alarm: 1 of 2 people needs attention; 1 is well')
  })

  const way = { name: 'ntfy', waiting: 0, lost: 0, sentAt: at - day, failedAt: null, error: '' }
  const givenUp = { ...way, lost: 7, sentAt: null }
  const failing = { ...way, name: 'webhook', waiting: 1, failedAt: at - minute, error: 'it answers with HTTP 503' }

  test.each<[string, Partial<Report>, Change[]]>([
    ['warning: The backups are well, but alerts do not arrive: ntfy', { channels: [givenUp] }, [isWell]],
    ['warning: The backups are well, but alerts do not arrive: webhook', { channels: [way, failing] }, [isWell]],
    ['warning: There is no backup yet; alerts do not arrive: ntfy', { channels: [givenUp] }, [waits]],
    ['ok: The backups are well', { channels: [{ ...givenUp, sentAt: at - hour }] }, [isWell]],
    ['ok: The backups are well', { channels: [{ ...way, sentAt: null }] }, [isWell]],
    [
      'warning: The backups are well, but alerts do not arrive: webhook, webhook, webhook and 2 more',
      { channels: Array.from({ length: 5 }, () => failing) },
      [isWell],
    ],
    [
      'alarm: The backups of 2 people are well, but this server needs attention',
      { host: [{ ...missing, kind: 'disk' }] },
      [isWell, isWell],
    ],
    [
      'alarm: 1 of 2 people is not watched; 1 is well; this server needs attention; alerts do not arrive: ntfy',
      { host: [{ ...missing, kind: 'disk' }], channels: [givenUp] },
      [isForgotten, isWell],
    ],
    ['alarm: No people yet; this server needs attention', { host: [{ ...missing, kind: 'gateway' }] }, []],
  ])('tells what else there is: %s', (answer, change, changes) =>
    expect(sum({ ...reportWith(...changes), ...change })).toBe(answer))

  test('where no alerts are switched on, nobody is told: said quietly below it', () => {
    const off = '</p><p class="soft">Alerts are off: nobody is told of problems.</p><p class="soft">As of'
    const page = (channels: Report['channels']) =>
      answerTo({ report: { ...reportWith(isWell), channels }, history }, '/', at).body
    expect(sum({ ...reportWith(isWell), channels: [] })).toBe('ok: The backups are well')
    expect(page([])).toContain(`The backups are well${off}`)
    expect(page([way])).not.toContain('Alerts are off')
  })
})

describe('on a person’s page, the operator’s and their own', () => {
  test.each<[string, Change]>([
    ['ok: The backups are well', isWell],
    ['alarm: The backups need attention', isMissing],
    ['note: There is no backup yet', waits],
    ['note: A Mac has no backup yet', waitsWithOne],
    ['note: A Mac is away', isAway],
    ['alarm: The backups need attention; nobody is told of problems', isForgotten],
    ['note: The backups are well; nobody is told of problems', isUntold],
  ])('%s', (answer, change) => {
    // Neither another person nor the server is in it.
    const report = { ...reportWith(change, isMissing), host: [{ ...missing, kind: 'disk' as const }], channels: [] }
    expect(sumsOf('person-001', report)).toEqual([answer, answer])
  })

  test('of a report that is late, and of shares that were not looked at: not known', () => {
    const report = reportWith(isWell, isWell)
    const late = 'alarm: Not known: no report for 2 days'
    expect(sumsOf('person-001', report, at + 50 * hour)).toEqual([late, late])
    const blind = 'alarm: Not known: nobody has looked at the shares for 2 days'
    expect(sumsOf('person-001', { ...report, lookedAt: at - 50 * hour })).toEqual([blind, blind])
  })
})

test('the cards have the colours of the sentence, and its order', () => {
  const report = reportWith(isWell, isForgotten, isAway, waits, isOverdue, isMissing)
  const { body } = answerTo({ report, history }, '/', at)
  const cards = [...body.matchAll(/<li class="card (\w+)"><h3><a href="\/users\/person-00(\d)"/g)]
  expect(cards.map(([, tone, number]) => `${number} ${tone}`)).toEqual([
    '6 alarm',
    '5 warning',
    '4 note',
    '3 note',
    '2 alarm',
    '1 ok',
  ])
})
