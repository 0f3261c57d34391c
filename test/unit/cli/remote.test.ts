import { beforeEach, expect, test } from 'vitest'
import { dir, Scene } from './scene.ts'

let scene: Scene
beforeEach(async () => {
  scene = await Scene.with('manual')
  scene.options = { host: { isRoot: true } }
  await scene.tmgen('add user alice --login alice --mac macbook')
})

test('a command that needs the Docker host says so where that is another machine, and where to run it', async () => {
  scene.disk.put(`${dir}/tmgen.yaml`, scene.text('tmgen.yaml').replace(/^host: local$/m, 'host: remote'))
  for (const command of [
    'storage show',
    'storage limit alice',
    'snapshots list',
    'verify alice',
    'monitor show',
    'monitor test-alert',
    'logs alice',
    'import /srv/old --user zoe --mac macbook --login zoe@example.com',
    'restore-access alice',
  ]) {
    const { code, stderr } = await scene.tmgen(command)
    expect([command, code]).toEqual([command, 2])
    expect(stderr).toMatch(/host: remote: tmgen .* works on the Docker host[\s\S]*run it there, in its copy/)
  }
})
