import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { digestFile } from '../../../src/converge/node-digest.ts'
import { History } from '../../../src/monitor/history/index.ts'
import { ledgersIn } from '../../../src/monitor/report/ledgers.ts'
import { recallVerified, takeVerified } from '../../../src/monitor/report/take-verified.ts'
import { fileOf, fromFile, Ledger } from '../../../src/monitor/verify/ledger.ts'
import { ledgerName } from '../../../src/monitor/verify/names.ts'
import { type Handed, type Line, lineSchema } from '../../../src/monitor/verify/part.ts'
import { type VerifyRequest, verifyShare } from '../../../src/monitor/verify/share.ts'
import { historyFile, historyText, hostile, writeBundle } from '../../support/bundles.ts'
import { person, settingsOf } from './settings.ts'

const day = 24 * 3600_000
const bandBytes = 4
let root: string
let share: string
let bands: string
let history: History
/** What is written is a minute old. */
let ahead: number
const clock = () => Date.now() + ahead

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'tmgen-verify-')))
  share = join(root, 'alice/macbook')
  bands = join(root, 'bands')
  mkdirSync(bands)
  mkdirSync(join(root, 'alice'))
  history = new History(join(root, 'history.sqlite'), { onLoss: (why) => expect.fail(why) })
  ahead = 60_000
})
afterEach(() => {
  history.close()
  rmSync(root, { recursive: true, force: true })
})

const settings = settingsOf({ users: [person('alice', 'u1')] })
const say = (line: string) => expect.fail(line)
let ids = 0

/** One round of the reader, in this process; the reporter takes what it tells. */
async function round(change: Partial<VerifyRequest> = {}, onLine: (line: Line) => void = () => {}) {
  const request = {
    ...{ storage: join(root, 'alice'), mac: 'macbook', ledgers: bands, key: 'u1.macbook.' },
    ...{ bytes: null, ms: null, within: 30, ...change },
  }
  const lines: Line[] = []
  const pause = async () => onLine({ done: [] })
  await verifyShare(request, {
    clock,
    pause,
    say: (line) => {
      expect(lineSchema.parse(JSON.parse(JSON.stringify(line)))).toEqual(line)
      onLine(line)
      lines.push(line)
    },
  })
  takeVerified(history, ledgersIn(bands, say), settings, lines.flatMap(handedOf))
  const parts = lines.flatMap((line) => ('part' in line ? line.part : []))
  return { lines, parts, stand: parts.at(-1)?.stand, end: lines.at(-1)! }
}

function handedOf(line: Line): Handed | [] {
  const named = { id: (++ids).toString(16).padStart(16, '0'), at: clock(), user: 'alice', mac: 'macbook' }
  if ('part' in line) return { ...named, what: { kind: 'part', part: line.part } }
  if ('done' in line) return { ...named, what: { kind: 'done', bundles: line.done } }
  return []
}

const read = (lines: Line[]) => lines.flatMap((line) => ('reading' in line ? line.reading.band : []))
const ledgerFile = (bundle = 'A.sparsebundle') => join(bands, ledgerName('u1.macbook.', bundle))
const remembered = () => fromFile(readFileSync(ledgerFile())) ?? expect.fail('no ledger')

/** As if the band had other content when it was read last: what rot looks like from here. */
function rot(band: number): void {
  const ledger = remembered()
  const record = ledger.record(ledger.find(band)!)
  const was = { ...record, hash: Buffer.from('other') }
  writeFileSync(ledgerFile(), fileOf(ledger.merged(Ledger.of([was]), new Set())))
}

describe('a round', () => {
  test('reads all bands to their end, and the next one finds them as they were', async () => {
    writeBundle(share, 'A.sparsebundle', { bands: 5, completed: [new Date()] })
    for (const _round of [1, 2]) {
      const { stand, end } = await round()
      expect(stand).toMatchObject({ bands: 5, covered: 5, read: 5, readBytes: 5 * bandBytes, busy: 0, ended: 'whole' })
      expect(stand).toMatchObject({ faults: { rot: 0, unreadable: 0, oversize: 0 }, files: [] })
      expect(end).toEqual({ done: ['A.sparsebundle'] })
    }
    expect(recallVerified(history, 'alice', 'macbook')?.at).toBeGreaterThan(Date.now())
    expect(history.runs('verified:alice/macbook')).toMatchObject([{ looks: 2, body: { bundles: [{ percent: 100 }] } }])
  })

  test('has bounds, and those that follow go on where it ended, so that all are read in turn', async () => {
    writeBundle(share, 'A.sparsebundle', { bands: 10 })
    const seen: string[] = []
    for (const covered of [4, 8, 10]) {
      const { lines, stand } = await round({ bytes: 4 * bandBytes })
      seen.push(...read(lines))
      expect(stand).toMatchObject({ covered, ended: 'bytes' })
      ahead += day
    }
    expect(new Set(seen.slice(0, 10)).size).toBe(10)
    expect(seen.slice(10)).toEqual(['0', '1'])
    // What was read long ago does not count for ever.
    ahead += 40 * day
    expect((await round({ bytes: bandBytes })).stand).toMatchObject({ covered: 1 })
  })

  test('ends in time', async () => {
    writeBundle(share, 'A.sparsebundle', { bands: 10 })
    const { stand } = await round({ ms: 5_000 }, (line) => {
      if ('reading' in line) ahead += 2_000
    })
    expect(stand).toMatchObject({ read: 3, ended: 'time' })
  })

  test('tells where it stands every ten seconds', async () => {
    writeBundle(share, 'A.sparsebundle', { bands: 9 })
    const { parts } = await round({}, (line) => {
      if ('reading' in line) ahead += 4_000
    })
    expect(parts.map(({ stand }) => [stand.read, stand.ended])).toEqual([
      [3, null],
      [6, null],
      [9, null],
      [9, 'whole'],
    ])
    expect(remembered().count).toBe(9)
  })

  test('forgets bands that the Mac freed, and bundles that are gone', async () => {
    const bundle = writeBundle(share, 'A.sparsebundle', { bands: 5 })
    await round()
    rmSync(join(bundle, 'bands/3'))
    await round()
    expect([0, 1, 2, 3, 4].filter((band) => remembered().find(band) !== undefined)).toEqual([0, 1, 2, 4])
    renameSync(bundle, join(share, 'B.sparsebundle'))
    await round()
    expect(() => statSync(ledgerFile())).toThrow(/ENOENT/)
    expect(statSync(ledgerFile('B.sparsebundle')).isFile()).toBe(true)
    expect(recallVerified(history, 'alice', 'macbook')?.bundles).toMatchObject([{ name: 'B.sparsebundle' }])
  })

  test('of a share that is not there finds nothing', async () => {
    expect((await round()).lines).toEqual([{ done: [] }])
  })
})

describe('rot', () => {
  test('is told where nobody wrote and the content is another, again with each round, until the band is written anew', async () => {
    const bundle = writeBundle(share, 'A.sparsebundle', { bands: 5 })
    await round()
    rot(2)
    for (const _round of [1, 2]) {
      const { stand } = await round()
      expect(stand).toMatchObject({ covered: 4, faults: { rot: 1 } })
      expect(stand?.examples).toEqual([{ band: '2', fault: 'rot', why: expect.stringContaining('nobody wrote to it') }])
    }
    writeFileSync(join(bundle, 'bands/2'), 'new!')
    expect((await round()).stand).toMatchObject({ covered: 5, faults: { rot: 0 }, examples: [] })
  })

  test('is none where the band was written, even where its mtime and size are as they were', async () => {
    const bundle = writeBundle(share, 'A.sparsebundle', { bands: 3 })
    await round()
    const path = join(bundle, 'bands/1')
    const { atime, mtime } = statSync(path)
    writeFileSync(path, 'else')
    utimesSync(path, atime, mtime)
    expect((await round()).stand).toMatchObject({ covered: 3, faults: { rot: 0 } })
  })

  test('is none where what is remembered is rotten itself: then all is read anew', async () => {
    writeBundle(share, 'A.sparsebundle', { bands: 3 })
    await round()
    const bytes = readFileSync(ledgerFile())
    bytes[bytes.length - 1]! ^= 1
    writeFileSync(ledgerFile(), bytes)
    expect((await round()).stand).toMatchObject({ covered: 3, faults: { rot: 0 } })
  })

  test('what was just written is not hashed: it may be written once more in the same tick', async () => {
    writeBundle(share, 'A.sparsebundle', { bands: 3 })
    ahead = 0
    expect((await round()).stand).toMatchObject({ covered: 0, busy: 3, faults: { rot: 0, unreadable: 0 } })
  })
})

describe('plists and token', () => {
  const edit = (bundle: string, from: string | RegExp, to: string) => {
    const path = join(bundle, 'Info.plist')
    writeFileSync(path, readFileSync(path, 'utf8').replace(from, to))
  }
  test.each<[string, (bundle: string) => void, RegExp]>([
    ['no Info.plist', (bundle) => rmSync(join(bundle, 'Info.plist')), /^Info.plist: it is not there$/],
    ['Info.plist cut short', (bundle) => truncateSync(join(bundle, 'Info.plist'), 300), /^Info.plist: /],
    ['no band-size', (bundle) => edit(bundle, 'band-size', 'band'), /^Info.plist: no sensible band-size$/],
    ['a crooked band-size', (bundle) => edit(bundle, '8388608', '8388607'), /no multiple of 512/],
    ['no size', (bundle) => edit(bundle, '<key>size', '<key>siz'), /^Info.plist: no sensible size$/],
    ['no version', (bundle) => edit(bundle, 'bundle-backingstore-version', 'v'), /bundle-backingstore-version/],
    ['a size below its bands', (bundle) => edit(bundle, String(2 ** 40), String(8388608 * 2)), /band 4 lies beyond/],
    ['no token', (bundle) => rmSync(join(bundle, 'token')), /^token: it is not there$/],
    ['a history of zeros', (bundle) => writeFileSync(join(bundle, historyFile), Buffer.alloc(500)), /SnapshotHistory/],
    ['no bands', (bundle) => rmSync(join(bundle, 'bands'), { recursive: true }), /^bands: the folder is not there$/],
  ])('%s is told', async (_name, spoil, message) => {
    spoil(writeBundle(share, 'A.sparsebundle', { bands: 5, completed: [new Date()] }))
    expect((await round()).stand?.files).toEqual([expect.stringMatching(message)])
    expect(recallVerified(history, 'alice', 'macbook')?.bundles[0]?.corrupt).not.toBeNull()
  })

  test('a history that is half-written for a moment is none', async () => {
    const bundle = writeBundle(share, 'A.sparsebundle')
    writeFileSync(join(bundle, historyFile), historyText([new Date()]).slice(0, 300))
    let waits = 0
    const { stand } = await round({}, (line) => {
      if ('done' in line && ++waits === 2) writeFileSync(join(bundle, historyFile), historyText([new Date()]))
    })
    expect(stand?.files).toEqual([])
    expect(waits).toBeGreaterThanOrEqual(2)
  })

  test('a bundle in the making may lack them', async () => {
    const bundle = writeBundle(share, 'A.sparsebundle.incomplete')
    rmSync(join(bundle, 'token'))
    expect((await round()).stand?.files).toEqual([])
  })
})

describe('bundles of somebody who means harm', () => {
  const name = 'bands/2'
  test.each<[string, (path: string, aside: string) => void, object]>([
    ['a FIFO', (path) => void execFileSync('mkfifo', [path]), { unreadable: 1 }],
    ['a link out of the share', (path, aside) => symlinkSync(aside, path), { unreadable: 1 }],
    ['a folder', (path) => mkdirSync(path), { unreadable: 1 }],
    ['a file of 4 TiB', (path) => writeFileSync(path, ''), { oversize: 1 }],
  ])('%s in the place of a band is told, and neither opened nor read', async (_name, put, faults) => {
    const bundle = writeBundle(share, 'A.sparsebundle', { bands: 5 })
    const aside = join(root, 'secret')
    writeFileSync(aside, 'what others wrote')
    rmSync(join(bundle, name))
    put(join(bundle, name), aside)
    if ('oversize' in faults) truncateSync(join(bundle, name), 2 ** 42)
    const { stand } = await round()
    expect(stand).toMatchObject({ read: 4, readBytes: 4 * bandBytes, covered: 4, faults })
  })

  test.each<[string, (path: string, aside: string) => void, object]>([
    ['vanishes', (path) => rmSync(path), { read: 4, faults: { unreadable: 0 } }],
    [
      'becomes a link',
      (path, aside) => {
        rmSync(path)
        symlinkSync(aside, path)
      },
      { read: 4, faults: { unreadable: 1 } },
    ],
    [
      'becomes a FIFO',
      (path) => {
        rmSync(path)
        execFileSync('mkfifo', [path])
      },
      { read: 4, faults: { unreadable: 1 } },
    ],
  ])('a band that %s after it was looked at is not followed', async (_name, change, expected) => {
    const bundle = writeBundle(share, 'A.sparsebundle', { bands: 5 })
    const aside = join(root, 'secret')
    writeFileSync(aside, 'what others wrote')
    const { stand } = await round({}, (line) => {
      if ('reading' in line && line.reading.band === '2') change(join(bundle, name), aside)
    })
    expect(stand).toMatchObject({ ...expected, readBytes: 4 * bandBytes })
  })

  test('bands by the name of something else are none', async () => {
    const bundle = writeBundle(share, 'A.sparsebundle', { bands: 2 })
    for (const other of ['00', '0A', 'g', '123456789', '.DS_Store', '\u001b[2J'])
      writeFileSync(join(bundle, 'bands', other), 'x')
    expect((await round()).stand).toMatchObject({ bands: 2, read: 2 })
  })

  test.each(Object.keys(hostile))('%s: told in bounds, and nothing of others', async (layout) => {
    hostile[layout]!(share, new Date(), join(root, 'bob'))
    const { parts, end } = await round()
    expect(end).toHaveProperty('done')
    for (const { stand } of parts) expect(stand.files.join('')).not.toMatch(/[\p{Cc}\u202e]/u)
  })
})

describe('a file that changes while it is read', () => {
  const reading = (change: (path: string) => void) => {
    const path = join(root, 'band')
    writeFileSync(path, Buffer.alloc(3 * 2 ** 20, 1))
    let asked = 0
    return digestFile(path, 2 ** 23, () => {
      if (++asked === 2) change(path)
    })
  }
  test.each<[string, (path: string) => void]>([
    ['grows', (path) => appendFileSync(path, 'more')],
    ['shrinks', (path) => truncateSync(path, 2 ** 20)],
    ['is written in place', (path) => writeFileSync(path, Buffer.alloc(3 * 2 ** 20, 2))],
    [
      'is swapped for a link',
      (path) => {
        rmSync(path)
        symlinkSync('/etc/passwd', path)
      },
    ],
  ])('and %s is left for another time', (_name, change) => expect(reading(change)).toEqual({ outcome: 'busy' }))
  test('and rests is read', () => expect(reading(() => {})).toMatchObject({ outcome: 'read', size: 3 * 2 ** 20 }))
})

describe('what is remembered of bands', () => {
  const record = (band: number, at = 7) => ({ band, day: at, stamp: Buffer.from('stamp'), hash: Buffer.from('hash!') })
  test('is found by number, takes newer records, and comes back from its file as it was', () => {
    const ledger = Ledger.of([record(9), record(1), record(2 ** 32 - 1)])
    const merged = ledger.merged(Ledger.of([record(4), record(9, 8)]), new Set([1]))
    const numbers = Array.from({ length: merged.count }, (_none, at) => [merged.band(at), merged.day(at)])
    expect(numbers).toEqual([
      [4, 7],
      [9, 8],
      [2 ** 32 - 1, 7],
    ])
    expect(merged.find(9)).toBe(1)
    expect(merged.find(1)).toBeUndefined()
    expect(fromFile(fileOf(merged))?.bytes).toEqual(merged.bytes)
    expect(fileOf(merged).length).toBe(24 + 3 * 16)
  })
  test.each<[string, (bytes: Buffer) => Uint8Array]>([
    ['cut', (bytes) => bytes.subarray(0, -1)],
    ['flipped', (bytes) => Buffer.concat([bytes.subarray(0, 30), Buffer.from([bytes[30]! ^ 4]), bytes.subarray(31)])],
    ['empty', () => Buffer.alloc(0)],
    [
      'out of order',
      (bytes) => fileOf({ bytes: Buffer.concat([bytes.subarray(40), bytes.subarray(24, 40)]) } as Ledger),
    ],
  ])('is nothing where its file is %s', (_name, spoil) =>
    expect(fromFile(spoil(fileOf(Ledger.of([record(1), record(2)]))))).toBeUndefined())
})
