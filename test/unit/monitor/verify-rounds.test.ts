import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { History } from '../../../src/monitor/history/index.ts'
import { ledgersIn } from '../../../src/monitor/report/ledgers.ts'
import { takeVerified } from '../../../src/monitor/report/take-verified.ts'
import { advanceVerified, judgeVerified, type Verified } from '../../../src/monitor/rules/index.ts'
import type { Settings } from '../../../src/monitor/settings.ts'
import { askedOf, verifyAsked } from '../../../src/monitor/verify/asked.ts'
import { dayOf, fromFile, Ledger, short } from '../../../src/monitor/verify/ledger.ts'
import { ledgerName } from '../../../src/monitor/verify/names.ts'
import { Outbox } from '../../../src/monitor/verify/outbox.ts'
import {
  type AskedLine,
  type Handed,
  isOutbox,
  maxOutbox,
  outboxSchema,
  type Part,
  type Stand,
} from '../../../src/monitor/verify/part.ts'
import { Rounds, type VerifyPlaces, verifyMac } from '../../../src/monitor/verify/rounds.ts'
import { readBack, type VerifyLimits, verifyLimits } from '../../../src/monitor/verify/run.ts'
import { writeBundle } from '../../support/bundles.ts'
import { person, settingsOf } from './settings.ts'
import { day, hour } from './timeline.ts'

const limits: VerifyLimits = {
  ...verifyLimits,
  program: ['--import', import.meta.resolve('tsx'), join(import.meta.dirname, '../../../src/monitor/verify/main.ts')],
}
const sound: Stand = {
  ...{ bundle: 'A.sparsebundle', bands: 200, covered: 50, read: 50, readBytes: 400, busy: 0 },
  ...{ faults: { rot: 0, unreadable: 0, oversize: 0 }, examples: [], files: [], ended: 'bytes' },
}
const partOf = (change: Partial<Stand> = {}): Part => ({ stand: { ...sound, ...change }, records: '', gone: '' })
let ids = 0
const handed = (what: Handed['what'], at: number): Handed => ({
  ...{ id: (++ids).toString(16).padStart(16, '0'), at, user: 'alice', mac: 'macbook', what },
})

let root: string
let places: VerifyPlaces & { looks: string }
let settings: Settings
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'tmgen-rounds-')))
  places = { shares: join(root, 'shares'), bands: join(root, 'bands'), looks: join(root, 'looks'), limits }
  for (const folder of [places.bands, places.looks]) mkdirSync(folder)
  settings = settingsOf({
    verify: { every: 6 * hour, bytes: 2 ** 30, ms: 60_000, within: 90 * day },
    users: [person('alice', 'u1'), person('bob', 'u2')],
  })
  for (const { name, id } of settings.users) {
    mkdirSync(join(places.shares, name, 'macbook'), { recursive: true })
    const marker = JSON.stringify({ version: 1, workspace: settings.workspace.id, user: id })
    writeFileSync(join(places.shares, name, '.tmgen.json'), marker)
  }
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const hers = () => join(places.shares, 'alice/macbook')
/** As if all was written an hour ago; a change of times moves the ctime all the same, so that the reader waits for it. */
const settle = () => new Promise((done) => setTimeout(done, 2_100))
const request = () => ({
  ...{ storage: join(places.shares, 'alice'), mac: 'macbook', ledgers: places.bands, key: 'u1.macbook.' },
  ...{ bytes: null, ms: null, within: 90 },
})

describe('the reader as a process', () => {
  test('reads, while bundles and bands are exchanged for links, only what lies in the share', async () => {
    const other = writeBundle(join(places.shares, 'bob/macbook'), 'B.sparsebundle', { bands: 40 })
    const bundle = writeBundle(hers(), 'A.sparsebundle', { bands: 40 })
    for (let band = 0; band < 40; band++) writeFileSync(join(other, 'bands', band.toString(16)), 'of bob')
    await settle()
    let isOver = false
    const turning = (async () => {
      for (let turn = 0; !isOver; turn++) {
        const [what, to] = turn % 2 === 0 ? ['bands', join(other, 'bands')] : ['bands/7', join(other, 'bands/7')]
        renameSync(join(bundle, what), `${bundle}.aside`)
        symlinkSync(to, join(bundle, what))
        await new Promise(setImmediate)
        rmSync(join(bundle, what))
        renameSync(`${bundle}.aside`, join(bundle, what))
        await new Promise(setImmediate)
      }
    })()
    const parts: Part[] = []
    const end = await readBack(request(), limits, (part) => parts.push(part))
    isOver = true
    await turning
    expect(end.outcome).toBe('done')
    const his = Buffer.from(short('of bob')).toString('hex')
    for (const { records } of parts) expect(Buffer.from(records, 'base64').toString('hex')).not.toContain(his)
  })

  test('says that it did not go through all, where more bundles lie there than it looks at', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) writeBundle(hers(), `${name}.sparsebundle`, { bands: 0 })
    const handed: Handed['what'][] = []
    const amount = { bytes: 1, ms: 1, within: day }
    const end = await verifyMac(settings, settings.users[0]!, 'macbook', amount, places, (what) => handed.push(what))
    expect(end).toMatchObject({ outcome: 'done', partial: true })
    expect(handed.at(-1)).toMatchObject({ kind: 'done', bundles: { length: 4 }, partial: true })
  })

  test.each([
    ['dies', 'process.exit(3)', /^the reader ended with exit 3$/],
    ['says nothing of its end', '', /^the reader ended with exit 0$/],
    ['tells no JSON', 'console.log("{")', /understood/],
    ['tells what it may not', 'console.log(JSON.stringify({done: [], more: 1}))', /understood/],
    ['tells a line without end', 'for (;;) require("fs").writeSync(1, "x".repeat(65536))', /told too much/],
  ])('one that %s has not read', async (_name, code, cause) => {
    const end = await readBack(request(), { ...limits, heapMiB: 32, program: ['-e', code] }, () => {})
    expect(end).toEqual({ outcome: 'failed', cause: expect.stringMatching(cause), reading: null })
  })

  test('one that hangs without a word is ended', async () => {
    const hang = { ...limits, silenceMs: 500, program: ['-e', 'setInterval(() => {}, 1000)'] }
    expect(await readBack(request(), hang, () => {})).toMatchObject({ outcome: 'failed', reading: null })
  })

  test('one that hangs is ended, and the band at which it was is told', async () => {
    const code = `console.log('{"reading":{"bundle":"A.sparsebundle","band":"1f"}}'); setInterval(() => {}, 1000)`
    const end = await readBack(request(), { ...limits, silenceMs: 1_500, program: ['-e', code] }, () => {})
    expect(end).toEqual({
      outcome: 'failed',
      cause: 'it did not end within 1.5 s',
      reading: { bundle: 'A.sparsebundle', band: '1f' },
    })
  })
})

describe('rounds', () => {
  let told: { user: string; what: Handed['what'] }[]
  const outbox = { add: (user: string, _mac: string, what: Handed['what']) => void told.push({ user, what }) }
  const who = () => told.flatMap(({ user, what }) => (what.kind === 'part' ? [] : `${user} ${what.kind}`))
  beforeEach(() => {
    told = []
    // A reader that has nothing to tell.
    places.limits = { ...limits, program: ['-e', `console.log('{"done":[]}')`] }
  })

  test('come to everybody as often as the settings say, whatever was restarted, and also where the clock went back', async () => {
    const now = Date.now()
    const rounds = new Rounds(places, outbox)
    await rounds.once(settings, () => now)
    await rounds.once(settings, () => now + 5 * hour)
    expect(who()).toEqual(['alice done', 'bob done'])
    await rounds.once(settings, () => now + 7 * hour)
    expect(told).toHaveLength(4)
    await rounds.once(settings, () => now)
    expect(told).toHaveLength(6)
    // What the reporter took tells a scanner that was restarted.
    writeFileSync(join(places.bands, ledgerName('u1.macbook.', 'A')), '')
    utimesSync(join(places.bands, ledgerName('u1.macbook.', 'A')), now / 1000, now / 1000)
    await new Rounds(places, outbox).once(settings, () => now + 5 * hour)
    expect(who().slice(6)).toEqual(['bob done'])
  })

  test('do not read a disk that is not there, and none where they are off', async () => {
    rmSync(join(places.shares, 'alice/.tmgen.json'))
    await new Rounds(places, outbox).once(settings, Date.now)
    expect(told[0]?.what).toEqual({
      ...{ kind: 'failed', cause: '/srv/tm/alice has no marker of this workspace', reading: null },
    })
    expect(who()).toEqual(['alice failed', 'bob done'])
    await new Rounds(places, outbox).once({ ...settings, verify: null }, Date.now)
    expect(told).toHaveLength(2)
  })
})

describe('what the scanner hands on', () => {
  const read = (name: string) => outboxSchema.parse(JSON.parse(readFileSync(join(places.looks, name), 'utf8')))

  test('stays for ten minutes and within its bytes, the newest of it', () => {
    const outbox = new Outbox(join(places.looks, 'verified.json'))
    const part = { ...partOf(), records: 'A'.repeat(80_000) }
    for (let index = 0; index < 100; index++) outbox.add('alice', 'macbook', { kind: 'part', part }, index)
    expect(readFileSync(join(places.looks, 'verified.json')).length).toBeLessThan(maxOutbox)
    expect(read('verified.json').at(-1)?.at).toBe(99)
    outbox.add('alice', 'macbook', { kind: 'done', bundles: [] }, 700_000)
    expect(read('verified.json')).toHaveLength(1)
  })

  test('is taken once, and the band at which a reader hung is read last from then on', () => {
    const history = new History(join(root, 'history.sqlite'), { onLoss: (why) => expect.fail(why) })
    const ledgers = ledgersIn(places.bands, (line) => expect.fail(line))
    const records = Ledger.of([{ band: 31, day: dayOf(Date.now()), stamp: short('a'), hash: short('b') }])
    const all = [
      handed({ kind: 'part', part: { ...partOf(), records: records.bytes.toString('base64') } }, 1),
      handed({ kind: 'failed', cause: 'it did not end', reading: { bundle: 'A.sparsebundle', band: '1f' } }, 2),
    ]
    expect(takeVerified(history, ledgers, settings, all)).toBe(true)
    expect(takeVerified(history, ledgers, settings, all)).toBe(false)
    expect(history.runs('verified:alice/macbook')).toMatchObject([{ looks: 1, body: { failed: 'it did not end' } }])
    const ledger = fromFile(readFileSync(join(places.bands, ledgerName('u1.macbook.', 'A.sparsebundle'))))
    expect(ledger?.record(0)).toMatchObject({ band: 31, day: 'unreadable', hash: Buffer.from(short('b')) })
    history.close()
  })

  test('of people who are gone, or of bundles without end, is not kept', () => {
    const history = new History(join(root, 'history.sqlite'), { onLoss: (why) => expect.fail(why) })
    const ledgers = ledgersIn(places.bands, (line) => expect.fail(line))
    const part = (bundle: string) => handed({ kind: 'part', part: partOf({ bundle }) }, 1)
    takeVerified(history, ledgers, settings, [{ ...part('A'), user: 'carol' }])
    expect(ledgers.names()).toEqual([])
    const many = Array.from({ length: 50 }, (_none, index) => part(`${index}.sparsebundle`))
    takeVerified(history, ledgers, settings, many)
    expect(ledgers.names()).toHaveLength(8)
    history.close()
  })
})

describe('the verdict', () => {
  const verify = { every: 6 * hour, bytes: 1, ms: 1, within: 90 * day }
  const taken = (...told: (readonly [Handed['what'], number])[]) =>
    told.reduce<Verified | undefined>((known, [what, at]) => advanceVerified(known, handed(what, at)), undefined)
  const part = (change: Partial<Stand> = {}) => ({ kind: 'part', part: partOf(change) }) as const
  const rotten = {
    faults: { rot: 1, unreadable: 2, oversize: 0 },
    examples: [
      { band: '1f', fault: 'rot', why: '' },
      { band: '2a', fault: 'unreadable', why: '' },
    ],
    files: ['token: it is not there'],
  } as const

  test('is an alarm since it was found first, until it is no longer found', () => {
    const bad = part({ ...rotten, examples: [...rotten.examples], files: [...rotten.files] })
    const found = taken([part(), hour], [bad, 2 * hour], [bad, 8 * hour])
    expect(judgeVerified(found, 0, verify, 9 * hour)).toEqual([
      {
        ...{ kind: 'corrupt', severity: 'alarm', since: 2 * hour, todo: expect.stringContaining('verify.md') },
        reason:
          'A.sparsebundle: 1 band changed on the disk without a write (1f); 2 bands cannot be read ' +
          '(2a and others); token: it is not there',
      },
    ])
    expect(judgeVerified(advanceVerified(found, handed(part(), 14 * hour)), 0, verify, 15 * hour)).toEqual([])
  })

  test('is a warning with the cause where nothing was read back for two days, and none where nothing is to be read', () => {
    const done: Handed['what'] = { kind: 'done', bundles: ['A.sparsebundle'] }
    const known = taken([done, hour], [{ kind: 'failed', cause: 'the reader does not start', reading: null }, day])
    expect(judgeVerified(known, 0, verify, 2 * day)).toEqual([])
    expect(judgeVerified(known, 0, verify, 3 * day)).toMatchObject([
      {
        ...{ kind: 'unverified', severity: 'warning', since: hour },
        reason: 'nothing of the backup has been read back for 2 days: the reader does not start',
      },
    ])
    expect(judgeVerified(known, null, verify, 3 * day)).toEqual([])
    expect(judgeVerified(known, 0, null, 3 * day)).toEqual([])
    // A host that was off for long, or somebody who is back, is given time.
    expect(judgeVerified(known, 29 * day, verify, 30 * day)).toEqual([])
  })
})

describe('verify at once', () => {
  test('reads all of a person’s Macs, says how it ended, and hands it on in a file of its own', async () => {
    writeBundle(hers(), 'A.sparsebundle', { bands: 3 })
    await settle()
    const lines: AskedLine[] = []
    await verifyAsked(settings, askedOf(['alice', '--all']), places, (line) => void lines.push(line))
    expect(lines).toMatchObject([
      { mac: 'macbook', stand: { read: 3, covered: 3, ended: 'whole' } },
      { mac: 'macbook', end: { outcome: 'done', bundles: ['A.sparsebundle'] } },
    ])
    const name = `verified-${process.pid}.json`
    expect(isOutbox(name)).toBe(true)
    const kinds = outboxSchema.parse(JSON.parse(readFileSync(join(places.looks, name), 'utf8')))
    expect(kinds.map(({ what }) => what.kind)).toEqual(['part', 'done'])
  })

  test('does not fill the volume, however many ask', async () => {
    for (let index = 1; index <= 8; index++) writeFileSync(join(places.looks, `verified-${index}.json`), '[]')
    const ask = () => verifyAsked(settings, askedOf(['alice', '--bytes', '1', '--mac', 'none']), places, () => {})
    await expect(ask()).rejects.toThrow(/too many ask/)
    utimesSync(join(places.looks, 'verified-1.json'), 1, 1)
    await ask()
    expect(existsSync(join(places.looks, 'verified-1.json'))).toBe(false)
  })

  test('takes the arguments it is given, and nothing that is none', () => {
    expect(askedOf(['alice', '--mac', 'imac', '--bytes', '7'])).toEqual({ user: 'alice', mac: 'imac', bytes: 7 })
    expect(askedOf(['alice', '--all'])).toEqual({ user: 'alice', mac: undefined, bytes: null })
    for (const args of [[], ['alice'], ['alice', '--bytes', 'x'], ['alice', '--bytes', '-1'], ['alice', '--al']])
      expect(() => askedOf(args)).toThrow(/usage/)
  })
})
