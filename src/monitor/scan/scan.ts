import { readShare } from '../../backups/index.ts'
import { openForeign } from '../../converge/node-foreign.ts'
import { TmgenError } from '../../errors.ts'
import { printable } from '../../ui/printable.ts'
import type { ShareSeen } from '../observation/schema.ts'
import { countedOf, knownOf, seenOf } from '../observation/seen.ts'
import type { ScanRequest } from './request.ts'

/** Looks at one share. Faults of the disk are told as the cause; any other is a bug, and ends the scanner. */
export async function scan({ storage, mac, now, before }: ScanRequest): Promise<ShareSeen> {
  try {
    const look = await openForeign(storage, (folder) =>
      folder.folder(mac, (share) => readShare(share, new Date(now), countedOf(before), knownOf(before))),
    )
    return seenOf(look)
  } catch (error) {
    if (!(error instanceof TmgenError)) throw error
    return { outcome: 'unreadable', cause: printable(error.message).slice(0, 400) }
  }
}
