import type { Mount } from '../world.ts'
import { imageSize, limitFor } from './size.ts'

/** What statfs tells at a regular file: there, and not at a folder with a project quota, it tells of the whole filesystem. */
export interface Measured {
  /** Who has it. */
  name: string
  /** As people know it. */
  path: string
  mount: Pick<Mount, 'device' | 'type' | 'source'> | undefined
  /** st_dev, where no mount is known. */
  device: number
  /** Bytes that are promised to this one; 0: none. */
  quotas: number
  /** Bytes, and free for those who are not root. */
  total: number
  free: number
}

export interface WholeDisk {
  /** Path of the first who lies there. */
  path: string
  names: string[]
  total: number
  free: number
}

/** Subvolumes of one Btrfs have a st_dev each, but one device in the table of mounts; datasets of ZFS share their pool. */
function diskOf({ mount, device }: Measured): string {
  if (mount?.type === 'zfs') return `zfs ${mount.source?.split('/', 1)[0]}`
  return mount?.device ?? String(device)
}

/** ZFS tells totals in its blocks of 16 MiB at most, rounded down. */
const blocks = 16 * 1024 ** 2

/**
 * Whether what is told is one person's limit and not the disk: Time Machine fills it by design. It can be a refquota, or the
 * filesystem of an image file; it is where it is as large as the quotas at least, and as an image for them at most.
 */
function isLimit({ mount, device, quotas, total }: Measured, here: readonly Measured[]): boolean {
  const isZfs = mount?.type === 'zfs'
  const beside = here.filter((other) => !isZfs || other.device === device)
  const canBe = beside.length === 1 && (isZfs || /^\/dev\/loop\d+$/.test(mount?.source ?? ''))
  return canBe && quotas > 0 && total >= quotas - blocks && total <= imageSize(limitFor(quotas))
}

/** The disks, each once; one of which nothing but limits is told is left out: it is not known. Pure. */
export function wholeDisks(all: readonly Measured[]): WholeDisk[] {
  const disks = new Map<string, Measured[]>()
  for (const one of all) disks.set(diskOf(one), [...(disks.get(diskOf(one)) ?? []), one])
  return [...disks.values()].flatMap((here) => {
    const told = here.filter((one) => !isLimit(one, here))
    const [largest] = told.sort((a, b) => b.total - a.total)
    const [first] = here
    if (largest === undefined || first === undefined) return []
    const who = { path: first.path, names: here.map(({ name }) => name) }
    if (first.mount?.type !== 'zfs') return { ...who, total: largest.total, free: largest.free }
    // A dataset tells what it holds itself and what its pool has left: of the pool that is all that is seen.
    const free = Math.max(...told.map((one) => one.free))
    const datasets = [...new Map(here.map((one) => [one.device, one])).values()]
    const used = datasets.reduce((sum, one) => sum + (one.total - one.free), 0)
    return { ...who, total: used + free, free }
  })
}
