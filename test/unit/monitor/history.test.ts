import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { History } from '../../../src/monitor/history/index.ts'

let folder: string
let file: string
let losses: string[]
let open: History[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tmgen-history-'))
  file = join(folder, 'history.sqlite')
  losses = []
  open = []
})
afterEach(() => {
  for (const history of open) history.close()
  rmSync(folder, { recursive: true, force: true })
})
const opened = (pages?: number) => {
  const history = new History(file, { onLoss: (why) => losses.push(why), ...(pages && { pages }) })
  open.push(history)
  return history
}

describe('looks', () => {
  test('that saw the same are one row, with the latest of what changes; another begins a new one', () => {
    const history = opened()
    for (const at of [1, 2, 3]) history.record('alice/macbook', at, { bands: 1 }, { free: at })
    history.record('alice/macbook', 4, { bands: 2 })
    history.record('bob/mini', 4, { bands: 1 })
    expect(history.runs('alice/macbook')).toEqual([
      { first: 1, last: 3, looks: 3, body: { bands: 1 }, latest: { free: 3 } },
      { first: 4, last: 4, looks: 1, body: { bands: 2 }, latest: null },
    ])
    expect(history.runs('alice/macbook', 4)).toHaveLength(1)
    expect(history.runs('alice/macbook', 0, 1)).toMatchObject([{ first: 4 }])
  })

  test('are there after a restart, also after a kill that left a lock', () => {
    opened().record('a', 1, 'x')
    open.pop()!.close()
    mkdirSync(`${file}.lock`)
    expect(opened().runs('a')).toHaveLength(1)
    expect(losses).toEqual([])
  })

  test('are pruned by age, and the last of each subject stays', () => {
    const history = opened()
    for (const at of [1, 2, 3]) history.record('a', at, at)
    history.record('gone', 1, 'x')
    history.prune(3)
    expect(history.runs('a').map(({ body }) => body)).toEqual([3])
    expect(history.runs('gone')).toHaveLength(1)
  })

  test('with a name or a value that would be SQL are data', () => {
    const history = opened()
    const name = "a'; DROP TABLE runs; --"
    history.record(name, 1, { note: "'); DELETE FROM runs; --\u0000" })
    expect(history.runs(name)).toMatchObject([{ body: { note: "'); DELETE FROM runs; --\u0000" } }])
  })

  test('a look at everybody that fails half way leaves nothing', () => {
    const history = opened()
    const fail = () =>
      history.together(() => {
        history.record('a', 1, 'x')
        throw new Error('no')
      })
    expect(fail).toThrow('no')
    expect(history.runs('a')).toEqual([])
    history.together(() => history.record('a', 2, 'y'))
    expect(history.runs('a')).toHaveLength(1)
  })
})

test('what the rules remember is kept, and replaced', () => {
  const history = opened()
  expect(history.remembered('alice/macbook')).toBeUndefined()
  history.remember('alice/macbook', { at: 1 })
  history.remember('alice/macbook', { at: 2 })
  expect(history.remembered('alice/macbook')).toEqual({ at: 2 })
})

describe('a history that is broken', () => {
  const fill = () => {
    const history = opened()
    history.together(() => {
      for (let at = 0; at < 2000; at++) history.record('a', at, { at, text: 'x'.repeat(200) })
    })
    open.pop()!.close()
  }
  test.each<[string, () => void]>([
    ['no database at all', () => writeFileSync(file, 'hello'.repeat(2000))],
    ['cut short', () => truncateSync(file, Math.floor(statSync(file).size / 2))],
    [
      'overwritten in the middle',
      () => {
        const bytes = readFileSync(file)
        bytes.fill(0x5a, 8192, bytes.length - 4096)
        writeFileSync(file, bytes)
      },
    ],
    [
      'of a layout of another time',
      () => {
        const bytes = readFileSync(file)
        bytes.writeUInt32BE(99, 60)
        writeFileSync(file, bytes)
      },
    ],
  ])('%s: put aside, told, and begun anew', (_name, damage) => {
    fill()
    damage()
    const history = opened()
    expect(history.runs('a')).toEqual([])
    history.record('a', 1, 'new')
    expect(history.runs('a')).toHaveLength(1)
    expect(losses).toEqual([expect.stringMatching(/^the history was broken \(.*\): a new one was begun$/)])
    expect(existsSync(`${file}.broken`)).toBe(true)
  })

  test('one that breaks while it is in use: the look goes into a new one', () => {
    fill()
    const history = opened()
    // With the exclusive lock nothing is read anew but what is not in the cache.
    const bytes = readFileSync(file)
    bytes.fill(0x5a, 4096)
    writeFileSync(file, bytes)
    for (let at = 3000; at < 3010; at++) history.record('a', at, { at, text: 'y'.repeat(200) })
    expect(history.runs('a').at(-1)).toMatchObject({ body: { at: 3009 } })
  })
})

test('a history that is full drops its older half, says so, and goes on', () => {
  const history = opened(64)
  for (let at = 0; at < 3000; at++) history.record('a', at, { at, text: 'x'.repeat(300) })
  const runs = history.runs('a')
  expect(runs.at(-1)).toMatchObject({ last: 2999 })
  expect(runs.length).toBeGreaterThan(100)
  expect(new Set(losses)).toEqual(new Set(['the history was full: its older half was dropped']))
  expect(statSync(file).size).toBeLessThanOrEqual(64 * 4096)
  // Each of 3,000 writes is synced.
}, 60_000)

test('a full one in the middle of a look at everybody', () => {
  const history = opened(64)
  for (let round = 0; round < 30; round++)
    history.together(() => {
      for (let user = 0; user < 50; user++) history.record(`u${user}`, round, { round, text: 'x'.repeat(300) })
    })
  expect(history.runs('u49').at(-1)).toMatchObject({ body: { round: 29 } })
})

// A disk of its own takes root; where tests run without, this one is reported as skipped.
test.skipIf(process.getuid?.() !== 0)(
  'on a disk that is full nothing is added, all stays, and it goes on when there is room',
  () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=400k', 'tmpfs', folder])
    try {
      const ballast = join(folder, 'ballast')
      writeFileSync(ballast, 'x'.repeat(100_000))
      const history = opened()
      const fill = (from: number) => {
        for (let at = from; at < from + 1000; at++) history.record('a', at, { at, text: 'x'.repeat(300) })
      }
      fill(0)
      const kept = history.runs('a').length
      expect(kept).toBeGreaterThan(100)
      history.together(() => fill(1000))
      expect(history.runs('a')).toHaveLength(kept)
      expect(new Set(losses)).toEqual(
        new Set(['the disk of the history is full: until there is room nothing is added']),
      )
      rmSync(ballast)
      history.record('a', 5000, 'x')
      expect(history.runs('a')).toHaveLength(kept + 1)
      history.close()
    } finally {
      execFileSync('umount', [folder])
    }
  },
)
