/** How a limit is kept: by a filesystem of the user's own (an image, a disk), or by what the filesystem can count. */
export type LimitKind = 'filesystem' | 'project' | 'qgroup' | 'refquota'

/** `enforced`: a limit that was read back; `bytes`: all that fits. */
export type Limit = { state: 'enforced'; by: LimitKind; bytes: number } | { state: 'advisory'; why: string }

/** What lies below a user's storage, and what keeps it from growing. */
export interface SeenStorage {
  /** Real path of the storage. */
  path: string
  /** Kind of filesystem, as the kernel names it; `unknown` where neither the kernel's table nor statfs tells. */
  filesystem: string
  /** What the path lies on: the mount point, what was mounted, the options of the whole. */
  mount: { path: string; source: string; options: readonly string[] }
  /** Identity of the filesystem. */
  device: string
  /** Bytes of the whole filesystem, and free for those who are not root. */
  total: number
  free: number
  /** Bytes of it that image files of users take. */
  images: number
  limit: Limit
}

/** More of a user's storage, for one whose limit is to be set. */
export interface SeenFolder {
  owner: { uid: number; gid: number; mode: number }
  /** Entries besides the marker and lost+found: share folders, and whether there is anything in them. */
  shares: string[]
  isEmpty: boolean
  /** Bytes of the image file, where there is one already. */
  image: number | undefined
  /** Loop device that the storage is mounted from. */
  loop: string | undefined
  /** Programs that are missing here, of those that may be needed. */
  missing: ReadonlySet<string>
}
