import { beforeEach, expect, test } from 'vitest'
import type { Prompts } from '../../../src/ui/prompts.ts'
import { dir, Scene } from './scene.ts'

let scene: Scene
const lock = () => JSON.parse(scene.text('tmgen.lock.json'))
const answering = (answer: string, asked: string[] = []): Prompts => ({
  text: async () => '',
  select: async (question) => {
    asked.push(question)
    return answer
  },
  secret: async () => '',
})

beforeEach(async () => {
  scene = await Scene.with('manual')
  scene.disk.put('/home/me/key', 'a-key-that-was-handed-over\n')
  expect((await scene.tmgen('add user alice --login alice --auth-key-file /home/me/key')).code).toBe(0)
  expect(lock().tmgen).toBe('0.1.0')
  scene.options = { version: '0.2.0' }
  scene.disk.put('/package/images/samba/entrypoint', '#!/bin/sh\n# newer\n', 0o755)
})

test('upgrade shows from where to where and what changes, asks, and then signs the lock', async () => {
  const before = scene.disk.snapshot(dir)
  const { code, stderr } = await scene.tmgen('upgrade --no-up')
  expect(code).toBe(2)
  expect(stderr).toContain('from tmgen 0.1.0 to 0.2.0')
  expect(stderr).toMatch(/~ tmgen.lock.json/)
  expect(stderr).toMatch(/~ .*generated\/images\/samba\/entrypoint/)
  expect(stderr).toContain('there is no backup')
  const asked: string[] = []
  expect((await scene.tmgen('upgrade --no-up', { prompts: answering('no', asked) })).code).toBe(130)
  expect(asked).toHaveLength(1)
  expect(scene.disk.snapshot(dir)).toEqual(before)

  expect((await scene.tmgen('upgrade --no-up', { prompts: answering('yes') })).code).toBe(0)
  expect(lock()).toEqual({ ...JSON.parse(before[`${dir}/tmgen.lock.json`]!.slice(4)), tmgen: '0.2.0' })
  expect(scene.text('generated/images/samba/entrypoint')).toContain('newer')
  expect((await scene.tmgen('upgrade --no-up')).stderr).toContain('nothing to do')
  expect((await scene.tmgen('generate --check')).code).toBe(0)
})

test('a lock that nothing else changes keeps the version that wrote it, until something does', async () => {
  expect((await scene.tmgen('generate')).code).toBe(0)
  expect(lock().tmgen).toBe('0.1.0')
  await scene.tmgen('set user alice --rebind')
  expect(lock().tmgen).toBe('0.2.0')
})

test.each(['0.2.1', '0.10.0', '1.0.0'])('what tmgen %s wrote is refused by 0.2.0', async (version) => {
  scene.disk.put(`${dir}/tmgen.lock.json`, scene.text('tmgen.lock.json').replace('"0.1.0"', `"${version}"`))
  const before = scene.disk.snapshot(dir)
  for (const line of ['generate', 'list --offline', 'plan', 'upgrade --yes']) {
    const { code, stderr } = await scene.tmgen(line)
    expect(code, line).toBe(1)
    expect(stderr, line).toContain(`written by tmgen ${version}; this is tmgen 0.2.0`)
  }
  expect((await scene.tmgen('lock rebuild --yes')).stderr).toContain(`written by tmgen ${version}`)
  expect(scene.disk.snapshot(dir)).toEqual(before)
})
