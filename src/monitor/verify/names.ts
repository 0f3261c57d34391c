import { createHash } from 'node:crypto'

/** How the files of one share begin: ids never change, names of Macs have no dot. */
export const ledgerKey = (userId: string, mac: string) => `${userId}.${mac}.`

/** The file of one bundle, whose name is the Mac's: told by a hash. */
export const ledgerName = (key: string, bundle: string) =>
  `${key}${createHash('sha256').update(bundle).digest('hex').slice(0, 16)}`
