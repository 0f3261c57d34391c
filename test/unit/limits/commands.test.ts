import { describe, expect, test } from 'vitest'
import { fstabLine, limitCommands, limitFor } from '../../../src/limits/index.ts'
import { imageSize } from '../../../src/limits/size.ts'
import type { SeenFolder, SeenStorage } from '../../../src/limits/types.ts'
import type { DeployedUser } from '../../../src/resolve/types.ts'

const GiB = 1024 ** 3
const user = { id: 'u1', name: 'alice', uid: 20001, storage: '/srv/tm/alice', macs: [] } as unknown as DeployedUser
const advisory = (why = 'no limit is set') => ({ state: 'advisory', why }) as const
const storage = (more: Partial<SeenStorage> = {}): SeenStorage => ({
  path: '/srv/tm/alice',
  filesystem: 'ext4',
  mount: { path: '/srv', source: '/dev/sda1', options: ['rw'] },
  device: '8:1',
  total: 100 * GiB,
  free: 50 * GiB,
  images: 0,
  limit: advisory(),
  ...more,
})
const plain: SeenFolder = {
  owner: { uid: 1000, gid: 1000, mode: 0o711 },
  shares: ['macbook'],
  isEmpty: true,
  image: undefined,
  loop: undefined,
  missing: new Set(),
}
const commands = (seen: SeenStorage, folder: Partial<SeenFolder> = {}, by: 'filesystem' | 'image' = 'filesystem') =>
  limitCommands({ user, seen, folder: { ...plain, ...folder }, wanted: GiB, by }).map((one) => one.join(' '))

describe('the commands of a limit', () => {
  const project = { path: '/srv', source: '/dev/sda1', options: ['rw', 'prjquota'] }
  test.each<[string, SeenStorage, string[]]>([
    [
      'ext4 with project quotas: folders first, the UID is the project',
      storage({ mount: project }),
      [
        'find /srv/tm/alice -xdev -type d -exec chattr -p 20001 +P {} +',
        'find /srv/tm/alice -xdev -type f -exec chattr -p 20001 {} +',
        'setquota -P 20001 0 1048576 0 0 /srv',
      ],
    ],
    [
      'XFS with project quotas',
      storage({ filesystem: 'xfs', mount: project }),
      [
        'xfs_quota -x -c project -s -p /srv/tm/alice 20001 /srv',
        'xfs_quota -x -c limit -p bhard=1073741824 20001 /srv',
      ],
    ],
    [
      'a Btrfs subvolume, quotas off',
      storage({ filesystem: 'btrfs', limit: advisory('quota groups are not switched on') }),
      [
        'btrfs quota enable /srv/tm/alice',
        'btrfs quota rescan -w /srv/tm/alice',
        'btrfs qgroup limit 1073741824 /srv/tm/alice',
      ],
    ],
    [
      'a ZFS dataset whose quota changed',
      storage({
        filesystem: 'zfs',
        mount: { path: '/srv/tm/alice', source: 'tank/alice', options: [] },
        limit: { state: 'enforced', by: 'refquota', bytes: 2 * GiB },
      }),
      ['zfs set refquota=1073741824 tank/alice'],
    ],
    ['a limit that is right', storage({ limit: { state: 'enforced', by: 'qgroup', bytes: GiB } }), []],
    [
      'a disk of its own that is larger',
      storage({ limit: { state: 'enforced', by: 'filesystem', bytes: 9 * GiB } }),
      [],
    ],
  ])('%s', (_name, seen, expected) => expect(commands(seen)).toEqual(expected))

  test('an image: whole before it counts, the marker beneath goes before the mount', () => {
    const made = commands(storage(), {}, 'image')
    expect(made.map((line) => line.replace(/ \d{9,}/, ' SIZE'))).toEqual([
      'mkdir -p -m 0700 /srv/tm/.tmgen-images',
      'rm -f /srv/tm/.tmgen-images/u1.img.new',
      'fallocate -l SIZE /srv/tm/.tmgen-images/u1.img.new',
      'chmod 0600 /srv/tm/.tmgen-images/u1.img.new',
      'mkfs.ext4 -q -F -b 4096 -m 0 -T largefile -E nodiscard -J size=8 -L tmgen-u1 -d /srv/tm/alice /srv/tm/.tmgen-images/u1.img.new',
      'sync /srv/tm/.tmgen-images/u1.img.new',
      'mv -n /srv/tm/.tmgen-images/u1.img.new /srv/tm/.tmgen-images/u1.img',
      'rm -f /srv/tm/alice/.tmgen.json',
      'rmdir /srv/tm/alice/macbook',
      'mount -t ext4 -o loop,nosuid,nodev,noexec /srv/tm/.tmgen-images/u1.img /srv/tm/alice',
      'chown 1000:1000 /srv/tm/alice',
      'chmod 0711 /srv/tm/alice',
    ])
    const again = commands(storage(), { image: 5, shares: [] }, 'image')
    expect(again[0]).toBe('rm -f /srv/tm/alice/.tmgen.json')
    expect(again).toHaveLength(4)
  })

  test('an image grows in place; another’s disk does not', () => {
    const small = storage({ limit: { state: 'enforced', by: 'filesystem', bytes: GiB / 2 } })
    expect(commands(small, { image: 5, loop: '/dev/loop3' }).map((line) => line.split(' ')[0])).toEqual([
      'umount',
      'fallocate',
      'e2fsck',
      'resize2fs',
      'mount',
    ])
    expect(() => commands(small)).toThrow(/smaller than the quotas/)
  })

  test.each<[string, () => unknown, RegExp]>([
    ['no way in place', () => commands(storage()), /cannot limit alice as it is/],
    ['backups under an image', () => commands(storage(), { isEmpty: false }, 'image'), /holds backups/],
    ['an image larger than the disk', () => commands(storage({ free: GiB }), {}, 'image'), /does not fit/],
    [
      'a program that is missing',
      () => commands(storage(), { missing: new Set(['mkfs.ext4']) }, 'image'),
      /mkfs.ext4 is not installed/,
    ],
    [
      'a path that xfs_quota would split',
      () => commands(storage({ filesystem: 'xfs', path: '/srv/my disk', mount: project })),
      /cannot be told/,
    ],
    [
      'a folder of a Btrfs',
      () => commands(storage({ filesystem: 'btrfs', limit: advisory('it is no Btrfs subvolume of its own') })),
      /subvolume/,
    ],
  ])('refused: %s', (_name, run, expected) => expect(run).toThrow(expected))
})

test('the limit leaves 5 % above the quotas, and an image holds it', () => {
  for (const quota of [64 * 1024 ** 2, GiB, 1024 * GiB]) {
    const limit = limitFor(quota)
    expect(limit).toBeGreaterThanOrEqual(Math.max(quota / 0.95, quota + 64 * 1024 ** 2))
    expect(limit).toBeLessThan(Math.max(quota * 1.06, quota + 66 * 1024 ** 2))
    expect(imageSize(limit)).toBeGreaterThan(limit * 1.01)
  }
})

test('the line of fstab, with blanks as fstab(5) wants them', () => {
  expect(fstabLine({ ...user, storage: '/srv/my disk/alice' })).toBe(
    '/srv/my\\040disk/.tmgen-images/u1.img /srv/my\\040disk/alice ext4 loop,nosuid,nodev,noexec 0 2',
  )
})
