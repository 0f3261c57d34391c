import type { Kept } from '../monitor/rules/index.ts'

/** Where snapshots of one user's storage can lie, or why there can be none. */
export type Place =
  /** `path`: the subvolume; `folder`: beside it, on the same filesystem, where no share reaches. */
  | { kind: 'btrfs'; path: string; folder: string }
  | { kind: 'zfs'; path: string; dataset: string }
  | { kind: 'none'; why: string }

/** A snapshot; its id is its name: the time at which it was taken, and `-kept` where it stays for good. */
export type Snapshot = Kept

/** A program with its arguments; none of them passes through a shell. */
export type Argv = readonly [name: string, ...args: string[]]
