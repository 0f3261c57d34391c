import { beforeEach, expect, test } from 'vitest'
import { TinyDocker } from '../../support/docker.ts'
import { dir, Scene } from './scene.ts'

let scene: Scene
beforeEach(async () => {
  scene = await Scene.with('manual')
  scene.dockerAnswer = new TinyDocker().answer
  await scene.tmgen('add user alice --login alice --mac macbook --mac imac')
  await scene.tmgen('add user bob --login bob')
})

test('rename user says what to type on the Macs, and what is left to do', async () => {
  const password = scene.text('secrets/smb/alice/password')
  const { code, stderr } = await scene.tmgen('rename user alice alicia')
  expect(code).toBe(0)
  expect(scene.text('secrets/smb/alicia/password')).toBe(password)
  expect(stderr).toContain('macbook: smb://alicia@tm-alicia/macbook')
  expect(stderr).toContain('imac: smb://alicia@tm-alicia/imac')
  expect(stderr).toContain('name the node tm-alice there tm-alicia, and tag it tag:tm-alicia')
  expect(stderr).toContain('paste what tmgen policy show prints')
  expect(stderr).toContain('Next: docker compose up -d --remove-orphans')
  expect(scene.disk.nodes.has('/srv/tm/alicia/.tmgen.json')).toBe(true)
  expect(scene.printed).not.toContain(password.trim())
  expect((await scene.tmgen('generate --check')).code).toBe(0)
})

test('--json prints the steps and the new disks', async () => {
  const { stdout } = await scene.tmgen('rename user alice alicia --json')
  const { user, formerly, disks } = JSON.parse(stdout)
  expect([user, formerly]).toEqual(['alicia', 'alice'])
  expect(disks).toEqual([
    { mac: 'macbook', url: 'smb://alicia@tm-alicia/macbook' },
    { mac: 'imac', url: 'smb://alicia@tm-alicia/imac' },
  ])
})

test.each([
  ['rename user alise alicia', 1, 'did you mean alice?'],
  ['rename user alice bob', 2, 'there is a user bob already'],
  ['rename user alice', 2, "missing required argument 'new-name'"],
  ['rename user alice root', 1, 'is reserved'],
])('%s is refused and changes nothing', async (line, exitCode, message) => {
  const before = scene.disk.snapshot('')
  const { code, stderr } = await scene.tmgen(line)
  expect([code, stderr]).toEqual([exitCode, expect.stringContaining(message)])
  expect(scene.disk.snapshot('')).toEqual(before)
})

test('on a laptop it is refused: the node lies on the Docker host', async () => {
  scene.disk.put(`${dir}/tmgen.yaml`, scene.text('tmgen.yaml').replace('host: local', 'host: remote'))
  const { code, stderr } = await scene.tmgen('rename user alice alicia')
  expect([code, stderr]).toEqual([2, expect.stringContaining('on the Docker host alone')])
})
