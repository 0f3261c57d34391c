import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openForeign } from '../../../src/converge/node-foreign.ts'
import { type ShareSeen, shareSchema } from '../../../src/monitor/observation/index.ts'
import { type ScanLimits, ShareWatcher, scanLimits, scanShare } from '../../../src/monitor/scan/index.ts'
import { scan } from '../../../src/monitor/scan/scan.ts'
import { backUp, historyFile, hostile, layouts, writeBands, writeBundle } from '../../support/bundles.ts'

const now = new Date(Date.now())
const limits: ScanLimits = {
  ...scanLimits,
  program: ['--import', import.meta.resolve('tsx'), join(import.meta.dirname, '../../../src/monitor/scan/main.ts')],
}
let root: string
let storage: string
let share: string
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'tmgen-scan-')))
  storage = join(root, 'alice')
  share = join(storage, 'macbook')
  mkdirSync(storage)
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

/** In this process, as the scanner does it. */
const look = (before?: ShareSeen) => scan({ storage, mac: 'macbook', now: +now, ...(before && { before }) })
const bundlesOf = (seen: ShareSeen) => (seen.outcome === 'seen' ? seen.bundles : [])
const second = (date: number) => Math.floor(date / 1000) * 1000

describe('layouts as Macs leave them', () => {
  test.each<[keyof typeof layouts, object[]]>([
    ['complete', [{ listed: 2, completed: [second(+now - 86400_000), second(+now - 3600_000)], encrypted: false }]],
    ['firstIncomplete', [{ incomplete: true, listed: null, completed: [] }]],
    ['running', [{ listed: 1, bands: { count: 8 } }]],
    ['encrypted', [{ encrypted: true, listed: 1 }]],
    ['damaged', [{ verification: 2 }]],
    ['halfWritten', [{ listed: null, notes: [expect.stringContaining(`${historyFile}: a faulty`)] }]],
    ['twoMacs', [{ listed: 1 }, { listed: 1 }]],
    ['empty', []],
  ])('%s', async (name, bundles) => {
    layouts[name]!(share, now)
    const seen = await look()
    expect(shareSchema.parse(seen)).toMatchObject({ outcome: 'seen', bundles })
    const machines = new Set(bundlesOf(seen).map((bundle) => bundle.machine))
    expect(machines.size).toBe(bundles.length)
  })

  test('a share that is not made yet', async () => expect(await look()).toEqual({ outcome: 'absent' }))
})

describe('shares of somebody who means harm', () => {
  test.each(Object.keys(hostile))('%s: told in bounds, and nothing of others', async (name) => {
    hostile[name]!(share, now, join(root, 'bob'))
    const seen = shareSchema.parse(await look())
    for (const bundle of bundlesOf(seen)) {
      if (name !== 'names' && name !== 'forgedHistory') expect(bundle.listed).toBeNull()
      expect(bundle.completed.length).toBeLessThanOrEqual(64)
      expect(bundle.notes.join('')).not.toMatch(/[\p{Cc}\u202e]/u)
    }
  })

  test('folders that are exchanged for links while they are looked at: never what lies behind the link', async () => {
    writeBundle(join(root, 'bob'), 'A.sparsebundle', { completed: [now], machine: 'somebody else' })
    const others = (await scan({ storage: root, mac: 'bob', now: +now })) as ShareSeen
    const machine = bundlesOf(others)[0]!.machine
    const own = writeBundle(share, 'A.sparsebundle')
    const swap = setInterval(() => {
      renameSync(own, join(share, 'aside'))
      symlinkSync(join(root, 'bob/A.sparsebundle'), own)
      setImmediate(() => {
        rmSync(own)
        renameSync(join(share, 'aside'), own)
      })
    }, 1)
    try {
      for (let index = 0; index < 200; index++) {
        for (const bundle of bundlesOf(await look())) expect(bundle.machine).not.toBe(machine)
        await new Promise((done) => setImmediate(done))
      }
    } finally {
      clearInterval(swap)
      await new Promise((done) => setImmediate(done))
    }
  })
})

test('completions that are dated ahead do not push out those of the past', async () => {
  const past = new Date(+now - 3600_000)
  const ahead = Array.from({ length: 500 }, (_none, index) => new Date(+now + (index + 1) * 60_000))
  writeBundle(share, 'A.sparsebundle', { completed: [past, ...ahead] })
  const [bundle] = bundlesOf(await look())
  expect(bundle!.completed).toHaveLength(17)
  expect(bundle!.completed[0]).toBe(second(+past))
})

describe('the number of bands', () => {
  test('is taken from the look before while their folder is as it was, and counted anew when it changed', async () => {
    const bundle = writeBundle(share, 'A.sparsebundle', { bands: 3 })
    const seen = bundlesOf(await look())[0]!
    const known = (countedAt: number): ShareSeen => ({
      outcome: 'seen',
      notes: [],
      bundles: [{ ...seen, bands: { ...seen.bands!, count: 7, countedAt } }],
    })
    const later = seen.bands!.folderChanged + 5_000
    const countOf = async (at: number, from: ShareSeen) =>
      bundlesOf(await scan({ storage, mac: 'macbook', now: at, before: from }))[0]!.bands
    expect(await countOf(later, known(later))).toMatchObject({ count: 7, exact: true })
    // Counted in the same tick in which the folder changed: it may have changed once more.
    expect(await countOf(later, known(seen.bands!.folderChanged))).toMatchObject({ count: 3 })
    writeBands(bundle, 3, 5)
    expect(await countOf(later + 60_000, known(later))).toMatchObject({ count: 7, exact: false })
    expect(await countOf(later + 3600_000, known(later))).toMatchObject({ count: 5, exact: true })
  })
})

describe('the scanner as a process', () => {
  test('tells the same as here', async () => {
    layouts.complete!(share, now)
    expect(await scanShare({ storage, mac: 'macbook', now: +now }, limits)).toEqual(await look())
  })
  test.each([
    ['hangs', 'setInterval(() => {}, 1000)', /took longer than 0.5 s/],
    ['dies', 'process.exit(3)', /ended with exit 3/],
    ['tells no JSON', 'console.log("{")', /nothing that can be understood/],
    ['tells what it may not', 'console.log(JSON.stringify({outcome:"seen",bundles:[],notes:[],more:1}))', /understood/],
    ['tells without end', 'for (;;) require("fs").writeSync(1, "x".repeat(65536))', /told too much/],
    ['takes all memory', 'const a = []; for (;;) a.push(new Array(1e6).fill(0.5))', /ended with SIG|took longer/],
  ])('one that %s is ended, and that is the cause', async (_name, code, cause) => {
    const seen = await scanShare(
      { storage, mac: 'macbook', now: +now },
      { heapMiB: 32, timeoutMs: code.startsWith('setInterval') ? 500 : 10_000, program: ['-e', code] },
    )
    expect(seen).toEqual({ outcome: 'unreadable', cause: expect.stringMatching(cause) })
  })
})

test('what rests is told without a scanner; one byte of a band, or a new history, starts one', async () => {
  const bundle = writeBundle(share, 'A.sparsebundle')
  const watcher = new ShareWatcher(limits)
  const shareOf = { user: 'alice', mac: 'macbook', storage }
  const later = Date.now() + 60_000
  const first = await watcher.look(shareOf, later)
  expect(await watcher.look(shareOf, later + 60_000)).toBe(first)
  expect(watcher.scans).toBe(1)
  writeFileSync(join(bundle, 'bands/2'), 'another')
  await watcher.look(shareOf, later + 120_000)
  expect(watcher.scans).toBe(2)
  backUp(bundle, [now], { from: 4, to: 5 })
  expect(bundlesOf(await watcher.look(shareOf, later + 180_000))[0]).toMatchObject({ listed: 1 })
  rmSync(share, { recursive: true })
  expect(await watcher.look(shareOf, later + 240_000)).toEqual({ outcome: 'absent' })
})

describe('a share with more in it than is looked at', () => {
  const later = Date.now() + 60_000
  const four = ['A', 'B', 'C', 'D']
  const names = (seen: ShareSeen) => bundlesOf(seen).map(({ name }) => name[0])
  const partial = (seen: ShareSeen) => (seen.outcome === 'seen' ? seen.partial : undefined)
  /** As the watcher looks, in this process. */
  const looks = () => {
    let before: ShareSeen | undefined
    return async () => {
      before = shareSchema.parse(await look(before))
      return before
    }
  }

  test('of five bundles those that were written last are looked at, and the fifth is not said to be gone', async () => {
    const go = looks()
    for (const name of ['b', 'c', 'd', 'z']) writeBundle(share, `${name}.sparsebundle`)
    const first = await go()
    expect([names(first), partial(first)]).toEqual([['b', 'c', 'd', 'z'], undefined])
    const a = writeBundle(share, 'a.sparsebundle')
    await ticked(a)
    backUp(join(share, 'z.sparsebundle'), [now], { from: 4, to: 5 })
    const second = await go()
    expect(names(second)).toEqual(expect.arrayContaining(['a', 'z']))
    expect([names(second).length, partial(second)]).toEqual([4, { gone: [] }])
    const left = ['b', 'c', 'd'].find((name) => !names(second).includes(name))!
    // What is gone of those that were seen is, and stays so; what is back is back; and five less one are all.
    writeBundle(share, 'e.sparsebundle')
    rmSync(join(share, 'z.sparsebundle'), { recursive: true })
    expect(partial(await go())).toEqual({ gone: ['z.sparsebundle'] })
    expect(partial(await go())).toEqual({ gone: ['z.sparsebundle'] })
    writeBundle(share, 'z.sparsebundle')
    expect(partial(await go())).toEqual({ gone: [] })
    for (const name of [left, 'e']) rmSync(join(share, `${name}.sparsebundle`), { recursive: true })
    expect(partial(await go())).toBeUndefined()
  })

  test('a bundle that was seen is found among thousands of files, also once its first backup is complete', async () => {
    const go = looks()
    for (const name of four) writeBundle(share, `${name}.sparsebundle.incomplete`)
    expect(names(await go())).toEqual(four)
    const hidden = join(share, await bury('.sparsebundle.incomplete'))
    const whole = hidden.replace('.incomplete', '')
    for (const path of [hidden, whole]) {
      if (path !== hidden) renameSync(hidden, path)
      const seen = await go()
      expect([names(seen), partial(seen)]).toEqual([four, { gone: [] }])
      expect(bundlesOf(seen).map(({ name }) => name)).toContain(basename(path))
    }
    rmSync(whole, { recursive: true })
    expect(partial(await go())).toEqual({ gone: [basename(whole)] })
  })

  test('files, links and pipes that are called like bundles take no bundle’s place', async () => {
    writeBundle(share, 'z.sparsebundle')
    for (const name of ['a', 'b', 'c', 'd']) symlinkSync('z.sparsebundle', join(share, `${name}.sparsebundle`))
    const seen = await look()
    expect([names(seen), partial(seen)]).toEqual([['z'], undefined])
  })

  test('rests as another does, and a write to one that is looked at among many files starts a scanner', async () => {
    for (const name of four) writeBundle(share, `${name}.sparsebundle`)
    const watcher = new ShareWatcher(limits)
    const shareOf = { user: 'alice', mac: 'macbook', storage }
    await watcher.look(shareOf, later)
    const hidden = await bury('.sparsebundle')
    for (let round = 1; round < 4; round++) await watcher.look(shareOf, later + round * 60_000)
    const { scans } = watcher
    await watcher.look(shareOf, later + 240_000)
    expect(watcher.scans).toBe(scans)
    backUp(join(share, hidden), [now], { from: 4, to: 5 })
    const seen = bundlesOf(await watcher.look(shareOf, later + 300_000))
    expect(seen.find(({ name }) => name === hidden)).toMatchObject({ listed: 1 })
  })

  /** Puts files beside the four until one of them is not among those that a look comes to, whose name it tells. */
  async function bury(end: string): Promise<string> {
    for (let index = 0; ; index++) {
      writeFileSync(join(share, `file ${index}`), '')
      if (index < 3000 || index % 1000 > 0) continue
      const listed = await openForeign(share, async (folder) => (await folder.names(1000)).names)
      const hidden = four.map((name) => name + end).find((name) => !listed!.includes(name))
      if (hidden) return hidden
    }
  }

  /** Until a file that is made now is younger than this one, by the clock of the disk. */
  async function ticked(path: string): Promise<void> {
    const probe = join(root, 'probe')
    const { ctimeMs } = statSync(path)
    for (;;) {
      writeFileSync(probe, '')
      chmodSync(probe, 0o600)
      if (statSync(probe).ctimeMs > ctimeMs) return
      await new Promise((done) => setImmediate(done))
    }
  }
})
