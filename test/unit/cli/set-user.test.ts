import { beforeEach, describe, expect, test } from 'vitest'
import { dir, Scene } from './scene.ts'

let scene: Scene
const node = (name: string) => {
  const { apps } = JSON.parse(scene.text('generated/caddy/config.json'))
  return apps.tailscale.nodes[name] as { pin_epoch?: number }
}

beforeEach(async () => {
  scene = await Scene.with('manual')
  await scene.tmgen('add user alice --login alice@example.com')
  await scene.tmgen('add user bob --login bob@example.com')
})

describe('set user --rebind', () => {
  test('raises the pin epoch of that node by one each time, and touches nothing else of the stack', async () => {
    const before = scene.disk.snapshot(dir)
    const { code, stdout, stderr } = await scene.tmgen('set user alice --rebind')
    expect([code, stdout]).toEqual([0, ''])
    expect(stderr).toContain('whoever connects with each of them next')
    expect(node('alice').pin_epoch).toBe(1)
    expect(node('bob').pin_epoch).toBeUndefined()
    const after = scene.disk.snapshot(dir) as Record<string, unknown>
    const changed = Object.keys(after).filter((path) => !Object.is(after[path], (before as typeof after)[path]))
    expect(changed.map((path) => path.replace(`${dir}/`, '')).sort()).toEqual([
      'generated/caddy/config.json',
      'state/allocation.json',
      'state/manifest.json',
      'tmgen.lock.json',
    ])
    await scene.tmgen('set user alice --rebind')
    expect(node('alice').pin_epoch).toBe(2)
  })

  test('is kept by later commands', async () => {
    await scene.tmgen('set user alice --rebind')
    await scene.tmgen('add mac alice imac')
    await scene.tmgen('generate')
    expect(node('alice').pin_epoch).toBe(1)
  })

  test('--json prints what was done', async () => {
    const { stdout } = await scene.tmgen('set user alice --rebind --json')
    expect(JSON.parse(stdout)).toMatchObject({
      user: 'alice',
      rebind: true,
      steps: [{ path: 'tmgen.lock.json' }, {}, {}],
    })
  })

  test.each([
    ['set user alise --rebind', 1, 'no user "alise" in tmgen.yaml', 'did you mean alice?'],
    ['set user zacharias --rebind', 1, 'no user "zacharias" in tmgen.yaml', 'users: alice, bob'],
    ['set user alice', 2, 'nothing to set', '--rebind'],
    ['set user alice --mac mac', 2, '--quota is missing', 'set user alice --mac mac --quota'],
    ['set user alice --quota 1.5T', 2, 'must be whole digits', '1.5T'],
    ['set user alice --quota 1T --mac imac', 1, '"alice" has no Mac "imac"', 'did you mean mac?'],
    ['set user alice --login a --add-login b', 2, 'cannot be used with option', '--add-login'],
    ['set user alice --remove-login alice@example.com', 1, 'nobody could connect', 'enabled: false'],
  ])('%s is refused and changes nothing', async (line, exitCode, message, hint) => {
    const before = scene.disk.snapshot(dir)
    const { code, stderr } = await scene.tmgen(line)
    expect(code).toBe(exitCode)
    expect(stderr).toContain(message)
    expect(stderr).toContain(hint)
    expect(scene.disk.snapshot(dir)).toEqual(before)
  })
})

describe('set user', () => {
  test('--quota changes the share of that user alone, and says how it takes effect', async () => {
    const bob = scene.text('generated/users/bob/smb.conf')
    const { code, stderr } = await scene.tmgen('set user alice --quota 7G')
    expect(code).toBe(0)
    expect(stderr).toContain('Next: docker compose up -d\n')
    expect(scene.text('generated/users/alice/smb.conf')).toContain('max size = 7G')
    expect(scene.text('generated/users/bob/smb.conf')).toBe(bob)
    expect((await scene.tmgen('set user alice --quota 7G')).stderr).toContain('nothing to do')
  })

  test('logins change what the gateway lets in, and what the policy must say', async () => {
    const allow = () => (node('alice') as { allow?: string[] }).allow
    const { stderr } = await scene.tmgen('set user alice --add-login new@example.com --remove-login alice@example.com')
    expect(allow()).toEqual(['new@example.com'])
    expect(stderr).toContain('lets in by the new list at once')
    expect(stderr).toContain('tmgen policy show')
    await scene.tmgen('set user alice --login x@example.com --login y@example.com')
    expect(allow()).toEqual(['x@example.com', 'y@example.com'])
  })

  test('a new login is made in the control plane; one is taken away even while that does not answer', async () => {
    scene = await Scene.with('headscale')
    await scene.tmgen('add user alice --login alice')
    await scene.tmgen('set user alice --add-login ann')
    expect(scene.headscale.users.map((user) => user.name)).toEqual(['alice', 'ann'])
    scene.env = {}
    expect((await scene.tmgen('set user alice --add-login eve')).code).toBe(1)
    const { code, stderr } = await scene.tmgen('set user alice --remove-login alice')
    expect(code).toBe(0)
    expect(stderr).toContain('note: the control plane was not looked at')
    expect((node('alice') as { allow?: string[] }).allow).toEqual(['ann'])
  })
})

describe('list', () => {
  const says = (alice: object) => {
    scene.dockerAnswer = () => ({ exitCode: 0, stdout: JSON.stringify({ nodes: { alice } }), stderr: '' })
  }

  test('warns of a login that belongs to another account, with the remedy', async () => {
    const times = { since: '2026-01-02T03:00:00Z', last: '2026-01-02T04:00:00Z' }
    const change = { login: 'alice@example.com', old_id: '1', new_id: '5', ...times }
    says({ state: 'running', login_changed: [change] })
    const { stdout, stderr } = await scene.tmgen('list')
    expect(stdout).toMatch(/^alice .*login changed/m)
    expect(stderr).toMatch(
      /note: tm-alice: login alice@example.com is refused .* account 5 .* 1; .*tmgen set user alice --rebind/,
    )
    expect(JSON.parse((await scene.tmgen('list --json')).stdout).users[0].gateway.login_changed).toEqual([change])
  })

  test('warns of pins that cannot be read, as the gateway does', async () => {
    says({ state: 'running', pins_error: 'pins-0.json: not valid\u001b[2J; nobody is let in' })
    const { stderr } = await scene.tmgen('list')
    expect(stderr).toContain('note: tm-alice: pins-0.json: not valid\\u{1b}[2J; nobody is let in')
  })
})
