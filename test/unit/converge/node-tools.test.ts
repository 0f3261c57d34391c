import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { variables } from '../../../src/control/credentials.ts'
import { nodeTools } from '../../../src/converge/node-tools.ts'

const folder = mkdtempSync(join(tmpdir(), 'tmgen-tools-'))
afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

test('a program that runs as root is found by PATH, and gets nothing else of the environment', async () => {
  writeFileSync(join(folder, 'mkfs.test'), '#!/bin/sh\nenv; echo "arg $1"; echo why >&2; exit 3\n', { mode: 0o755 })
  // Neither of the environment that it is given, nor of this process.
  for (const name of Object.values(variables)) vi.stubEnv(name, 'pl4nted-s3cret')
  const credentials = Object.fromEntries(Object.values(variables).map((name) => [name, 'pl4nted-s3cret']))
  const tools = nodeTools({ ...credentials, PATH: `${folder}:${process.env.PATH}`, LD_PRELOAD: 'theirs.so' })
  expect(await tools.has('mkfs.test')).toBe(true)
  expect(await tools.has('mkfs.none')).toBe(false)
  const { exitCode, stdout, stderr } = await tools.run('mkfs.test', ['$HOME'])
  expect([exitCode, stderr]).toEqual([3, 'why'])
  expect(stdout).toContain('arg $HOME')
  expect(stdout).not.toMatch(/pl4nted|LD_PRELOAD/)
})
