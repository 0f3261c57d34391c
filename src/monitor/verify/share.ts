import { bundleNames } from '../../backups/index.ts'
import { openForeign } from '../../converge/node-foreign.ts'
import { TmgenError } from '../../errors.ts'
import { printable } from '../../ui/printable.ts'
import { bundleKey } from '../rules/advance-bundle.ts'
import { checkBundle, type Round } from './bundle.ts'
import { dayOf, fromFile, Ledger, maxLedgerBytes } from './ledger.ts'
import { ledgerName } from './names.ts'

/** What the reader of one share is told on stdin, as JSON. It comes from the scanner itself and is trusted. */
export interface VerifyRequest {
  /** The user's storage folder, absolute, and in it the share's. */
  storage: string
  mac: string
  /** Folder of what is remembered of bands, and how the files of this share begin. */
  ledgers: string
  key: string
  /** Bytes and ms; null: as much as there is. */
  bytes: number | null
  ms: number | null
  /** Days: a band that was read in them counts as covered. */
  within: number
}

/** Reads back bundles of one share. Faults of the disk are told; any other is a bug, and ends the reader. */
export async function verifyShare(
  request: VerifyRequest,
  { clock, pause, say }: Pick<Round, 'clock' | 'pause' | 'say'>,
): Promise<void> {
  const { storage, mac, ledgers, key } = request
  const until = request.ms === null ? Number.POSITIVE_INFINITY : clock() + request.ms
  let bytes = request.bytes ?? Number.POSITIVE_INFINITY
  const day = dayOf(clock())
  try {
    const done = await openForeign(storage, (folder) =>
      folder.folder(mac, async (share) => {
        const { names, partial } = await bundleNames(share)
        for (const [index, name] of names.entries()) {
          const left = names.length - index
          const mine = { bytes: bytes / left, until: clock() + (until - clock()) / left }
          const ledger = await ledgerAt(ledgers, ledgerName(key, bundleKey(name)))
          const round = { ...mine, day, since: day - request.within, clock, pause, say }
          await share.folder(name, async (bundle) => {
            bytes -= await checkBundle(bundle, name, ledger, round)
          })
        }
        return { done: names, ...(partial && { partial: true as const }) }
      }),
    )
    say(done ?? { done: [] })
  } catch (error) {
    if (!(error instanceof TmgenError)) throw error
    say({ fault: printable(error.message).slice(0, 400) })
  }
}

async function ledgerAt(folder: string, name: string): Promise<Ledger> {
  const bytes = await openForeign(folder, (inner) => inner.read(name, maxLedgerBytes))
  return (bytes && fromFile(bytes)) ?? Ledger.of([])
}
