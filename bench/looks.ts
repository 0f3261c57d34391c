import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { type ScanLimits, ShareWatcher, scanLimits, type WatchedShare } from '../src/monitor/scan/index.ts'
import { backUp, writeBands, writeBundle } from '../test/support/bundles.ts'
import { table } from './table.ts'

const limits: ScanLimits = {
  ...scanLimits,
  program: [fileURLToPath(new URL('../dist/scanner.js', import.meta.url))],
}
/** Far enough from the writes that everything counts as at rest. */
const rest = 10 * 60_000

/** One look of the monitor at shares of some sizes: the first, one at rest, and one in which a tenth has changed. */
export async function looksTable(sizes: readonly (readonly [users: number, bands: number])[]): Promise<string> {
  const rows: string[][] = []
  for (const [users, bands] of sizes) {
    const root = mkdtempSync(join(tmpdir(), 'tmgen-looks-'))
    try {
      rows.push(await measure(root, users, bands))
    } finally {
      rmSync(root, { recursive: true, force: true })
    }
  }
  return table(['users', 'bands each', 'first look', 'at rest', 'a tenth changed', 'memory of the watcher'], rows)
}

async function measure(root: string, users: number, bands: number): Promise<string[]> {
  const shares: WatchedShare[] = []
  const bundles: string[] = []
  for (let index = 0; index < users; index++) {
    const storage = join(root, `u${index}`)
    mkdirSync(storage)
    bundles.push(writeBundle(join(storage, 'mac'), 'A.sparsebundle', { bands, completed: [new Date()] }))
    shares.push({ user: `u${index}`, mac: 'mac', storage })
  }
  const watcher = new ShareWatcher(limits)
  let now = Date.now() + rest
  const look = async () => {
    const began = performance.now()
    // Two at a time, as the monitor does it.
    const left = [...shares]
    const one = async () => {
      for (let share = left.shift(); share; share = left.shift()) {
        const seen = await watcher.look(share, now)
        if (seen.outcome !== 'seen') throw new Error(`a share was not seen: ${JSON.stringify(seen)}`)
      }
    }
    await Promise.all([one(), one()])
    now += rest
    return `${((performance.now() - began) / 1000).toFixed(2)} s`
  }
  const first = await look()
  const atRest = await look()
  for (const bundle of bundles.slice(0, Math.ceil(users / 10))) {
    writeBands(bundle, bands, bands + 1)
    backUp(bundle, [new Date()], { from: bands + 1, to: bands + 2 })
  }
  const changed = await look()
  const memory = `${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB`
  return [`${users}`, bands.toLocaleString('en'), first, atRest, changed, memory]
}
