import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { variables } from '../../../src/control/credentials.ts'
import { LineSplitter } from '../../../src/converge/lines.ts'
import { nodeDocker } from '../../../src/converge/node-docker.ts'
import { Secret } from '../../../src/secret.ts'

const folder = mkdtempSync(join(tmpdir(), 'tmgen-docker-'))
afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

/** A `docker` command that is this shell script. */
function dockerThat(script: string, env: Record<string, string> = {}) {
  writeFileSync(join(folder, 'docker'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return nodeDocker({ PATH: `${folder}:${process.env.PATH}`, ...env })
}

test('lines come one by one, and stdout of the result stays empty', async () => {
  const lines: string[] = []
  const docker = dockerThat('printf "one\\ntwo\\r\\n\\303"; printf "\\244"; echo why >&2; exit 3')
  const result = await docker.run(['x'], { onLine: (line) => lines.push(line) })
  expect(lines).toEqual(['one', 'two', 'ä'])
  expect(result).toEqual({ exitCode: 3, stdout: '', stderr: 'why\n' })
})

test('a signal ends a command that would go on for ever; that is no fault', async () => {
  const stop = new AbortController()
  const lines: string[] = []
  const docker = dockerThat('echo first; exec sleep 600')
  const take = (line: string) => {
    lines.push(line)
    stop.abort()
  }
  const result = await docker.run(['x'], { timeoutMs: 0, onLine: take, signal: stop.signal })
  expect(lines).toEqual(['first'])
  expect(result.exitCode).toBe(0)
})

test('an endless line is cut, and the next one is whole', () => {
  const lines: string[] = []
  const splitter = new LineSplitter((line) => lines.push(line))
  for (let n = 0; n < 100; n++) splitter.write(Buffer.from('x'.repeat(10_000)))
  splitter.write(Buffer.from('\nnext\n'))
  splitter.end()
  expect(lines.map((line) => line.length)).toEqual([64 * 1024, 4])
})

test('the command gets what it needs, and no credential of a control plane', async () => {
  const secret = 'pl4nted-s3cret'
  for (const name of Object.values(variables)) vi.stubEnv(name, secret)
  const credentials = Object.fromEntries(Object.values(variables).map((name) => [name, secret]))
  const docker = dockerThat('env; cat; for arg in "$@"; do echo "arg $arg"; done', {
    ...credentials,
    DOCKER_HOST: 'unix:///there',
  })
  const { stdout } = await docker.run(['compose', 'ps'], { input: new Secret('by stdin') })
  expect(stdout).toContain('DOCKER_HOST=unix:///there')
  expect(stdout).toContain('by stdin')
  expect(stdout).toContain('arg ps')
  expect(stdout).not.toContain(secret)
})
