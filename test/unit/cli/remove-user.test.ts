import { beforeEach, expect, test } from 'vitest'
import type { Prompts } from '../../../src/ui/prompts.ts'
import { TinyDocker } from '../../support/docker.ts'
import { dir, Scene } from './scene.ts'

let scene: Scene
/** Answers the question for the name, as the terminal would take it. */
const typing = (answer: string, asked: string[] = []): Prompts => ({
  text: async (question, options = {}) => {
    asked.push(question)
    const fault = options.fault?.(answer)
    if (fault !== undefined) throw new Error(fault)
    return answer
  },
  select: async () => '',
  secret: async () => '',
})

beforeEach(async () => {
  scene = await Scene.with('manual')
  scene.dockerAnswer = new TinyDocker().answer
  await scene.tmgen('add user alice --login alice')
  await scene.tmgen('add user bob --login bob')
})

test('remove user asks for the name on a terminal, and needs --yes elsewhere', async () => {
  const before = scene.disk.snapshot('')
  const refused = await scene.tmgen('remove user alice')
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('--yes is missing')])
  await expect(scene.tmgen('remove user alice', { prompts: typing('bob') })).resolves.toMatchObject({ code: 1 })
  expect(scene.disk.snapshot('')).toEqual(before)
  const asked: string[] = []
  expect((await scene.tmgen('remove user alice', { prompts: typing('alice', asked) })).code).toBe(0)
  expect(asked).toEqual(['Type alice to remove alice'])
  expect(scene.text('tmgen.lock.json')).not.toContain('alice')
})

test('remove user says where the data is and what is left to do; --json prints the steps', async () => {
  const { stderr } = await scene.tmgen('remove user alice --yes')
  expect(stderr).toContain('✓ move the data of alice to /srv/tm/.tmgen-archive/alice-u1-20260102T030405Z')
  expect(stderr).toContain('delete the node tm-alice there')
  expect(stderr).toContain('tmgen policy show')
  const { stdout } = await scene.tmgen('remove user bob --yes --json')
  const { user, steps } = JSON.parse(stdout) as { user: string; steps: { kind: string }[] }
  expect(user).toBe('bob')
  expect(steps.map((step) => step.kind)).toContain('archive-storage')
})

test('a user that is not there is refused without a question', async () => {
  const before = scene.disk.snapshot(dir)
  const { code, stderr } = await scene.tmgen('remove user alise --yes')
  expect([code, stderr]).toEqual([1, expect.stringContaining('did you mean alice?')])
  expect(scene.disk.snapshot(dir)).toEqual(before)
})

test('on a laptop, the data is left alone and the person is told', async () => {
  scene.disk.put(`${dir}/tmgen.yaml`, scene.text('tmgen.yaml').replace('host: local', 'host: remote'))
  const { code, stderr } = await scene.tmgen('remove user alice --yes')
  expect(code).toBe(0)
  expect(stderr).toMatch(/Next: copy the workspace .*up -d --remove-orphans/)
  expect(stderr).toContain('The data stays on the Docker host, at /srv/tm/alice')
  expect(scene.disk.nodes.has('/srv/tm/alice/.tmgen.json')).toBe(true)
})
