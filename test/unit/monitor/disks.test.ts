import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type DiskWorld, disksOf, diskWorld } from '../../../src/monitor/scan/disks.ts'
import { person } from './settings.ts'

const GiB = 2 ** 30
const users = [person('alice', 'u1', { quotas: { macbook: 100 * GiB } }), person('bob', 'u2')]
const line = (device: string, root: string, path: string, type: string, source: string) =>
  `500 400 ${device} ${root} ${path} ro,relatime master:7 - ${type} ${source} rw,space_cache=v2`

/** A kernel: of each file st_dev, size and what is free. */
const kernel = (
  mounts: string[],
  spaces: Record<string, [device: number, total: number, free: number]>,
): DiskWorld => ({
  mounts: () => `${mounts.join('\n')}\n`,
  space: (file) => {
    const [device, total, free] = spaces[file] ?? []
    return device === undefined ? undefined : { device, total: total!, free: free! }
  },
})
const look = (world: DiskWorld) => disksOf(users, '/srv/tmgen', '.tmgen.json', world)

test('two st_dev of one device are one disk', () => {
  const world = kernel(
    [
      line('0:21', '/', '/', 'overlay', 'overlay'),
      line('0:45', '/alice', '/srv/tmgen/alice', 'btrfs', '/dev/sdb'),
      line('0:45', '/bob', '/srv/tmgen/bob', 'btrfs', '/dev/sdb'),
    ],
    { '/srv/tmgen/alice/.tmgen.json': [60, 1000, 40], '/srv/tmgen/bob/.tmgen.json': [61, 1000, 40] },
  )
  expect(look(world)).toEqual([{ path: '/srv/tm/alice', users: ['alice', 'bob'], total: 1000, free: 40 }])
})

test('what is measured is the marker, not the folder: its project’s quota would be told', () => {
  const world = kernel([line('8:1', '/tm/alice', '/srv/tmgen/alice', 'ext4', '/dev/sda1')], {
    '/srv/tmgen/alice': [1, 106 * GiB, 0],
    '/srv/tmgen/alice/.tmgen.json': [1, 1000 * GiB, 900 * GiB],
  })
  expect(look(world)).toEqual([{ path: '/srv/tm/alice', users: ['alice'], total: 1000 * GiB, free: 900 * GiB }])
})

test('a refquota that is full is not told as the disk', () => {
  const world = kernel([line('0:50', '/', '/srv/tmgen/alice', 'zfs', 'tank/tm/alice')], {
    '/srv/tmgen/alice/.tmgen.json': [50, 106 * GiB, 0],
  })
  expect(look(world)).toEqual([])
})

test('blanks and line breaks in the table of mounts are what they are, and lines that are none are passed over', () => {
  const world = kernel(
    [
      'no line',
      line('0:66', '/x', '/srv/tmgen/alice\\040-\\040zfs\\012/srv/tmgen/alice', 'ext4', '/dev/x'),
      line('0:50', '/', '/srv/tmgen/alice', 'zfs', 'my\\040pool/alice'),
      line('0:51', '/', '/srv/tmgen/bob', 'zfs', 'my\\040pool/bob'),
      '- - - - - - - - -',
    ],
    { '/srv/tmgen/alice/.tmgen.json': [50, 60 * GiB, GiB], '/srv/tmgen/bob/.tmgen.json': [51, 40 * GiB, GiB] },
  )
  expect(look(world)).toEqual([{ path: '/srv/tm/alice', users: ['alice', 'bob'], total: 99 * GiB, free: GiB }])
})

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tmgen-disks-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

test('of this machine: a marker that is a link, a FIFO, or not there tells nothing', () => {
  writeFileSync(join(root, 'file'), '')
  symlinkSync('file', join(root, 'link'))
  execFileSync('mkfifo', [join(root, 'fifo')])
  expect(diskWorld.space(join(root, 'file'))).toMatchObject({ total: expect.any(Number), device: expect.any(Number) })
  for (const name of ['link', 'fifo', 'nothing', '.']) expect(diskWorld.space(join(root, name)), name).toBeUndefined()
  for (const { name } of users) mkdirSync(join(root, name))
  writeFileSync(join(root, 'alice/.tmgen.json'), '')
  expect(disksOf(users, root, '.tmgen.json')).toMatchObject([{ users: ['alice'] }])
})
