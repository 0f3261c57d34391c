import { join } from 'node:path'
import { openForeign } from '../../converge/node-foreign.ts'
import { isMarked } from '../scan/look.ts'
import type { Settings } from '../settings.ts'
import { ledgerKey } from './names.ts'
import type { Outbox } from './outbox.ts'
import type { Handed, Part } from './part.ts'
import { readBack, type VerifyEnd, type VerifyLimits } from './run.ts'

type User = Settings['users'][number]

/** Where things are, and how a reader is started. */
export interface VerifyPlaces {
  shares: string
  /** Folder of the ledgers. */
  bands: string
  limits: VerifyLimits
}

/** What is read back of one Mac. */
export interface Amount {
  /** Bytes and ms; null: as much as there is. */
  bytes: number | null
  ms: number | null
  /** ms: what was read in this time counts as covered. */
  within: number
}

/** Files of the ledgers that are looked through: 1,000 people with two Macs. */
const mostLedgers = 16_384

/** Reads back one Mac's share and hands on what it finds. */
export async function verifyMac(
  { workspace }: Settings,
  user: User,
  mac: string,
  amount: Amount,
  places: VerifyPlaces,
  take: (what: Handed['what']) => void,
  signal?: AbortSignal,
): Promise<VerifyEnd> {
  const storage = join(places.shares, user.name)
  const end = await run()
  // Who asked went away: that is no fault of the backup.
  if (!signal?.aborted) take(end.outcome === 'done' ? doneOf(end) : { kind: 'failed', ...failureOf(end) })
  return end

  async function run(): Promise<VerifyEnd> {
    if (!(await isMarked(storage, workspace.id, user.id)))
      return { outcome: 'failed', cause: `${user.storage} has no marker of this workspace`, reading: null }
    const request = {
      ...{ storage, mac, ledgers: places.bands, key: ledgerKey(user.id, mac) },
      ...{ bytes: amount.bytes, ms: amount.ms, within: Math.ceil(amount.within / 86_400_000) },
    }
    const part = (one: Part) => take({ kind: 'part', part: one })
    const ended = await readBack(request, places.limits, part, signal)
    // Causes name the path that people know.
    return ended.outcome === 'done'
      ? ended
      : { ...ended, cause: ended.cause.replaceAll(storage, user.storage).slice(0, 400) }
  }
}

const doneOf = ({ bundles, partial }: Extract<VerifyEnd, { outcome: 'done' }>) =>
  ({ kind: 'done', bundles, ...(partial && { partial }) }) as const
const failureOf = ({ cause, reading }: Extract<VerifyEnd, { outcome: 'failed' }>) => ({ cause, reading })

/** Macs whose turn it is: by when the reporter last took something of theirs, or they were last tried. */
export class Rounds {
  readonly #places: VerifyPlaces
  readonly #outbox: Pick<Outbox, 'add'>
  /** ms since 1970. */
  readonly #tried = new Map<string, number>()

  constructor(places: VerifyPlaces, outbox: Pick<Outbox, 'add'>) {
    this.#places = places
    this.#outbox = outbox
  }

  /** Reads back all whose turn it is, one Mac after the other: a disk has one head. */
  async once(settings: Settings, clock: () => number): Promise<void> {
    const { verify } = settings
    if (verify === null) return
    const taken = await this.#taken()
    for (const user of settings.users)
      for (const mac of user.macs) {
        const key = ledgerKey(user.id, mac)
        const last = Math.max(taken.get(key) ?? 0, this.#tried.get(key) ?? 0)
        const now = clock()
        // Later than now: the clock went back.
        if (last <= now && now - last < verify.every) continue
        this.#tried.set(key, now)
        await verifyMac(settings, user, mac, verify, this.#places, (what) =>
          this.#outbox.add(user.name, mac, what, clock()),
        )
      }
  }

  async #taken(): Promise<Map<string, number>> {
    const taken = new Map<string, number>()
    await openForeign(this.#places.bands, async (folder) => {
      const { names } = await folder.names(mostLedgers)
      for (const name of names) {
        const at = (await folder.stat(name))?.modified.getTime()
        const key = name.slice(0, name.lastIndexOf('.') + 1)
        if (at !== undefined) taken.set(key, Math.max(taken.get(key) ?? 0, at))
      }
    })
    return taken
  }
}
