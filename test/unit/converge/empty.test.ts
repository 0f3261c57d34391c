import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { nodeDisk } from '../../../src/converge/node-disk.ts'
import type { EmptyOptions } from '../../../src/world.ts'

let home: string
let folder: string
const yes: EmptyOptions = { isOurs: async () => true, last: ['marker'] }

beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'tmgen-empty-')))
  folder = join(home, 'archive')
  mkdirSync(join(folder, 'macbook/bands'), { recursive: true })
  writeFileSync(join(folder, 'marker'), 'ours')
  for (let n = 0; n < 1200; n++) writeFileSync(join(folder, 'macbook/bands', n.toString(16)), 'x')
  mkdirSync(join(home, 'other'))
  writeFileSync(join(home, 'other/precious'), 'kept')
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const precious = () => readFileSync(join(home, 'other/precious'), 'utf8')

test('all in a folder is deleted, piece by piece; links go and what they point to stays', async () => {
  symlinkSync(join(home, 'other'), join(folder, 'link'))
  symlinkSync(join(home, 'other/precious'), join(folder, 'macbook/bands/link'))
  const counts: number[] = []
  await nodeDisk.empty(folder, { ...yes, onCount: (count) => counts.push(count) })
  expect(readdirSync(folder)).toEqual([])
  expect(counts.length).toBeGreaterThan(2)
  expect(counts.at(-1)).toBe(1204)
  expect(precious()).toBe('kept')
})

test('the marker is asked first and goes last', async () => {
  const asked: (string | undefined)[] = []
  const isOurs: EmptyOptions['isOurs'] = async (open) => {
    const bytes = await open.read('marker', 100)
    asked.push(bytes && Buffer.from(bytes).toString())
    return true
  }
  const onCount = () => expect(existsSync(join(folder, 'marker'))).toBe(true)
  await nodeDisk.empty(folder, { isOurs, last: ['marker'], onCount })
  expect(asked).toEqual(['ours'])
})

test('folders nested deeper than there are file descriptors are deleted too', async () => {
  let at = join(folder, 'macbook')
  // Made from the inside out: a path as long as that cannot be named.
  let inner = join(home, 'nest-0')
  mkdirSync(inner)
  for (let n = 1; n <= 1500; n++) {
    const outer = join(home, `nest-${n}`)
    mkdirSync(outer)
    renameSync(inner, join(outer, 'd'))
    inner = outer
  }
  at = join(at, 'deep')
  renameSync(inner, at)
  const open = () => readdirSync('/proc/self/fd').length
  const [before, seen] = [open(), [] as number[]]
  await nodeDisk.empty(folder, { ...yes, onCount: () => seen.push(open()) })
  expect(Math.max(...seen)).toBeLessThan(before + 50)
  expect(readdirSync(folder)).toEqual([])
})

test.each([
  ['that is a link', () => symlinkSync(join(home, 'other'), join(home, 'way')), 'way'],
  ['behind a link', () => symlinkSync(home, join(home, 'way')), 'way/other'],
  ['that is a file', () => undefined, 'other/precious'],
])('a path %s is refused', async (_what, prepare, path) => {
  prepare()
  await expect(nodeDisk.empty(join(home, path), yes)).rejects.toMatchObject({ code: 'storage' })
  expect(precious()).toBe('kept')
})

test('what is not marked is refused whole', async () => {
  await expect(nodeDisk.empty(folder, { ...yes, isOurs: async () => false })).rejects.toThrow(/left alone/)
  expect(readdirSync(join(folder, 'macbook/bands'))).toHaveLength(1200)
})
