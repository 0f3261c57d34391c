import { beforeEach, describe, expect, test } from 'vitest'
import { observeLimits, overcommitted } from '../../../src/limits/index.ts'
import type { DeployedUser, Deployment } from '../../../src/resolve/types.ts'
import type { Mount, RunResult } from '../../../src/world.ts'
import { MemoryDisk, memoryWorld } from '../../support/world.ts'

const GiB = 1024 ** 3
const person = (name: string, quota: number) =>
  ({
    id: `u-${name}`,
    name,
    storage: `/srv/tm/${name}`,
    enabled: true,
    macs: [{ name: 'mac', quotaBytes: quota }],
  }) as unknown as DeployedUser
const root: Mount = { device: '8:1', root: '/', path: '/', type: 'ext4', source: '/dev/sda1', options: ['rw'] }
const ext4 = 0xef53
let disk: MemoryDisk
let mounts: Mount[]
let tools: (name: string, args: string[]) => RunResult | undefined

beforeEach(() => {
  disk = new MemoryDisk()
  disk.space = { type: ext4, total: 100 * GiB, free: 50 * GiB, device: 1 }
  for (const name of ['alice', 'bob']) disk.mkdirs(`/srv/tm/${name}/mac`)
  mounts = [root]
  tools = () => undefined
})

const deployment = (users: DeployedUser[]) => ({ host: 'local', users }) as unknown as Deployment
const look = async (users = [person('alice', 10 * GiB), person('bob', 10 * GiB)]) => {
  const world = memoryWorld(disk, { host: { mounts }, tools: (name, args) => tools(name, args) })
  return { users, seen: await observeLimits(world, deployment(users)) }
}
const limits = async () => [...(await look()).seen.values()].map((one) => one.limit)
const none = { state: 'advisory', why: 'no limit is set' }

describe('what keeps a storage small', () => {
  test('nothing, on a disk that all share', async () => {
    expect(await limits()).toEqual([none, none])
  })

  test('a filesystem of its own', async () => {
    disk.spaces.set('/srv/tm/alice', { type: ext4, total: 11 * GiB, free: GiB, device: 2 })
    mounts.push({ ...root, device: '7:0', path: '/srv/tm/alice', source: '/dev/loop0' })
    expect(await limits()).toEqual([{ state: 'enforced', by: 'filesystem', bytes: 11 * GiB }, none])
  })

  test('not a mount of a part of the disk, nor of a disk that is mounted elsewhere too', async () => {
    mounts.push({ ...root, root: '/srv/other', path: '/srv/tm/alice' })
    expect((await limits())[0]).toEqual(none)
    mounts = [root, { ...root, device: '8:2', path: '/srv/tm/alice' }, { ...root, device: '8:2', path: '/mnt' }]
    expect((await limits())[0]).toEqual(none)
  })

  test('a project quota, which statfs tells as a smaller disk: of every share', async () => {
    const limited = { ...disk.space, total: 11 * GiB }
    disk.spaces.set('/srv/tm/alice', limited)
    expect(await limits()).toEqual([{ state: 'enforced', by: 'project', bytes: 11 * GiB }, none])
    disk.spaces.set('/srv/tm/alice/mac', disk.space)
    expect((await limits())[0]).toEqual({ state: 'advisory', why: 'the share mac lies outside of the limit' })
  })

  test('a Btrfs subvolume with a limit that btrfs tells; a folder of another has none', async () => {
    mounts = [{ ...root, type: 'btrfs' }]
    disk.spaces.set('/srv/tm/alice', { ...disk.space, device: 9 })
    tools = (name, args) =>
      name !== 'btrfs'
        ? undefined
        : {
            exitCode: 0,
            stderr: '',
            stdout: `qgroupid rfer excl max_rfer\n0/256 1 1 ${args.at(-1) === '/srv/tm/alice' ? 5 * GiB : 'none'}\n`,
          }
    expect(await limits()).toEqual([
      { state: 'enforced', by: 'qgroup', bytes: 5 * GiB },
      { state: 'advisory', why: 'it is no Btrfs subvolume of its own' },
    ])
  })

  test('a ZFS dataset with a refquota, asked by the name that the kernel tells', async () => {
    mounts.push({ device: '0:50', root: '/', path: '/srv/tm/alice', type: 'zfs', source: 'tank/alice', options: [] })
    const asked: string[][] = []
    tools = (_name, args) => {
      if (args.length > 0) asked.push(args)
      return { exitCode: 0, stdout: `${7 * GiB}\n`, stderr: '' }
    }
    expect((await limits())[0]).toEqual({ state: 'enforced', by: 'refquota', bytes: 7 * GiB })
    expect(asked).toEqual([['get', '-Hp', '-o', 'value', 'refquota', 'tank/alice']])
  })
})

describe('room', () => {
  const full = async (alice: number, bob: number) => {
    const { users, seen } = await look([person('alice', alice * GiB), person('bob', bob * GiB)])
    return overcommitted(users, seen).map(({ path, total, quotas }) => [path, total / GiB, quotas / GiB])
  }

  test('all quotas of a disk count together, less a reserve of 5 %', async () => {
    expect(await full(50, 45)).toEqual([])
    expect(await full(50, 46)).toEqual([['/', 100, 96]])
  })

  test('who has a filesystem counts there; the image is gone from the disk that holds it', async () => {
    disk.spaces.set('/srv/tm/alice', { type: ext4, total: 60 * GiB, free: GiB, device: 2 })
    mounts.push({ ...root, device: '7:0', path: '/srv/tm/alice', source: '/dev/loop0' })
    expect(await full(50, 90)).toEqual([])
    disk.put('/srv/tm/.tmgen-images/u-alice.img', '')
    disk.sizes.set('/srv/tm/.tmgen-images/u-alice.img', 62 * GiB)
    expect(await full(50, 90)).toEqual([['/', 38, 90]])
    expect(await full(58, 20)).toEqual([['/srv/tm/alice', 60, 58]])
  })

  test('subvolumes of one Btrfs are one disk', async () => {
    mounts = [{ ...root, type: 'btrfs' }]
    disk.spaces.set('/srv/tm/alice', { ...disk.space, device: 9 })
    expect(await full(50, 50)).toEqual([['/', 100, 100]])
  })
})
