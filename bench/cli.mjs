// Cost of the command itself: start-up against a bare `node -e 0`, and `generate` for many users.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { median } from './stats.mjs'

const tmgen = fileURLToPath(new URL('../dist/tmgen.js', import.meta.url))

/** Milliseconds that one run of a command takes; throws when it fails. */
function time(args, cwd) {
  const started = performance.now()
  const result = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' })
  const took = performance.now() - started
  if (result.status !== 0) throw new Error(`node ${args.join(' ')} failed:\n${result.stderr}`)
  return took
}

/** Start-up in turn with bare node, so that both see the same machine. */
function startup(rounds = 15) {
  const bare = []
  const help = []
  for (let i = 0; i < rounds; i++) {
    bare.push(time(['-e', '0']))
    help.push(time([tmgen, '--help']))
  }
  return { bare: median(bare), help: median(help) }
}

/** A workspace with `count` users in one /22, made through the command itself. */
function generate(count) {
  const dir = mkdtempSync(join(tmpdir(), 'tmgen-bench-'))
  try {
    const workspace = join(dir, 'ws')
    time([
      tmgen,
      'init',
      workspace,
      '--provider',
      'manual',
      '--storage',
      dir,
      '--subnet',
      '10.99.0.0/22',
      '--host',
      'remote',
      '--yes',
    ])
    const users = Array.from(
      { length: count },
      (_, i) => `  - name: u${i}\n    logins: [u${i}@example.com]\n    macs: [{ name: mac }]\n`,
    )
    const yaml = [
      'version: 1',
      'workspace: bench',
      'host: remote',
      'control: { provider: manual }',
      `storage: { root: ${dir} }`,
      'network: { subnet: 10.99.0.0/22 }',
      'users:',
      users.join(''),
    ].join('\n')
    writeFileSync(join(workspace, 'tmgen.yaml'), yaml)
    const first = time([tmgen, 'generate'], workspace)
    const again = []
    for (let i = 0; i < 5; i++) again.push(time([tmgen, 'generate'], workspace))
    return { first, again: median(again) }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** Rows of the table: what, figure, goal. */
export function cliRows() {
  const { bare, help } = startup()
  const rows = [
    [
      'tmgen --help',
      `${help.toFixed(0)} ms`,
      `bare node ${bare.toFixed(0)} ms: + ${(help - bare).toFixed(0)} ms (goal + 100 ms)`,
    ],
  ]
  for (const count of [10, 100, 1000]) {
    const { first, again } = generate(count)
    rows.push([
      `generate, ${count} users`,
      `${first.toFixed(0)} ms`,
      `nothing to do: ${again.toFixed(0)} ms (goal for 1,000: < 1,000 ms)`,
    ])
  }
  return rows
}
