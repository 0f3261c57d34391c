import { beforeEach, describe, expect, test } from 'vitest'
import { TinyDocker } from '../../support/docker.ts'
import { dir, Scene } from './scene.ts'

let scene: Scene
const lockFile = `${dir}/tmgen.lock.json`
const marker = (path: string, change: object) => {
  const text = scene.disk.text(`${path}/.tmgen.json`) ?? ''
  scene.disk.put(`${path}/.tmgen.json`, `${JSON.stringify({ ...JSON.parse(text), ...change })}\n`)
}
const withoutSerial = (text: string) => text.replace(/"serial": \d+/, '')
const rebuild = (more = '--yes') => scene.tmgen(`lock rebuild ${more}`)

beforeEach(async () => {
  scene = await Scene.with('manual')
  scene.dockerAnswer = new TinyDocker().answer
  for (const line of [
    ...['alice', 'bob', 'carol'].map((name) => `add user ${name} --login ${name}`),
    'add user dave --login dave --storage /srv/dave',
    'add user zoe --login zoe',
    'remove user zoe --yes',
    'set user alice --rebind',
  ])
    expect((await scene.tmgen(line)).code, line).toBe(0)
})

describe('lock rebuild', () => {
  test('gives back the same lock from markers, state and generated/, and nothing else changes by it', async () => {
    const before = scene.text('tmgen.lock.json')
    const others = scene.disk.snapshot(dir, /lock.json|allocation.json/)
    scene.disk.remove(lockFile)
    expect((await scene.tmgen('generate')).stderr).toContain('tmgen lock rebuild')
    const { code, stdout, stderr } = await rebuild()
    expect(code, stderr).toBe(0)
    expect(stdout).toMatch(/^carol +u3 +\d+ +10\.\S+ +21002 +generated\/docker-compose.yml, .*\/srv\/tm\/carol/m)
    expect(stdout).not.toContain('(new)')
    expect(withoutSerial(scene.text('tmgen.lock.json'))).toBe(withoutSerial(before))
    expect((await scene.tmgen('generate')).code).toBe(0)
    expect(scene.disk.snapshot(dir, /lock.json|allocation.json/)).toEqual(others)
    expect((await scene.tmgen('generate --check')).code).toBe(0)
  })

  test('without state and generated/ the markers, the archive and the owners keep ids and UIDs', async () => {
    const before = JSON.parse(scene.text('tmgen.lock.json'))
    for (const path of ['tmgen.lock.json', 'state', 'generated']) scene.disk.remove(`${dir}/${path}`)
    const { code, stdout, stderr } = await rebuild()
    expect(code, stderr).toBe(0)
    expect(stderr).toContain('allocation.json is lost')
    expect(stdout).toMatch(/^alice +u1 .*\(new\)/m)
    const after = JSON.parse(scene.text('tmgen.lock.json'))
    const numbers = (lock: typeof before) =>
      Object.entries<{ name: string; uid: number }>(lock.users).map(([id, { name, uid }]) => [id, name, uid])
    expect(numbers(after)).toEqual(numbers(before))
    expect(after.workspace).toBe(before.workspace)
    expect(after.next).toEqual(before.next)
  })

  test('a lock that was rolled back is set aside; whom it did not know yet comes back', async () => {
    const now = scene.text('tmgen.lock.json')
    const old = JSON.parse(now)
    delete old.users.u4
    delete old.nodes.n4
    Object.assign(old, { serial: 1, next: { user: 4, node: 4, uid: old.users.u3.uid + 1 } })
    scene.disk.put(lockFile, JSON.stringify(old))
    expect((await rebuild()).code).toBe(0)
    expect(withoutSerial(scene.text('tmgen.lock.json'))).toBe(withoutSerial(now))
    expect(JSON.parse(scene.text('tmgen.lock.json.before-rebuild'))).toEqual(old)
  })

  test('is shown first, and not written without a yes; a whole lock is left alone', async () => {
    expect((await rebuild()).stderr).toContain('nothing to do')
    scene.disk.remove(lockFile)
    const before = scene.disk.snapshot(dir)
    const { code, stdout, stderr } = await rebuild('')
    expect(code).toBe(2)
    expect(stdout).toMatch(/^alice +u1 /m)
    expect(stderr).toContain('--yes is missing')
    expect(scene.disk.snapshot(dir)).toEqual(before)
    expect((await rebuild('--json --yes')).stdout).toContain('"written": true')
  })

  test.each([
    [
      'two markers for one user',
      () => scene.disk.put('/srv/tm/copy/.tmgen.json', scene.disk.text('/srv/tm/alice/.tmgen.json')!),
      /u1 has two markers: \S*alice and \S*copy/,
    ],
    [
      'a marker with another UID',
      () => marker('/srv/tm/alice', { uid: 20_900 }),
      /UID of u1: \d+ \(generated\S+\) and 20900 \(\/srv\/tm\/alice\)/,
    ],
    ['a marker with another name', () => marker('/srv/tm/alice', { name: 'eve' }), /name of u1: alice .* and eve/],
    ['another workspace', () => marker('/srv/tm/alice', { workspace: 'f'.repeat(16) }), /two workspaces: .*ffff/],
    [
      'one UID for two',
      () => {
        scene.disk.remove(`${dir}/generated`)
        marker('/srv/tm/alice', { uid: 20_900 })
        marker('/srv/tm/carol', { uid: 20_900 })
      },
      /UID 20900 is that of u1 and of u3/,
    ],
    [
      'a user of whom only the state knows',
      () => {
        scene.disk.remove(`${dir}/generated`)
        scene.disk.remove('/srv/dave')
      },
      /u4 is known to .*\(\/srv\/dave\), and nothing tells its name/,
    ],
  ])('refuses %s and names it', async (_what, damage, message) => {
    scene.disk.remove(lockFile)
    damage()
    const before = scene.disk.snapshot(dir)
    const { code, stderr } = await rebuild()
    expect(code).toBe(1)
    expect(stderr).toMatch(message)
    expect(stderr).toContain('nothing was written')
    expect(scene.disk.snapshot(dir)).toEqual(before)
  })

  test('another workspace below the same root is left out', async () => {
    scene.disk.put(
      '/srv/tm/theirs/.tmgen.json',
      JSON.stringify({ version: 1, workspace: 'e'.repeat(16), user: 'u1', name: 'zed', uid: 20_001 }),
    )
    scene.disk.remove(lockFile)
    const { code, stderr } = await rebuild()
    expect(code, stderr).toBe(0)
    expect(stderr).toContain('/srv/tm/theirs belongs to workspace eeee')
    expect(scene.text('tmgen.lock.json')).not.toContain('zed')
  })
})
