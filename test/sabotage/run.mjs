// Applies each patch of this folder to a copy of the checkout, one at a time, and expects the test that it names to fail.
// A patch starts with `# test: PROJECT PATTERN` (vitest project and -t pattern, or `go PATTERN`). Usage: run.mjs [NAME...]
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const root = fileURLToPath(new URL('../..', import.meta.url))

function sh(command, args, cwd, quiet = true) {
  const result = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    stdio: quiet ? 'pipe' : 'inherit',
    maxBuffer: 1 << 26,
  })
  return { code: result.status ?? 1, out: `${result.stdout ?? ''}${result.stderr ?? ''}` }
}

/** Runs one named test in `tree`; resolves to 'passed', 'failed', or a reason why it says nothing. */
function verdict(tree, test) {
  const [project, ...words] = test.split(' ')
  const pattern = words.join(' ')
  if (project === 'go') {
    const { code, out } = sh(join(tree, 'gateway/patched'), ['test', '-count=1', '-v', '-run', pattern, './...'], tree)
    if (/\[build failed\]|no required module/.test(out)) return `the patched gateway does not build:\n${out}`
    if (!/^\s*--- (PASS|FAIL)/m.test(out)) return 'no test has that name'
    return code === 0 ? 'passed' : 'failed'
  }
  const built = sh('npm', ['run', '--silent', 'build'], tree)
  if (built.code !== 0) return `the patched tree does not build:\n${built.out}`
  const report = join(tree, 'sabotage-report.json')
  sh('npx', ['vitest', 'run', '--project', project, '-t', pattern, '--reporter=json', `--outputFile=${report}`], tree)
  let result
  try {
    result = JSON.parse(readFileSync(report, 'utf8'))
  } catch {
    return 'the test run left no report'
  }
  if (result.numFailedTests > 0) return 'failed'
  return result.numPassedTests > 0 ? 'passed' : 'no test has that name'
}

const wanted = process.argv.slice(2)
const names = readdirSync(here).filter(
  (file) => file.endsWith('.patch') && (wanted.length === 0 || wanted.includes(file.replace('.patch', ''))),
)
const scratch = mkdtempSync(join(tmpdir(), 'tmgen-sabotage-'))
const tree = join(scratch, 'tree')
let found = 0
let missed = 0
try {
  for (const name of names) {
    const patch = join(here, name)
    const test = /^# test: (.+)$/m.exec(readFileSync(patch, 'utf8'))?.[1]
    rmSync(tree, { recursive: true, force: true })
    sh('git', ['clone', '--quiet', '--local', root, tree], root)
    symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'))
    const applied = sh('git', ['apply', patch], tree)
    const outcome = !test
      ? 'the patch names no test'
      : applied.code !== 0
        ? `does not apply: ${applied.out}`
        : verdict(tree, test)
    if (outcome === 'failed') found++
    else missed++
    console.log(
      outcome === 'failed'
        ? `found  ${name}: "${test}" fails`
        : `MISSED ${name}: ${outcome === 'passed' ? `"${test}" still passes` : outcome}`,
    )
  }
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
console.log(`\n${found} passed, ${missed} failed`)
process.exit(missed === 0 && found > 0 ? 0 : 1)
