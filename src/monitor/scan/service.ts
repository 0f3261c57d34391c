// The `monitor-scanner` service: looks at all shares again and again and writes what it saw into a file that the reporter reads.
// It has the shares, read-only, and no network. `once [--at TIME]` looks once, as if it were then.
import { readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { dueFile, lookFile } from '../observation/index.ts'
import { onceAt } from '../once.ts'
import { parseSettings, places } from '../settings.ts'
import { lookAtAll } from './look.ts'
import { scanLimits } from './run.ts'
import { ShareWatcher } from './watcher.ts'

/** ms that a look may take. */
const slack = 5 * 60_000

const watcher = new ShareWatcher({ ...scanLimits, program: [join(__dirname, 'share.cjs')] })

async function look(now: number): Promise<{ every: number; restart: boolean }> {
  const settings = parseSettings(readFileSync(join(places.settings, 'settings.json'), 'utf8'))
  const { look, restart } = await lookAtAll(settings, places.shares, watcher, now)
  const path = join(places.looks, lookFile)
  writeFileSync(`${path}.new`, JSON.stringify(look))
  renameSync(`${path}.new`, path)
  // Three looks may fail before it counts as one that does not look: by then its time is over.
  const due = (Date.now() + 3 * settings.host.every + slack) / 1000
  writeFileSync(join(places.looks, dueFile), '')
  utimesSync(join(places.looks, dueFile), due, due)
  return { every: settings.host.every, restart }
}

async function main(): Promise<void> {
  const once = onceAt(process.argv.slice(2))
  if (once !== undefined) {
    await look(once)
    return
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(0))
  for (;;) {
    const { every, restart } = await look(Date.now())
    await setTimeout(every)
    // Docker starts it again, with what is mounted then.
    if (restart) process.exit(0)
  }
}

void main()
