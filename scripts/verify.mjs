// Sets up what the tests need, runs every stage, and ends with a line `N passed, N failed` over all of them.
// Usage: node scripts/verify.mjs [STAGE...]   (no stage: all, in this order)
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'tmgen-verify-'))

/** Runs a command with its output shown; resolves to {code, stdout}. */
function run(command, args, { capture = false, cwd = root, env = {} } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', capture ? 'pipe' : 'inherit', 'inherit'],
    })
    let stdout = ''
    child.stdout?.on('data', (chunk) => {
      stdout += chunk
    })
    child.on('error', (error) => {
      console.error(`${command}: ${error.message}`)
      resolve({ code: 127, stdout })
    })
    child.on('close', (code) => resolve({ code: code ?? 1, stdout }))
  })
}

/** A command that is one check: passed when it exits 0. */
const check =
  (command, ...args) =>
  async () => {
    const { code } = await run(command, args)
    return code === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 }
  }

/** A vitest project, counted from its JSON report; a run that dies before the report counts as one failure. */
const vitest =
  (project, { files = [], env = {} } = {}) =>
  async () => {
    const report = join(scratch, 'report.json')
    rmSync(report, { force: true })
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
    const { code } = await run('npx', ['vitest', 'run', '--project', project, ...files, ...reporters], { env })
    try {
      const { numPassedTests, numFailedTests, numPendingTests, numFailedTestSuites } = JSON.parse(
        readFileSync(report, 'utf8'),
      )
      const failed = numFailedTests === 0 && (numFailedTestSuites > 0 || code !== 0) ? 1 : numFailedTests
      return { passed: numPassedTests, failed, skipped: numPendingTests }
    } catch {
      return { passed: 0, failed: 1, skipped: 0 }
    }
  }

/** `go test` with the modules that the image has, counted from its JSON events; a package that does not build counts as a failure. */
async function goTests() {
  const { code, stdout } = await run(join(root, 'gateway/patched'), ['test', '-json', './...'], { capture: true })
  const count = { passed: 0, failed: 0, skipped: 0 }
  for (const line of stdout.split('\n')) {
    if (!line.startsWith('{')) continue
    const event = JSON.parse(line)
    if (event.Action === 'output' && /^(\s*--- FAIL|FAIL|panic|\s+\S+_test\.go)/.test(event.Output))
      process.stdout.write(event.Output)
    if (event.Test === undefined) continue
    if (event.Action === 'pass') count.passed++
    if (event.Action === 'fail') count.failed++
    if (event.Action === 'skip') count.skipped++
  }
  if (code !== 0 && count.failed === 0) count.failed = 1
  return count
}

/** A script whose last line is `N passed, N failed`. */
const counted =
  (command, ...args) =>
  async () => {
    const { code, stdout } = await run(command, args, { capture: true })
    process.stdout.write(stdout)
    const match = /(\d+) passed, (\d+) failed\s*$/.exec(stdout)
    if (!match) return { passed: 0, failed: 1, skipped: 0 }
    const failed = Number(match[2])
    return { passed: Number(match[1]), failed: failed === 0 && code !== 0 ? 1 : failed, skipped: 0 }
  }

const stages = {
  types: check('npx', 'tsc', '--noEmit'),
  lint: check('npx', 'biome', 'check', '.'),
  build: check('npm', 'run', '--silent', 'build'),
  unit: vitest('unit'),
  page_setup: check('test/page/setup'),
  page: vitest('page'),
  lab_setup: check('lab/setup'),
  gateway: goTests,
  images: counted('test/images/run'),
  lab: vitest('lab'),
  // What stands on a whole stack once more, with a workspace that root does not own.
  lab_unprivileged: vitest('lab', {
    files: ['changes', 'embedded', 'gateway', 'isolation', 'monitor', 'page', 'storage'].map(
      (name) => `test/lab/${name}.test.ts`,
    ),
    env: { TMGEN_LAB_UID: '1234' },
  }),
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !(name in stages))
if (unknown.length > 0) {
  console.error(`no stage ${unknown.join(', ')}; there are ${Object.keys(stages).join(', ')}`)
  process.exit(2)
}
const total = { passed: 0, failed: 0, skipped: 0 }
const rows = []
for (const [name, stage] of Object.entries(stages)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  console.log(`\n=== ${name}`)
  const started = Date.now()
  const count = await stage()
  rows.push(
    `${name}: ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped (${Math.round((Date.now() - started) / 1000)} s)`,
  )
  for (const key of Object.keys(total)) total[key] += count[key]
}
rmSync(scratch, { recursive: true, force: true })
console.log(`\n${rows.join('\n')}\n`)
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`)
process.exit(total.failed === 0 ? 0 : 1)
