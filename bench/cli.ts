import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { onCleanup, packagedTmgen } from '../test/lab/support/index.ts'
import { median, spread, table } from './table.ts'

/** Milliseconds that one run of node takes with these arguments; throws when it fails. */
function time(args: readonly string[], cwd?: string): number {
  const started = performance.now()
  const result = spawnSync(process.execPath, args, { encoding: 'utf8', ...(cwd && { cwd }) })
  const took = performance.now() - started
  if (result.status !== 0) throw new Error(`node ${args.join(' ')} failed:\n${result.stderr.slice(0, 2000)}`)
  return took
}

/** Start-up in turn with bare node, so that both see the same machine. */
function startup(tmgen: string, rounds = 15): { bare: number; help: number } {
  const bare: number[] = []
  const help: number[] = []
  for (let round = 0; round < rounds; round++) {
    bare.push(time(['-e', '0']))
    help.push(time([tmgen, '--help']))
  }
  return { bare: median(bare), help: median(help) }
}

/**
 * Milliseconds of `generate` for `count` users in one /22: of the runs that write everything, and with nothing to do.
 * The folders stay until cleanup: ext4 makes files slowly for minutes after many were deleted.
 */
export async function generateTimes(count: number, rounds: number): Promise<{ first: number[]; again: number[] }> {
  const tmgen = await packagedTmgen()
  const dir = mkdtempSync(join(tmpdir(), 'tmgen-bench-'))
  onCleanup(`folder ${dir}`, async () => rmSync(dir, { recursive: true, force: true }))
  const first: number[] = []
  const again: number[] = []
  for (let round = 0; round < rounds; round++) {
    const workspace = join(dir, `ws-${count}-${round}`)
    const plan = ['--provider', 'manual', '--storage', dir, '--subnet', '10.99.0.0/22', '--host', 'remote']
    time([tmgen, 'init', workspace, ...plan, '--yes'])
    writeFileSync(join(workspace, 'tmgen.yaml'), config(dir, count))
    first.push(time([tmgen, 'generate'], workspace))
    again.push(time([tmgen, 'generate'], workspace))
  }
  return { first, again }
}

function config(root: string, count: number): string {
  const users = Array.from(
    { length: count },
    (_, i) => `  - name: u${i}\n    logins: [u${i}@example.com]\n    macs: [{ name: mac }]\n`,
  )
  return `version: 1
workspace: bench
host: remote
control: { provider: manual }
storage: { root: ${root} }
network: { subnet: 10.99.0.0/22 }
users:
${users.join('')}`
}

/** The command itself: start-up beside bare node, and `generate` for many users in one /22. */
export async function cliTable(): Promise<string> {
  const tmgen = await packagedTmgen()
  const { bare, help } = startup(tmgen)
  const more = `+ ${(help - bare).toFixed(0)} over \`node -e 0\` (${bare.toFixed(0)})`
  const rows = [['`tmgen --help`', help.toFixed(0), more, '+ 100']]
  const { first, again } = await generateTimes(1000, 5)
  rows.push(['`generate`, 1000 users', spread(first), `nothing to do: ${spread(again)}`, '1000 both'])
  return table(['Command', 'ms: median (min-max)', 'ms', 'goal: less than'], rows)
}
