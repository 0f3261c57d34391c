import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { lookAtShare } from '../../../src/backups/index.ts'
import { nodeDisk } from '../../../src/converge/node-disk.ts'
import type { World } from '../../../src/world.ts'

const world = { disk: nodeDisk } as World
const now = new Date('2026-01-10T00:00:00Z')
const plist = (body: string) => `<?xml version="1.0" encoding="UTF-8"?><plist version="1.0">${body}</plist>`
const history = (...dates: string[]) =>
  plist(
    `<dict><key>Snapshots</key><array>${dates
      .map((date) => `<dict><key>com.apple.backupd.SnapshotCompletionDate</key><date>${date}</date></dict>`)
      .join('')}</array></dict>`,
  )

let base: string
let share: string
let bundle: string
const put = (name: string, text: string | Buffer) => writeFileSync(join(bundle, name), text)
const fifo = (path: string) => execFileSync('mkfifo', [path])
const look = () => lookAtShare(world, join(base, 'alice'), 'macbook', now)

beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'tmgen-share-')))
  share = join(base, 'alice/macbook')
  bundle = join(share, 'Alice.sparsebundle')
  mkdirSync(join(bundle, 'bands'), { recursive: true })
  put('Info.plist', plist('<dict><key>band-size</key><integer>8388608</integer></dict>'))
  for (const band of ['0', '1', 'a', '1f']) writeFileSync(join(bundle, 'bands', band), 'x')
  writeFileSync(join(bundle, 'bands', 'README'), 'no band')
})
afterEach(() => rmSync(base, { recursive: true, force: true }))

const file = 'com.apple.TimeMachine.SnapshotHistory.plist'

describe('a bundle', () => {
  test('its last complete backup, the number of them, and its size by bands', async () => {
    put(file, history('2026-01-03T10:00:00Z', '2026-01-05T10:00:00Z', '2026-01-04T10:00:00Z'))
    expect((await look())?.bundles).toMatchObject([
      {
        name: 'Alice.sparsebundle',
        backups: 3,
        lastBackup: new Date('2026-01-05T10:00:00Z'),
        usedBytes: 4 * 8388608,
        damaged: false,
        notes: [],
      },
    ])
  })

  test('while the Mac replaces the history, the new one counts', async () => {
    put(`${file}.tmp`, history('2026-01-03T10:00:00Z'))
    expect((await look())?.bundles[0]?.backups).toBe(1)
  })

  test('a date in the future is left out and told', async () => {
    put(file, history('2026-01-03T10:00:00Z', '2036-01-01T00:00:00Z'))
    const seen = await look()
    expect(seen?.bundles[0]?.lastBackup).toEqual(new Date('2026-01-03T10:00:00Z'))
    expect(seen?.notes.join()).toContain('dated in the future')
  })

  test('VerificationState 2 means damaged', async () => {
    put('com.apple.TimeMachine.MachineID.plist', plist('<dict><key>VerificationState</key><integer>2</integer></dict>'))
    expect((await look())?.bundles[0]?.damaged).toBe(true)
  })

  test('a write into one of its first bands is its last write', async () => {
    const old = new Date('2026-01-01T00:00:00Z')
    utimesSync(join(bundle, 'bands/a'), new Date('2026-01-08'), new Date('2026-01-08'))
    for (const path of ['bands/0', 'bands/1', 'bands', 'Info.plist', '.', '..'])
      utimesSync(join(bundle, path), old, old)
    expect((await look())?.lastWrite).toEqual(new Date('2026-01-08'))
  })

  test('a binary history is named and not taken for none', async () => {
    put(file, 'bplist00')
    expect((await look())?.notes).toEqual([`Alice.sparsebundle/${file}: binary plist: not read`])
  })

  test.each(['0', '-1', '8388608.5', '99999999999999'])('a band size of %s is not believed', async (size) => {
    put('Info.plist', plist(`<dict><key>band-size</key><integer>${size}</integer></dict>`))
    const seen = await look()
    expect(seen?.bundles[0]?.usedBytes).toBeUndefined()
    expect(seen?.notes.join()).toContain('no sensible band-size')
  })
})

describe('a hostile share', () => {
  test('four FIFOs hang nothing', async () => {
    rmSync(join(bundle, 'Info.plist'))
    rmSync(join(bundle, 'bands'), { recursive: true })
    for (const name of [file, 'Info.plist', 'com.apple.TimeMachine.MachineID.plist', 'bands']) fifo(join(bundle, name))
    fifo(join(share, 'Another.sparsebundle'))
    const seen = await look()
    expect(seen?.bundles).toMatchObject([{ backups: undefined, usedBytes: undefined }])
    expect(seen?.notes.length).toBe(3)
  })

  test('links to what belongs to others are not followed: file, bundle, bands, share', async () => {
    const other = join(base, 'bob/imac/Bob.sparsebundle')
    mkdirSync(join(other, 'bands'), { recursive: true })
    writeFileSync(join(other, file), history('2026-01-03T10:00:00Z'))
    writeFileSync(join(other, 'bands/0'), 'x')
    symlinkSync(join(other, file), join(bundle, file))
    symlinkSync(other, join(share, 'Bob.sparsebundle'))
    rmSync(join(bundle, 'bands'), { recursive: true })
    symlinkSync(join(other, 'bands'), join(bundle, 'bands'))
    expect((await look())?.bundles).toMatchObject([
      { name: 'Alice.sparsebundle', backups: undefined, usedBytes: undefined },
    ])
    rmSync(share, { recursive: true })
    symlinkSync(join(base, 'bob/imac'), share)
    expect(await look()).toBeUndefined()
  })

  test('a history of a terabyte is not read', async () => {
    put(file, '')
    truncateSync(join(bundle, file), 2 ** 40)
    expect((await look())?.notes).toEqual([`Alice.sparsebundle/${file}: no regular file of a sensible size`])
  })

  test('of thousands of entries and bundles a few are looked at, and that is said', async () => {
    for (let index = 0; index < 1100; index++) mkdirSync(join(share, `x${index}.sparsebundle`))
    const seen = await look()
    expect(seen?.bundles.length).toBe(4)
    expect(seen?.notes.join()).toMatch(/more than 1000 entries.*bundles, of which 4 were looked at/)
  })

  test('a file of the name of a bundle is none', async () => {
    rmSync(bundle, { recursive: true })
    writeFileSync(bundle, 'x')
    expect((await look())?.bundles).toEqual([])
  })
})

test('a share that is not made yet, and one that is empty', async () => {
  rmSync(bundle, { recursive: true })
  expect(await look()).toEqual({ bundles: [], lastWrite: undefined, notes: [] })
  rmSync(share, { recursive: true })
  expect(await look()).toBeUndefined()
})
