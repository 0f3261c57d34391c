import { beforeEach, expect, test } from 'vitest'
import { dir, Scene } from './scene.ts'

let scene: Scene
const password = (user: string) => scene.text(`secrets/smb/${user}/password`).trim()
const label = (user: string) =>
  new RegExp(`samba-${user}:[^]*?tmgen.config: "(\\w+)`).exec(scene.text('generated/docker-compose.yml'))?.[1]

beforeEach(async () => {
  scene = await Scene.with('manual')
  await scene.tmgen('add user alice --login alice')
  await scene.tmgen('add user bob --login bob')
})

test('rotate --password makes a new one, and the definition of that container alone changes', async () => {
  const [hers, his, herLabel, hisLabel] = [password('alice'), password('bob'), label('alice'), label('bob')]
  scene.options = { seed: 7 }
  const { code, stderr } = await scene.tmgen('rotate alice --password')
  expect(code).toBe(0)
  expect(password('alice')).toMatch(/^([a-z2-9]{5}-){4}[a-z2-9]{5}$/)
  expect(password('alice')).not.toBe(hers)
  expect(password('bob')).toBe(his)
  expect(label('alice')).not.toBe(herLabel)
  expect(label('bob')).toBe(hisLabel)
  expect(scene.disk.nodes.get(`${dir}/secrets/smb/alice/password`)?.mode).toBe(0o600)
  expect(stderr).toContain('Next: docker compose up -d')
  expect(stderr).toContain('tmgen guide alice --password')
  expect(scene.printed).not.toContain(password('alice'))
  expect((await scene.tmgen('rotate alice --password --json')).stdout).not.toContain(password('alice'))
  expect((await scene.tmgen('generate --check')).code).toBe(0)
})

test('an unreadable password file is no obstacle to a new one', async () => {
  scene.disk.put(`${dir}/secrets/smb/alice/password`, 'x\n', 0o600)
  expect((await scene.tmgen('generate')).code).toBe(1)
  expect((await scene.tmgen('rotate alice --password')).code).toBe(0)
  expect(password('alice')).toMatch(/^([a-z2-9]{5}-){4}/)
})

test.each([
  ['rotate alise --password', 1, 'no user "alise"'],
  ['rotate alice', 2, '--password or --key is missing'],
  ['rotate alice --password --key', 2, 'cannot be used with'],
  ['rotate alice --key', 2, '--auth-key-file is missing'],
])('%s is refused and changes nothing', async (line, exitCode, message) => {
  const before = scene.disk.snapshot(dir)
  const { code, stderr } = await scene.tmgen(line)
  expect([code, stderr]).toEqual([exitCode, expect.stringContaining(message)])
  expect(scene.disk.snapshot(dir)).toEqual(before)
})

test('a disabled person gets no new password', async () => {
  await scene.tmgen('disable user alice')
  const { code, stderr } = await scene.tmgen('rotate alice --password')
  expect(code).toBe(2)
  expect(stderr).toContain('first: tmgen enable user alice')
})

test('rotate --key takes the key handed over, and says what the Macs and the person have to do', async () => {
  const key = 'hskey-auth-handed-over-0123456789'
  const stdin = { read: async () => new TextEncoder().encode(`${key}\n`) }
  const { code, stderr } = await scene.tmgen('rotate alice --key --auth-key-file -', { stdin })
  expect(code).toBe(0)
  expect(scene.text('secrets/gateway/alice.authkey')).toBe(`${key}\n`)
  expect(stderr).toContain('the new one is named tm-alice-1: rename it there')
  expect(stderr).toContain('On the Macs of alice: nothing to do where the disk is added by name')
  expect(scene.printed).not.toContain(key)
  expect((await scene.tmgen('generate --check')).code).toBe(0)
})
