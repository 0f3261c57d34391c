import { beforeEach, expect, test } from 'vitest'
import type { Prompts } from '../../../src/ui/prompts.ts'
import { Kill } from '../../support/world.ts'
import { dir, Scene } from './scene.ts'

let scene: Scene
const node = (id: string, name: string, more: object = {}) => {
  const tags = [`tag:${name.replace(/-\d+$/, '')}`]
  return { id, name, givenName: name, online: false, tags, ...more }
}
const key = (id: string, tag: string, more: object = {}) => {
  const dates = { expiration: '2026-01-05T00:00:00Z', createdAt: '2026-01-02T00:00:00Z' }
  return { id, key: '', aclTags: [tag], used: false, reusable: false, ...dates, ...more }
}
const ids = async () => {
  const { stdout } = await scene.tmgen('orphans --json')
  return (JSON.parse(stdout) as { orphans: { id: string }[] }).orphans.map(({ id }) => id)
}
const left = () => scene.headscale.nodes.map(({ id }) => id)
const usable = () =>
  scene.headscale.keys.filter(({ expiration }) => String(expiration) > '2026-01-02').map(({ id }) => id)

beforeEach(async () => {
  scene = await Scene.with('headscale')
  await scene.tmgen('add user alice --login alice')
  await scene.tmgen('add user bob --login bob')
  const control = JSON.parse(scene.text('state/control.json'))
  control.users.u1.nodeId = '7'
  scene.disk.put(`${dir}/state/control.json`, JSON.stringify(control), 0o600)
  scene.headscale.nodes = [
    node('7', 'tm-alice', { online: true }),
    node('8', 'tm-alice-1'),
    // Nothing on record of Bob's node: any of that name may be his.
    node('9', 'tm-bob'),
    node('12', 'tm-carol'),
    node('13', 'tm-dave', { online: true }),
    // Not ours: no tag, another tag beside it, another name, somebody's machine.
    node('20', 'tm-eve', { tags: [] }),
    node('21', 'tm-eve', { tags: ['tag:tm-eve', 'tag:web'] }),
    node('22', 'backup', { tags: ['tag:tm-eve'] }),
    node('23', 'web', { tags: ['tag:web'] }),
  ]
  scene.headscale.keys.push(
    key('30', 'tag:tm-carol'),
    key('31', 'tag:tm-alice'),
    key('32', 'tag:tm-carol', { used: true }),
    key('33', 'tag:tm-carol', { reusable: true }),
    key('34', 'tag:web'),
    key('35', 'tag:tm-carol', { expiration: '2026-01-01T00:00:00Z' }),
  )
})

test('lists what has our tag and name and is nobody’s, and changes nothing', async () => {
  const before = [scene.disk.snapshot(''), structuredClone(scene.headscale.nodes)]
  expect(await ids()).toEqual(['node:8', 'node:12', 'node:13', 'key:30', 'key:31'])
  const { code, stdout, stderr } = await scene.tmgen('orphans')
  expect(code).toBe(0)
  expect(stdout).toMatch(/^node:12 +tm-carol +tag:tm-carol +no +no user carol here$/m)
  expect(stdout).toMatch(/^node:8 +tm-alice-1 +tag:tm-alice +no +the node of alice is another one \(7\)$/m)
  expect(stdout).toMatch(/^key:31 +key for tm-alice +tag:tm-alice +- +not the key that alice has$/m)
  expect(stderr).toContain('Another workspace in the same tailnet')
  expect([scene.disk.snapshot(''), scene.headscale.nodes]).toEqual(before)
})

test('plan says that there are some that nobody runs, and exits as without', async () => {
  scene.headscale.keys = []
  expect((await scene.tmgen('plan')).stderr).toContain('belong to nobody (2): tmgen orphans')
  scene.headscale.nodes = [node('7', 'tm-alice'), node('13', 'tm-dave', { online: true })]
  expect((await scene.tmgen('plan')).stderr).not.toContain('tmgen orphans')
  expect((await scene.tmgen('orphans')).stdout).toContain('tm-dave')
})

test('doctor warns of those that nobody runs', async () => {
  const { stdout } = await scene.tmgen('doctor --json')
  const { checks } = JSON.parse(stdout) as { checks: { name: string; verdict: string; says: string[] }[] }
  expect(checks.find(({ name }) => name === 'orphans')).toMatchObject({
    verdict: 'warn',
    says: ['node:8', 'node:12', 'key:30', 'key:31'].map((id) => expect.stringMatching(`^${id} \\(`)),
  })
})

test('removes those that are named, once they were shown, and no other', async () => {
  const all = left()
  const refused = await scene.tmgen('orphans --remove node:12')
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringMatching(/tm-carol.*--yes is missing/s)])
  expect(left()).toEqual(all)
  const { code, stderr } = await scene.tmgen('orphans --remove node:12 --remove key:30 --yes')
  expect(code, stderr).toBe(0)
  expect(stderr).toContain('✓ delete the node tm-carol (node:12) in the control plane')
  expect(left()).toEqual(all.filter((id) => id !== '12'))
  expect(usable()).not.toContain('30')
  expect(usable()).toContain('31')
  expect(await ids()).toEqual(['node:8', 'node:13', 'key:31'])
})

test.each([
  ['no', 130, 1],
  ['yes', 0, 0],
])('on a terminal asks; %s gives %i', async (answer, code, times) => {
  const prompts = { select: async () => answer } as unknown as Prompts
  expect((await scene.tmgen('orphans --remove node:12', { prompts })).code).toBe(code)
  expect(left().filter((id) => id === '12')).toHaveLength(times)
})

test.each([
  ['node:7', 'is not on the list'],
  ['node:9', 'is not on the list'],
  ['node:21', 'is not on the list'],
  ['node:23', 'is not on the list'],
  ['key:34', 'is not on the list'],
  ['node:99', 'is not on the list'],
  ['tm-carol', 'is not on the list'],
  ['node:13', 'is online, somebody runs it'],
])('%s is refused, and all that was named with it stays', async (id, message) => {
  const before = [scene.disk.snapshot(''), left(), usable()]
  const { code, stderr } = await scene.tmgen(`orphans --remove node:12 --remove ${id} --yes`)
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(new RegExp(`^error\\[control-foreign\\]: .*|${message}`, 'm')),
  ])
  expect(stderr).toContain(message)
  expect([scene.disk.snapshot(''), left(), usable()]).toEqual(before)
})

test('a removal that failed half way is gone on with for those that are left', async () => {
  scene.headscale.refuse['DELETE /api/v1/node/12'] = 'database is locked'
  const failed = await scene.tmgen('orphans --remove node:8 --remove node:12 --yes')
  expect(failed.code).toBe(1)
  expect(left()).toContain('12')
  scene.headscale.refuse = {}
  expect((await scene.tmgen('orphans --remove node:12 --yes')).code).toBe(0)
  expect(left()).not.toContain('12')
})

test('a removal that was killed half way is not called undone, and what is left is on the list', async () => {
  const real = scene.headscale.fetch
  let isDead = false
  scene.options.hook = () => {
    if (isDead) throw new Kill()
  }
  scene.headscale.fetch = async (input, init) => {
    if (init?.method !== 'DELETE' || !String(input).endsWith('/12')) return real(input, init)
    isDead = true
    throw new Kill()
  }
  await scene.tmgen('orphans --remove node:8 --remove node:12 --yes').catch((error) => {
    if (!(error instanceof Kill)) throw error
  })
  scene.options = {}
  scene.headscale.fetch = real
  expect((await scene.tmgen('generate')).stderr).toMatch(
    /what the interrupted "orphans .*" of .* left says tmgen orphans/,
  )
  expect(await ids()).toEqual(['node:12', 'node:13', 'key:30', 'key:31'])
})

test('with provider manual it says that it cannot look', async () => {
  scene = await Scene.with('manual')
  const { code, stderr } = await scene.tmgen('orphans')
  expect([code, stderr]).toEqual([2, expect.stringContaining('no access to the control plane')])
})
