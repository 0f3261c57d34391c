// The `monitor-scanner` service: looks at all shares again and again and writes what it saw into a file that the reporter reads.
// It has the shares, read-only, and no network. Beside that it reads back, bit by bit, what lies in them. `once [--at TIME]`
// looks once, as if it were then; `verify USER ...` reads back at once, and prints a line of JSON at a time.
import { readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { dueFile, lookFile } from '../observation/index.ts'
import { onceAt } from '../once.ts'
import { runService } from '../service.ts'
import { parseSettings, places, type Settings } from '../settings.ts'
import { askedOf, verifyAsked } from '../verify/asked.ts'
import { Outbox } from '../verify/outbox.ts'
import { Rounds } from '../verify/rounds.ts'
import { verifyLimits } from '../verify/run.ts'
import { lookAtAll } from './look.ts'
import { scanLimits } from './run.ts'
import { ShareWatcher } from './watcher.ts'

/** ms that a look may take. */
const slack = 5 * 60_000

const watcher = new ShareWatcher({ ...scanLimits, program: [join(__dirname, 'share.cjs')] })

const verifyPlaces = {
  ...{ shares: places.shares, bands: places.bands, looks: places.looks },
  limits: { ...verifyLimits, program: [join(__dirname, 'verify.cjs')] },
}
/** ms: after its start the host has other things to do, and then it is looked as often whose turn it is. */
const turn = { first: 120_000, every: 60_000 }

const settings = (): Settings => parseSettings(readFileSync(join(places.settings, 'settings.json'), 'utf8'))

async function look(now: number): Promise<{ every: number; restart: boolean }> {
  const current = settings()
  const { look, restart } = await lookAtAll(current, places, watcher, now, Date.now())
  const path = join(places.looks, lookFile)
  writeFileSync(`${path}.new`, JSON.stringify(look))
  renameSync(`${path}.new`, path)
  // Three looks may fail before it counts as one that does not look: by then its time is over.
  const due = (Date.now() + 3 * current.host.every + slack) / 1000
  writeFileSync(join(places.looks, dueFile), '')
  utimesSync(join(places.looks, dueFile), due, due)
  return { every: current.host.every, restart }
}

async function readBack(): Promise<never> {
  const rounds = new Rounds(verifyPlaces, new Outbox(join(places.looks, 'verified.json')))
  await setTimeout(turn.first)
  for (;;) {
    // What goes wrong here is no reason not to look: that nothing is read back any more is told by the reporter.
    await rounds.once(settings(), Date.now).catch((error) => console.error('reading back failed:', error))
    await setTimeout(turn.every)
  }
}

/** Ends early where its output is closed; that of `docker exec` is not when its client goes away. */
async function verify(args: readonly string[]): Promise<void> {
  const end = new AbortController()
  process.stdout.on('error', () => end.abort())
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => end.abort())
  const say = (line: unknown) => void process.stdout.write(`${JSON.stringify(line)}\n`)
  try {
    await verifyAsked(settings(), askedOf(args), verifyPlaces, say, end.signal)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    say({ refused: error.message })
  }
}

async function main(): Promise<void> {
  const args = process.argv.slice(2)
  if (args[0] === 'verify') return verify(args.slice(1))
  const once = onceAt(args)
  if (once !== undefined) {
    await look(once)
    return
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(0))
  void readBack()
  for (;;) {
    const { every, restart } = await look(Date.now())
    await setTimeout(every)
    // Docker starts it again, with what is mounted then.
    if (restart) process.exit(0)
  }
}

runService(main)
