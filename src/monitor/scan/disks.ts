import { closeSync, constants, fstatSync, openSync, readFileSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { mountOf } from '../../converge/overlap.ts'
import { parseMountInfo } from '../../converge/proc.ts'
import { wholeDisks } from '../../limits/disks.ts'
import type { HostLook } from '../observation/index.ts'
import type { Settings } from '../settings.ts'

/** What the kernel says of mounts and of the filesystem that a file lies on. */
export interface DiskWorld {
  /** /proc/self/mountinfo. */
  mounts(): string
  /** Bytes, and st_dev; `undefined`: no regular file is there. A link is not followed. */
  space(file: string): { device: number; total: number; free: number } | undefined
}

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants

export const diskWorld: DiskWorld = {
  mounts: () => readFileSync('/proc/self/mountinfo', 'utf8'),
  space(file) {
    let fd: number | undefined
    try {
      fd = openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
      const entry = fstatSync(fd)
      if (!entry.isFile()) return undefined
      const { blocks, bavail, bsize } = statfsSync(`/proc/self/fd/${fd}`)
      return { device: entry.dev, total: blocks * bsize, free: bavail * bsize }
    } catch (error) {
      // Not there: its share tells.
      if ((error as NodeJS.ErrnoException).code === undefined) throw error
      return undefined
    } finally {
      if (fd !== undefined) closeSync(fd)
    }
  },
}

/**
 * The filesystems that hold the storage, each once. They are measured at the markers, which are regular files that no
 * client can write: at the folder itself a project quota would be told as the size of the disk.
 * @param shares folder that has everybody's storage under their name
 */
export function disksOf(
  users: Settings['users'],
  shares: string,
  marker: string,
  world: DiskWorld = diskWorld,
): HostLook['disks'] {
  const mounts = parseMountInfo(world.mounts())
  const measured = users.flatMap(({ name, storage, quotas }) => {
    const space = world.space(join(shares, name, marker))
    if (space === undefined) return []
    const promised = Object.values(quotas).reduce((sum, bytes) => sum + bytes, 0)
    return { name, path: storage, mount: mountOf(join(shares, name), mounts), quotas: promised, ...space }
  })
  return wholeDisks(measured).map(({ path, names, total, free }) => ({ path, users: names, total, free }))
}
