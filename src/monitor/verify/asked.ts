import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Settings } from '../settings.ts'
import { keepFor, Outbox } from './outbox.ts'
import { type AskedLine, isOutbox } from './part.ts'
import { type VerifyPlaces, verifyMac } from './rounds.ts'

/** What `tmgen verify` asks for. */
export interface Asked {
  user: string
  /** `undefined`: all of theirs. */
  mac: string | undefined
  /** Of each Mac; null: all there is. */
  bytes: number | null
}

/** Files of the outbox that lie there at a time: the volume has few inodes. */
const mostOutboxes = 8
/** What counts as covered where rounds are off, in ms. */
const within = 90 * 86_400_000

/** `verify USER [--mac MAC] (--bytes N | --all)` of the arguments. @throws RangeError */
export function askedOf(args: readonly string[]): Asked {
  const [user, ...options] = args
  const asked: Asked = { user: user ?? '', mac: undefined, bytes: 0 }
  while (options.length > 0) {
    const option = options.shift()
    if (option === '--all') asked.bytes = null
    else if (option === '--mac') asked.mac = options.shift()
    else if (option === '--bytes') asked.bytes = Number(options.shift())
    else throw new RangeError('usage: verify USER [--mac MAC] (--bytes N | --all)')
  }
  const isAmount = asked.bytes === null || (Number.isSafeInteger(asked.bytes) && asked.bytes > 0)
  if (asked.user === '' || !isAmount) throw new RangeError('usage: verify USER [--mac MAC] (--bytes N | --all)')
  return asked
}

/** Reads back at once what is asked for, in the scanner's container, and hands it on to the reporter as well. */
export async function verifyAsked(
  settings: Settings,
  asked: Asked,
  places: VerifyPlaces & { looks: string },
  say: (line: AskedLine) => void,
  signal?: AbortSignal,
): Promise<void> {
  const user = settings.users.find(({ name }) => name === asked.user)
  if (user === undefined) throw new RangeError(`nobody of the name ${asked.user} is served`)
  const outbox = outboxIn(places.looks)
  for (const mac of user.macs.filter((name) => asked.mac === undefined || name === asked.mac)) {
    if (signal?.aborted) return
    const amount = { bytes: asked.bytes, ms: null, within: settings.verify?.within ?? within }
    const end = await verifyMac(
      settings,
      user,
      mac,
      amount,
      places,
      (what) => {
        outbox.add(user.name, mac, what, Date.now())
        if (what.kind === 'part') say({ mac, stand: what.part.stand })
      },
      signal,
    )
    say({ mac, end })
  }
}

/** A file of its own, beside those of others that ask at the same time; old ones are taken away. */
function outboxIn(looks: string): Outbox {
  const own = `verified-${process.pid}.json`
  const others = readdirSync(looks).filter((name) => isOutbox(name) && name !== 'verified.json' && name !== own)
  const fresh = others.filter((name) => {
    const isOld =
      Math.abs(Date.now() - (statSync(join(looks, name), { throwIfNoEntry: false })?.mtimeMs ?? 0)) > keepFor
    if (isOld) rmSync(join(looks, name), { force: true })
    return !isOld
  })
  if (fresh.length >= mostOutboxes) throw new RangeError('too many ask at a time: try again in ten minutes')
  return new Outbox(join(looks, own))
}
