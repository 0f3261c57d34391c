import type { DeployedUser } from '../resolve/types.ts'

/** Part of a disk, or of a limit, that quotas leave free: Samba counts a bundle's bands alone, and a little late. */
export const reserve = 0.05

const MiB = 1024 ** 2
/** Least reserve of one person's limit, in bytes: some bands of 8 MiB that are on their way. */
const leastReserve = 64 * MiB

/** Bytes that a person's Macs may fill by their quotas. */
export const quotasOf = ({ macs }: Pick<DeployedUser, 'macs'>): number =>
  macs.reduce((sum, mac) => sum + mac.quotaBytes, 0)

/** The limit for a person: the quotas and the reserve, in bytes, whole MiB. */
export const limitFor = (quotas: number): number =>
  Math.ceil(Math.max(quotas / (1 - reserve), quotas + leastReserve) / MiB) * MiB

/** MiB that the journal of an image takes: what is enough, not what mkfs takes for a disk. */
export const journalMiB = (limit: number): number => (limit < 2 * 1024 * MiB ? 8 : 128)

/** Size of an image whose filesystem holds `limit` bytes: the journal, 16 MiB and 1 % for its tables. */
export const imageSize = (limit: number): number => Math.ceil((limit * 1.01) / MiB + journalMiB(limit) + 16) * MiB
