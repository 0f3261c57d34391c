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

test('--purge asks for the name twice; --yes answers the first alone, --purge=NAME the second', async () => {
  const before = scene.disk.snapshot('')
  for (const [line, message] of [
    ['remove user alice --purge', '--yes is missing'],
    ['remove user alice --yes --purge', '--yes --purge=alice'],
    ['remove user alice --yes --purge=bob', '--purge=bob is not alice'],
    ['remove user alice --purge=alice', '--yes is missing'],
  ] as const) {
    const refused = await scene.tmgen(line)
    expect([refused.code, refused.stderr], line).toEqual([2, expect.stringContaining(message)])
  }
  expect(scene.disk.snapshot('')).toEqual(before)
  const asked: string[] = []
  const { code, stderr } = await scene.tmgen('remove user alice --purge', { prompts: typing('alice', asked) })
  expect(code).toBe(0)
  expect(asked).toEqual([
    'Type alice to remove alice',
    'Type alice once more to delete these backups: nothing brings them back',
  ])
  expect(stderr).toContain('to be deleted for good: /srv/tm/alice')
  expect(Object.keys(scene.disk.snapshot('/srv/tm')).join()).not.toContain('alice')
})

test('--purge=NAME deletes what is left of an earlier removal, and shows it; without anything it is refused', async () => {
  await scene.tmgen('remove user alice --yes')
  const { code, stderr } = await scene.tmgen('remove user alice --yes --purge=alice')
  expect(code).toBe(0)
  expect(stderr).toContain('to be deleted for good: /srv/tm/.tmgen-archive/alice-u1-20260102T030405Z')
  expect(stderr).toContain('✓ delete /srv/tm/.tmgen-archive/alice-u1-20260102T030405Z')
  expect(Object.keys(scene.disk.snapshot('/srv/tm')).join()).not.toContain('alice')
  const none = await scene.tmgen('remove user alice --yes --purge=alice')
  expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('nothing that a removed user alice left')])
})
