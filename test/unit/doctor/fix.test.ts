import { beforeEach, expect, test } from 'vitest'
import { checks } from '../../../src/doctor/index.ts'
import type { Prompts } from '../../../src/ui/prompts.ts'
import { dir, Scene } from '../cli/scene.ts'

let scene: Scene
const mode = (path: string) => scene.disk.nodes.get(`${dir}/${path}`)?.mode
const open = (path: string, to: number) => Object.assign(scene.disk.nodes.get(`${dir}/${path}`) ?? {}, { mode: to })
const password = 'secrets/smb/alice/password'

interface Told {
  checks: { name: string; verdict: string }[]
  repairs: { check: string; title: string; done: boolean }[]
}
const verdicts = ({ checks }: Told) =>
  checks.filter(({ name }) => /^(secrets|workspace-owner)$/.test(name)).map(({ verdict }) => verdict)

beforeEach(async () => {
  scene = await Scene.with('manual')
  await scene.tmgen('add user alice --login alice')
  // The disk in memory knows no owners: everything is root's.
  scene.disk.put(`${dir}/.env`, '# mine\nTMGEN_UID=7\nTMGEN_LOG_SIZE=1m\nTMGEN_GID=0\n')
  open(password, 0o644)
  open('secrets/gateway', 0o755)
})

test('--fix shows and does what is safe, and examines it again; all else stays as it is', async () => {
  const rest = scene.disk.snapshot('', /\.env$|smb\/alice\/password$/)
  const { stdout, stderr } = await scene.tmgen('doctor --fix --yes')
  expect(stdout).toMatch(/^fail +secrets +secrets\/gateway is open to others$/m)
  expect(stdout).toMatch(/^ok +secrets +closed$/m)
  expect(stderr).toContain('can be repaired: close secrets/smb/alice/password to others: mode 600 in place of 644')
  expect(stderr).toContain('✓ name the owner of the workspace in .env: 0:0 in place of 7:0')
  expect([mode(password), mode('secrets/gateway')]).toEqual([0o600, 0o700])
  expect(scene.text('.env')).toBe('# mine\nTMGEN_LOG_SIZE=1m\nTMGEN_UID=0\nTMGEN_GID=0\n')
  expect(scene.disk.snapshot('', /\.env$|smb\/alice\/password$/)).toEqual(rest)
  expect((await scene.tmgen('doctor --fix --yes')).stderr).toContain('nothing that --fix could repair')
})

test('without --fix nothing is changed, and without --yes neither where nobody can be asked', async () => {
  const before = scene.disk.snapshot('')
  await scene.tmgen('doctor')
  const refused = await scene.tmgen('doctor --fix')
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringMatching(/can be repaired.*--yes is missing/s)])
  expect(scene.disk.snapshot('')).toEqual(before)
})

test('on a terminal each is asked about by itself', async () => {
  const select: Prompts['select'] = async (question) => (question.includes('.env') ? 'yes' : 'no')
  const { stdout } = await scene.tmgen('doctor --fix --json', { prompts: { select } as Prompts })
  const told = JSON.parse(stdout) as Told
  expect(told.repairs.map(({ check, done }) => [check, done])).toEqual([
    ['workspace-owner', true],
    ['secrets', false],
    ['secrets', false],
  ])
  expect(verdicts(told)).toEqual(['ok', 'fail'])
  expect(mode(password)).toBe(0o644)
})

test('a missing .env is made; a link in its place, or in secrets/, is left alone', async () => {
  scene.disk.remove(`${dir}/.env`)
  scene.disk.put('/etc/shadow', 'x', 0o644)
  scene.disk.link(`${dir}/secrets/other`, '/etc/shadow')
  await scene.tmgen('doctor --fix --yes')
  expect(scene.text('.env')).toBe('TMGEN_UID=0\nTMGEN_GID=0\n')
  scene.disk.remove(`${dir}/.env`)
  scene.options = { host: { machineId: 'a'.repeat(32) } }
  await scene.tmgen('doctor --fix --yes')
  expect(scene.text('.env')).toBe('TMGEN_UID=0\nTMGEN_GID=0\nTMGEN_MACHINE_ID=/etc/machine-id\n')
  expect(scene.disk.nodes.get('/etc/shadow')?.mode).toBe(0o644)
  scene.disk.put('/home/me/env', 'TMGEN_UID=9\nTMGEN_GID=9\n')
  scene.disk.link(`${dir}/.env`, '/home/me/env')
  const before = scene.disk.snapshot('')
  expect((await scene.tmgen('doctor --fix --yes')).stderr).toContain('nothing that --fix could repair')
  expect(scene.disk.snapshot('')).toEqual(before)
})

test('what only the group can read is open too', async () => {
  open(password, 0o640)
  expect((await scene.tmgen('doctor --fix --yes')).stderr).toContain('mode 600 in place of 640')
  expect(mode(password)).toBe(0o600)
})

test('.env is left alone where the state of the gateway belongs to whom it names, or to a third', async () => {
  const before = scene.text('.env')
  scene.disk.mkdirs(`${dir}/state/gateway`)
  scene.disk.owners.set(`${dir}/state/gateway`, { uid: 7, gid: 0 })
  const { stderr } = await scene.tmgen('doctor --fix --yes')
  expect(stderr).not.toContain('.env')
  expect(stderr).toContain('✓ close')
  expect(scene.text('.env')).toBe(before)
})

test('on another host nothing is done until it is adopted', async () => {
  scene.disk.put(`${dir}/state/host.json`, JSON.stringify({ version: 1, machine: 'f'.repeat(64) }), 0o600)
  scene.options = { host: { machineId: 'a'.repeat(32) } }
  const before = scene.disk.snapshot('')
  const { code, stderr } = await scene.tmgen('doctor --fix --yes')
  expect([code, stderr]).toEqual([1, expect.stringMatching(/error\[host\].*tmgen adopt/s)])
  expect(scene.disk.snapshot('')).toEqual(before)
})

test.each<[string, () => void, string]>([
  ['.env', () => scene.disk.put(`${dir}/.env`, 'TMGEN_UID=8\n'), 'name the owner'],
  ['a file that became a link', () => scene.disk.link(`${dir}/${password}`, '/etc/shadow'), 'close secrets/smb'],
])('what was changed while the person was asked is not written over: %s', async (_what, change, title) => {
  scene.disk.put('/etc/shadow', 'x')
  let before = {}
  const select: Prompts['select'] = async (question) => {
    if (!question.includes(title)) return 'no'
    change()
    before = scene.disk.snapshot('', /state\//)
    return 'yes'
  }
  const { code, stderr } = await scene.tmgen('doctor --fix', { prompts: { select } as Prompts })
  expect([code, stderr]).toEqual([1, expect.stringContaining('it was changed meanwhile')])
  expect(scene.disk.snapshot('', /state\//)).toEqual(before)
})

test('what could not be looked at is not repaired: with host: remote the secrets alone are closed', async () => {
  const yaml = scene.text('tmgen.yaml')
  scene.disk.put(`${dir}/tmgen.yaml`, `host: remote\n${yaml.replace(/^host: local\n/m, '')}`)
  const { stderr } = await scene.tmgen('doctor --fix --yes')
  expect(stderr).toContain('✓ close secrets/smb/alice/password')
  expect(stderr).not.toContain('.env')
})

test('nothing is offered for storage, quotas and shares: that is data of people, or needs a look at the disk', async () => {
  const fixable = checks.filter(({ repair }) => repair !== undefined).map(({ name }) => name)
  expect(fixable).toEqual(['workspace-owner', 'secrets'])
})

test('another tmgen at work is waited for by the person, not run over', async () => {
  scene.disk.locks.set(`${dir}/state/tmgen.run.lock`, { command: 'apply', isAlive: () => true })
  const before = scene.disk.snapshot('')
  const { code, stderr } = await scene.tmgen('doctor --fix --yes')
  expect([code, stderr]).toEqual([1, expect.stringContaining('error[busy]')])
  expect(scene.disk.snapshot('')).toEqual(before)
})
