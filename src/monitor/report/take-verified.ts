import type { History } from '../history/index.ts'
import { most } from '../observation/bounds.ts'
import { bundleKey } from '../rules/advance-bundle.ts'
import { advanceVerified, type Verified, verifiedSchema } from '../rules/index.ts'
import type { Settings } from '../settings.ts'
import { Ledger, unread } from '../verify/ledger.ts'
import { ledgerKey, ledgerName } from '../verify/names.ts'
import type { Handed } from '../verify/part.ts'
import type { Ledgers } from './ledgers.ts'

/** What was taken is remembered by its id: as many as the scanner's files can hold. */
const mostTaken = 8 * 512

/** Takes what the scanner read back and was not taken before. @returns whether a round ended: then it is to be judged */
export function takeVerified(
  history: History,
  ledgers: Ledgers,
  settings: Settings,
  handed: readonly Handed[],
): boolean {
  const taken = (history.remembered('taken') ?? []) as string[]
  const known = new Set(taken)
  const fresh = handed.filter(({ id }) => !known.has(id)).sort((a, b) => a.at - b.at)
  if (fresh.length === 0) return false
  for (const one of fresh) takeOne(history, ledgers, settings, one)
  history.remember('taken', [...taken, ...fresh.map(({ id }) => id)].slice(-mostTaken))
  return fresh.some(({ what }) => what.kind !== 'part')
}

function takeOne(history: History, ledgers: Ledgers, { users }: Settings, handed: Handed): void {
  const { mac, what } = handed
  const user = users.find(({ name, macs }) => name === handed.user && macs.includes(mac))
  // Taken out of tmgen.yaml since.
  if (user === undefined) return
  const subject = `verified:${user.name}/${mac}`
  const after = advanceVerified(recallVerified(history, user.name, mac), handed)
  history.remember(subject, after)
  const key = ledgerKey(user.id, mac)
  if (what.kind === 'part') {
    const name = ledgerName(key, bundleKey(what.part.stand.bundle))
    if (hasRoom(ledgers, key, name)) merge(ledgers, name, what.part)
    return
  }
  if (what.kind === 'failed' && what.reading !== null) stuck(ledgers, key, what.reading)
  if (what.kind === 'done') keepOnly(ledgers, key, after)
  history.record(subject, handed.at, ...rowOf(after))
}

/** Whoever holds a Mac names its bundles: of one share no more ledgers are kept than are ever needed. */
function hasRoom(ledgers: Ledgers, key: string, name: string): boolean {
  const own = ledgers.names().filter((one) => one.startsWith(key))
  return own.includes(name) || own.length < 2 * most.bundles
}

/** What is remembered of reading back one Mac's share. */
export function recallVerified(history: History, user: string, mac: string): Verified | undefined {
  return verifiedSchema.safeParse(history.remembered(`verified:${user}/${mac}`)).data
}

function merge(ledgers: Ledgers, name: string, part: { records: string; gone: string }): void {
  const newer = Ledger.from(Buffer.from(part.records, 'base64'))
  if (newer === undefined) return
  const bytes = Buffer.from(part.gone, 'base64')
  const gone = new Set<number>()
  for (let at = 0; at + 4 <= bytes.length; at += 4) gone.add(bytes.readUInt32BE(at))
  ledgers.write(name, ledgers.read(name).merged(newer, gone))
}

/** Reading did not end at this band: it is taken for one that cannot be read, so that the next round begins with others. */
function stuck(ledgers: Ledgers, key: string, { bundle, band }: { bundle: string; band: string }): void {
  const number = /^[0-9a-f]{1,8}$/.test(band) ? Number.parseInt(band, 16) : undefined
  const name = ledgerName(key, bundleKey(bundle))
  if (number === undefined || !hasRoom(ledgers, key, name)) return
  const ledger = ledgers.read(name)
  const at = ledger.find(number)
  const record = { ...(at === undefined ? unread(number) : ledger.record(at)), day: 'unreadable' } as const
  ledgers.write(name, ledger.merged(Ledger.of([record]), new Set()))
}

/** Bundles that are gone need no ledger; what those that are there have is marked as of now. */
function keepOnly(ledgers: Ledgers, key: string, { bundles }: Verified): void {
  const kept = new Set(bundles.map(({ name }) => ledgerName(key, name)))
  for (const name of ledgers.names()) {
    if (!name.startsWith(key)) continue
    if (kept.has(name)) ledgers.touch(name)
    else ledgers.remove(name)
  }
}

/** A row of the history: what is wrong and how much is covered; and what changes with each round. */
function rowOf({ bundles, failed }: Verified): [body: unknown, latest: unknown] {
  const percent = (covered: number, bands: number) => (bands === 0 ? 100 : Math.floor((100 * covered) / bands))
  return [
    {
      failed: failed?.cause ?? null,
      bundles: bundles.map(({ name, stand: { covered, bands, faults, files } }) => ({
        ...{ name, percent: percent(covered, bands), faults, files },
      })),
    },
    bundles.map(({ stand: { covered, bands, read, readBytes, busy } }) => ({ covered, bands, read, readBytes, busy })),
  ]
}
