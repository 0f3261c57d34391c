import { beforeEach, expect, test } from 'vitest'
import { TinyDocker } from '../../support/docker.ts'
import { Scene } from './scene.ts'

let scene: Scene
let docker: TinyDocker
const nodes = () => Object.keys(JSON.parse(scene.text('generated/caddy/config.json')).apps.tailscale.nodes)
const hex = (digit: string) => digit.repeat(64)

beforeEach(async () => {
  scene = await Scene.with('headscale')
  docker = new TinyDocker()
  scene.dockerAnswer = docker.answer
  await scene.tmgen('add user alice --login alice')
  await scene.tmgen('add user bob --login bob')
  const { workspace } = JSON.parse(scene.text('tmgen.lock.json'))
  const env = [`TMGEN_WORKSPACE=${workspace}`]
  docker.containers = [
    { id: hex('a'), service: 'samba-alice', env },
    { id: hex('b'), service: 'samba-bob', env },
    { id: hex('c'), service: 'samba-carol', env: ['TMGEN_WORKSPACE=another'] },
    { id: hex('d'), service: 'gateway' },
  ]
})

test('disable cuts the route, stops that container of ours alone, and keeps all else; enable is the exact undo', async () => {
  const before = scene.disk.snapshot('', /manifest.json/)
  const { code, stderr } = await scene.tmgen('disable user alice')
  expect(code).toBe(0)
  expect(stderr).toContain('alice has no access; data, password and node are kept. Undo: tmgen enable user alice')
  expect(nodes()).toEqual(['bob'])
  expect(docker.calls).toEqual(['stop samba-alice', 'rm samba-alice'])
  expect(scene.text('secrets/smb/alice/password')).not.toBe('')
  expect(scene.text('tmgen.lock.json')).toContain('"alice"')
  expect(scene.headscale.requests.filter((line) => line.startsWith('DELETE'))).toEqual([])
  const enabled = await scene.tmgen('enable user alice')
  expect(enabled.stderr).toContain('Next: docker compose up -d\n')
  expect(scene.disk.snapshot('', /manifest.json/)).toEqual(before)
  expect(scene.headscale.keys).toHaveLength(2)
})

test('the route is cut before the container is stopped', async () => {
  let served: string[] | undefined
  scene.dockerAnswer = (args) => {
    if (args[0] === 'stop') served = nodes()
    return docker.answer(args)
  }
  await scene.tmgen('disable user alice')
  expect(served).toEqual(['bob'])
})

test('disable works while neither Docker nor the control plane answers, and says what is left to do', async () => {
  docker.isUp = false
  scene.env = {}
  const { code, stderr } = await scene.tmgen('disable user alice')
  expect(code).toBe(0)
  expect(stderr).toContain(
    'Docker does not answer: if samba-alice runs, it is stopped by: docker compose up -d --remove-orphans',
  )
  expect(nodes()).toEqual(['bob'])
  // Later, any command that may do so stops it.
  docker.isUp = true
  expect((await scene.tmgen('generate')).stderr).toContain('not done by this command: stop the container samba-alice')
  expect(docker.calls).toEqual([])
  await scene.tmgen('disable user alice')
  expect(docker.calls).toEqual(['stop samba-alice', 'rm samba-alice'])
})

test('a container that does not stop is an error, after the route is cut', async () => {
  scene.dockerAnswer = (args) =>
    args[0] === 'stop' ? { exitCode: 1, stdout: '', stderr: 'device busy' } : docker.answer(args)
  const { code, stderr } = await scene.tmgen('disable user alice')
  expect(code).toBe(1)
  expect(stderr).toContain('error[docker]: cannot stop the container of alice: device busy')
  expect(nodes()).toEqual(['bob'])
})

test('on a laptop, disable says what to run on the Docker host', async () => {
  const yaml = scene.text('tmgen.yaml')
  scene.disk.put('/home/me/timemachine/tmgen.yaml', yaml.replace('host: local', 'host: remote'))
  const { stderr } = await scene.tmgen('disable user alice')
  expect(stderr).toMatch(/Next: copy the workspace .*docker compose up -d --remove-orphans/)
  expect(docker.calls).toEqual([])
})
