import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lookSchema } from '../../../src/monitor/observation/index.ts'
import { onceAt } from '../../../src/monitor/once.ts'
import { type ScanLimits, ShareWatcher, scanLimits } from '../../../src/monitor/scan/index.ts'
import { lookAtAll } from '../../../src/monitor/scan/look.ts'
import type { Settings } from '../../../src/monitor/settings.ts'
import { writeBundle } from '../../support/bundles.ts'
import { person, settingsOf } from './settings.ts'

const limits: ScanLimits = {
  ...scanLimits,
  program: ['--import', import.meta.resolve('tsx'), join(import.meta.dirname, '../../../src/monitor/scan/main.ts')],
}
const workspace = { id: '00c0ffee00c0ffee', name: 'tm' }
let root: string
let settings: Settings
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'tmgen-look-')))
  settings = settingsOf({ workspace, users: [person('alice', 'u1'), person('bob', 'u2')] })
  for (const { name, id } of settings.users) {
    mkdirSync(join(root, name, 'macbook'), { recursive: true })
    writeFileSync(join(root, name, '.tmgen.json'), JSON.stringify({ version: 1, workspace: workspace.id, user: id }))
  }
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const look = async () =>
  lookAtAll(settings, { shares: root, samba: join(root, 'samba') }, new ShareWatcher(limits), Date.now())
const fifo = (path: string) => execFileSync('mkfifo', [path])

test('everybody is looked at, and a disk that several share is told once', async () => {
  writeBundle(join(root, 'alice/macbook'), 'A.sparsebundle', { completed: [new Date()] })
  const { look: seen, restart } = await look()
  expect(restart).toBe(false)
  expect(lookSchema.parse(seen)).toMatchObject({
    disks: [{ path: '/srv/tm/alice', users: ['alice', 'bob'] }],
    shares: [
      { user: 'alice', mac: 'macbook', share: { outcome: 'seen', bundles: [{ listed: 1 }] } },
      { user: 'bob', mac: 'macbook', share: { outcome: 'seen', bundles: [] } },
    ],
  })
})

test('what each person’s Samba tells is told of their Macs alone', async () => {
  mkdirSync(join(root, 'samba/alice'), { recursive: true })
  writeFileSync(join(root, 'samba/alice/smbstatus.json'), '{"sessions":{},"tcons":{},"open_files":{}}')
  writeFileSync(join(root, 'samba/alice/serving'), '')
  const { look: seen } = await look()
  expect(seen.serving).toEqual(['alice'])
  expect(lookSchema.parse(seen).shares.map(({ samba }) => samba)).toEqual([
    { sessions: 0, since: null, files: 0, open: false, wrote: null },
    undefined,
  ])
})

test.each([
  ['no marker', (path: string) => rmSync(path)],
  ['another workspace’s', (path: string) => writeFileSync(path, '{"workspace":"1","user":"u1"}')],
  ['another user’s', (path: string) => writeFileSync(path, JSON.stringify({ workspace: workspace.id, user: 'u2' }))],
  ['no JSON', (path: string) => writeFileSync(path, 'x')],
  [
    'a link',
    (path: string) => {
      renameSync(path, `${path}.real`)
      symlinkSync('.tmgen.json.real', path)
    },
  ],
])('a disk that is not there (%s) is no empty share: nothing is missed, and a new start is asked for', async (_name, spoil) => {
  spoil(join(root, 'alice/.tmgen.json'))
  const { look: seen, restart } = await look()
  expect(restart).toBe(true)
  expect(seen.shares[0]?.share).toEqual({
    outcome: 'unreadable',
    cause: '/srv/tm/alice has no marker of this workspace: is its disk mounted, and was docker compose up -d run?',
  })
  expect(seen.shares[1]?.share.outcome).toBe('seen')
})

test('four FIFOs, and folders that are exchanged for links while it looks, hold up nobody and tell nothing of others', async () => {
  const [hers, his] = [join(root, 'alice/macbook'), join(root, 'bob/macbook')]
  writeBundle(hers, 'Hers.sparsebundle', { completed: [new Date()] })
  const trap = join(his, 'Trap.sparsebundle')
  mkdirSync(trap)
  for (const name of ['Info.plist', 'token', 'bands', 'com.apple.TimeMachine.SnapshotHistory.plist'])
    fifo(join(trap, name))
  const turned = writeBundle(his, 'Turned.sparsebundle')
  let isOver = false
  const turning = (async () => {
    while (!isOver) {
      renameSync(turned, `${turned}.aside`)
      symlinkSync(join(hers, 'Hers.sparsebundle'), turned)
      await new Promise(setImmediate)
      rmSync(turned)
      renameSync(`${turned}.aside`, turned)
      await new Promise(setImmediate)
    }
  })()
  const looks = [await look(), await look(), await look()]
  isOver = true
  await turning
  for (const { look: seen } of looks) {
    expect(seen.shares[0]?.share).toMatchObject({ outcome: 'seen', bundles: [{ listed: 1 }] })
    // Hers would be the only one with a history.
    const { share } = seen.shares[1]!
    if (share.outcome === 'seen') for (const bundle of share.bundles) expect(bundle.listed).toBeNull()
  }
})

test('once takes the time it is given, and nothing that is none', () => {
  expect(onceAt([])).toBeUndefined()
  expect(onceAt(['once'], () => 7)).toBe(7)
  expect(onceAt(['once', '--at', '2026-01-31T12:00:00Z'])).toBe(Date.UTC(2026, 0, 31, 12))
  for (const args of [['--at'], ['--at', 'soon'], ['now']]) expect(() => onceAt(['once', ...args])).toThrow(/usage/)
})
