import { expect, test } from 'vitest'
import { type Measured, wholeDisks } from '../../../src/limits/disks.ts'
import { imageSize, limitFor } from '../../../src/limits/size.ts'

const GiB = 2 ** 30
const ext4 = { device: '8:1', type: 'ext4', source: '/dev/sda1' }
const one = (name: string, other: Partial<Measured> = {}): Measured => ({
  ...{ name, path: `/srv/tm/${name}`, mount: ext4, device: 1, quotas: 100 * GiB, total: 1000 * GiB, free: 10 * GiB },
  ...other,
})
const dataset = (name: string, device: number, used: number, free: number): Measured =>
  one(name, {
    mount: { device: `0:${device}`, type: 'zfs', source: `tank/tm/${name}` },
    ...{ device, total: (used + free) * GiB, free: free * GiB },
  })
const told = (all: Measured[]) =>
  wholeDisks(all).map(({ names, total, free }) => [names.join(), total / GiB, free / GiB])

test('subvolumes of one Btrfs, each with a st_dev of its own, are one disk', () => {
  const mount = { device: '0:45', type: 'btrfs', source: '/dev/sdb' }
  const all = Array.from({ length: 200 }, (_, index) => one(`u${index}`, { mount, device: 100 + index }))
  expect(wholeDisks(all)).toEqual([
    { path: '/srv/tm/u0', names: all.map(({ name }) => name), total: 1000 * GiB, free: 10 * GiB },
  ])
})

test('where no mount is known the st_dev tells disks apart', () => {
  const [alice, bob, carol] = [one('alice'), one('bob'), one('carol', { device: 2 })].map((one) => ({
    ...one,
    mount: undefined,
  }))
  expect(told([alice!, bob!, carol!])).toEqual([
    ['alice,bob', 1000, 10],
    ['carol', 1000, 10],
  ])
})

test('a kernel that tells a project’s limit also at a file: the largest of a disk is the disk', () => {
  expect(told([one('alice', { total: 106 * GiB, free: 0 }), one('bob')])).toEqual([['alice,bob', 1000, 10]])
})

test('an image file that is full by its quotas is no disk; one that is too small for them is', () => {
  const mount = { device: '7:0', type: 'ext4', source: '/dev/loop0' }
  const image = (total: number) => told([one('alice', { mount, total, free: 0 })]).length
  for (const total of [100 * GiB, limitFor(100 * GiB), imageSize(limitFor(100 * GiB))]) expect(image(total)).toBe(0)
  for (const total of [99 * GiB, imageSize(limitFor(100 * GiB)) + 1]) expect(image(total)).toBe(1)
  // A disk of that size, and one loop device for two people, are disks.
  expect(told([one('alice', { total: 105 * GiB })])).toHaveLength(1)
  expect(told([one('alice', { mount, total: 105 * GiB }), one('bob', { mount, total: 105 * GiB })])).toHaveLength(1)
})

test('ZFS: a full refquota is no full pool, whichever was set from the quotas up', () => {
  const limit = limitFor(100 * GiB) / GiB
  expect(told([dataset('alice', 1, 100, 0), dataset('bob', 2, limit, 0)])).toEqual([])
  // Of whom the pool, and not the quota, is the bound tells of the pool.
  expect(told([dataset('alice', 1, 100, 0), dataset('bob', 2, 20, 40)])).toEqual([['alice,bob', 160, 40]])
})

test('ZFS: the datasets of a pool are one disk, and each counts once', () => {
  expect(told([dataset('alice', 1, 50, 3), dataset('bob', 2, 60, 3)])).toEqual([['alice,bob', 113, 3]])
  const folder = (name: string) => ({ ...dataset('all', 1, 300, 3), name })
  expect(told([folder('alice'), folder('bob'), folder('carol')])).toEqual([['alice,bob,carol', 303, 3]])
  const other = { ...dataset('carol', 3, 7, 1), mount: { device: '0:3', type: 'zfs', source: 'tank2' } }
  expect(told([dataset('alice', 1, 50, 3), other])).toEqual([
    ['alice', 53, 3],
    ['carol', 8, 1],
  ])
})
