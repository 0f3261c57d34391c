import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Ran, run } from './support/index.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const demo = (...flags: string[]) => run('lab/demo', flags, { cwd: root, timeout: 900_000 })
let ran: Ran

// A demo that somebody keeps on this machine is theirs: this test then fails with the demo's own words.
beforeAll(async () => {
  const built = await run('npm', ['run', '--silent', 'build'], { cwd: root })
  if (built.code !== 0) throw new Error(built.stderr)
  ran = await demo()
}, 900_000)
// What a demo that broke off left would be in the way of the next one.
afterAll(() => demo('--clean'))

test('the demo backs two people up, each through their own node', () => {
  expect(ran.code, ran.stdout + ran.stderr).toBe(0)
  expect(ran.stdout).toContain('macbook.sparsebundle written through tm-alice')
  expect(ran.stdout).toContain('imac.sparsebundle written through tm-bob')
})

test('it shows who is refused', () => {
  expect(ran.stdout).toContain('alice does not see tm-bob')
  expect(ran.stdout).toMatch(/alice is refused at 100\.64\.\d+\.\d+:445/)
  expect(ran.stdout).toMatch(/bob is refused at 100\.64\.\d+\.\d+:445/)
})

test('no secret of it is printed', () => {
  expect(ran.stdout + ran.stderr).not.toMatch(/hskey-|password = /)
})

test('it leaves nothing behind', async () => {
  const { stdout } = await demo('--clean')
  expect(stdout).toContain('There is nothing of a demo here.')
})
