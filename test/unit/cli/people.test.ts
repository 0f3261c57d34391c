import { beforeEach, describe, expect, test } from 'vitest'
import { dir, planted, Scene } from './scene.ts'

const onTerminal = { stdout: { write: () => {}, isTTY: true } }
let scene: Scene

/** The image is FROM scratch: nothing is on a PATH, so the program needs its whole path. */
const gatewaySays = (nodes: object) => (args: string[]) =>
  args.join(' ') === 'compose exec -T gateway /tmgen-gateway status --json'
    ? { exitCode: 0, stdout: JSON.stringify({ nodes }), stderr: '' }
    : { exitCode: 127, stdout: '', stderr: 'no such program' }

describe('with Headscale', () => {
  beforeEach(async () => {
    scene = await Scene.with('headscale')
  })

  test('add user mints a key, writes it 0600, and says what comes next', async () => {
    const { code, stdout, stderr } = await scene.tmgen(
      'add user alice --login alice@example.com --mac macbook --quota 1T',
    )
    expect([code, stdout]).toEqual([0, ''])
    expect(stderr).toContain('Next: docker compose up -d\nThen: tmgen guide alice\n')
    expect(scene.text('secrets/gateway/alice.authkey')).toBe(`hskey-auth-${planted}-1\n`)
    expect(scene.disk.nodes.get(`${dir}/secrets/gateway/alice.authkey`)?.mode).toBe(0o600)
    expect(scene.headscale.keys[0]).toMatchObject({ aclTags: ['tag:tm-alice'], reusable: false })
  })

  test('add user without --mac gives one share named mac', async () => {
    await scene.tmgen('add user alice --login alice@example.com')
    expect(scene.text('tmgen.yaml')).toContain('- name: mac\n')
  })

  test('add user --json prints steps and notes, and no content of any', async () => {
    const { stdout } = await scene.tmgen('add user alice --login alice@example.com --json')
    const { user, steps } = JSON.parse(stdout) as { user: string; steps: { kind: string; content?: string }[] }
    expect(user).toBe('alice')
    expect(steps.map((step) => step.kind)).toContain('mint-key')
    expect(steps.every((step) => !('content' in step))).toBe(true)
  })

  test('a broader rule in the policy is named by add user and by list', async () => {
    scene.headscale.policy = '{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}'
    expect((await scene.tmgen('add user alice --login alice@example.com')).stderr).toMatch(
      /isolation: policy open: .*\*:\*/,
    )
    const { stdout, stderr } = await scene.tmgen('list')
    expect(stdout).toMatch(/^alice .*policy open$/m)
    expect(stderr).toMatch(/policy open for alice: .*\*:\*/)
  })

  test('a refused API key leaves all as it was and names the variable', async () => {
    const before = scene.disk.snapshot(dir)
    scene.env.TMGEN_HEADSCALE_API_KEY = `wrong-${planted}`
    const { code, stderr } = await scene.tmgen('add user alice --login alice@example.com')
    expect(code).toBe(1)
    expect(stderr).toMatch(/^error\[control-auth\]: /m)
    expect(stderr).toContain('TMGEN_HEADSCALE_API_KEY')
    expect(scene.disk.snapshot(dir)).toEqual(before)
  })

  test('a second user of the same name is refused with the place of the first', async () => {
    await scene.tmgen('add user alice --login alice@example.com')
    const before = scene.disk.snapshot(dir)
    const { code, stderr } = await scene.tmgen('add user alice --login alice@example.com')
    expect(code).toBe(1)
    expect(stderr).toMatch(/^tmgen\.yaml:\d+:\d+: user "alice" exists already$/m)
    expect(scene.disk.snapshot(dir)).toEqual(before)
  })

  test('list shows key, node and isolation; --offline asks nobody', async () => {
    await scene.tmgen('add user alice --login alice@example.com --mac macbook --quota 1T')
    scene.headscale.policy = '{"acls": []}'
    const { stdout } = await scene.tmgen('list')
    expect(stdout).toMatch(/^alice +tm-alice +not running +macbook 1T +ready until 2026-01-05T03:04Z +no +closed$/m)
    scene.headscale.requests.length = 0
    expect((await scene.tmgen('list --offline')).stdout).toMatch(/unknown$/m)
    expect(scene.headscale.requests).toEqual([])
  })

  test('list goes on without the control plane and says why', async () => {
    await scene.tmgen('add user alice --login alice@example.com')
    scene.env = {}
    const { code, stdout, stderr } = await scene.tmgen('list --json')
    expect(code).toBe(0)
    expect(stderr).toContain(
      'note: the control plane was not looked at: the environment variable TMGEN_HEADSCALE_API_KEY',
    )
    expect(JSON.parse(stdout)).toMatchObject({ users: [{ name: 'alice', isolation: null }], broaderRules: null })
  })

  test('list shows what the running gateway says', async () => {
    await scene.tmgen('add user alice --login alice@example.com')
    const alice = { state: 'needs_key', hostname: 'tm-alice', key_needed: true, last_error: 'bad key\u001b[2J' }
    scene.dockerAnswer = gatewaySays({ alice })
    const { stdout, stderr } = await scene.tmgen('list')
    expect(stdout).toMatch(/^alice +tm-alice +needs_key /m)
    expect(stderr).toContain('note: tm-alice: bad key\\u{1b}[2J')
  })

  test('keys that somebody else makes: status and provision say how to hand one over, until it is there', async () => {
    scene = await Scene.with('manual')
    await scene.tmgen('add user alice --login alice@example.com')
    scene.disk.put(`${dir}/tmgen.yaml`, `${scene.text('tmgen.yaml')}dashboard: {operators: [olga@example.com]}\n`)
    await scene.tmgen('generate')
    const { stderr } = await scene.tmgen('status')
    for (const name of ['alice', 'dashboard'])
      expect(stderr).toContain(`${name}: the auth key is missing: tmgen provision ${name} --auth-key-file FILE\n`)
    expect((await scene.tmgen('provision')).stderr).toMatch(
      /\nnothing was done: alice, dashboard still without an auth key\n$/,
    )
    scene.disk.put(`${dir}/a.key`, `tskey-${planted}`)
    for (const name of ['alice', 'dashboard']) await scene.tmgen(`provision ${name} --auth-key-file a.key`)
    expect((await scene.tmgen('provision')).stderr).toMatch(/\nnothing to do\n$/)
  })

  test('provision mints again once the key ran out, and nothing before', async () => {
    await scene.tmgen('add user alice --login alice@example.com')
    expect((await scene.tmgen('provision')).stderr).toContain('nothing to do')
    scene.options = { now: new Date('2026-02-01T00:00:00Z') }
    await scene.tmgen('provision')
    expect(scene.text('secrets/gateway/alice.authkey')).toBe(`hskey-auth-${planted}-2\n`)
  })

  test('invite prints the key on a terminal, and elsewhere only into a new file of mode 0600', async () => {
    await scene.tmgen('add user alice --login alice@example.com')
    expect((await scene.tmgen('invite alice', onTerminal)).stdout).toBe(`hskey-auth-${planted}-2\n`)
    const refused = await scene.tmgen('invite alice')
    expect([refused.code, refused.stdout]).toEqual([2, ''])
    expect((await scene.tmgen('invite alice --key-file alice.key')).code).toBe(0)
    expect(scene.text('alice.key')).toBe(`hskey-auth-${planted}-3\n`)
    expect(scene.disk.nodes.get(`${dir}/alice.key`)?.mode).toBe(0o600)
    expect((await scene.tmgen('invite alice --key-file alice.key')).stderr).toContain('exists already')
    expect(scene.headscale.keys.length).toBe(3)
  })

  test('invite refuses a login that is not the user’s', async () => {
    await scene.tmgen('add user alice --login alice@example.com')
    const { code, stderr } = await scene.tmgen('invite alice --login bob@example.com', onTerminal)
    expect(code).toBe(2)
    expect(stderr).toContain('hint: logins: alice@example.com')
  })

  test('guide has the password on request and on a terminal only', async () => {
    await scene.tmgen('add user alice --login alice@example.com')
    const password = scene.text('secrets/smb/alice/password').trim()
    expect(password.length).toBeGreaterThan(20)
    const { stdout, stderr } = await scene.tmgen('guide alice')
    expect(stdout).not.toContain(password)
    expect(stderr).toContain('note: the password is not in it; give it by another way: tmgen guide alice --password\n')
    const refused = await scene.tmgen('guide alice --password')
    expect([refused.code, refused.stdout]).toEqual([2, ''])
    expect((await scene.tmgen('guide alice --password', onTerminal)).stdout).toContain(password)
    expect((await scene.tmgen('guide alice --restore --password', onTerminal)).stdout).toContain(password)
  })

  test('guide --invite puts a join key in, on a terminal only', async () => {
    await scene.tmgen('add user alice --login alice@example.com')
    expect((await scene.tmgen('guide alice --invite')).code).toBe(2)
    expect(scene.headscale.keys.length).toBe(1)
    const { stdout } = await scene.tmgen('guide alice --invite', onTerminal)
    expect(stdout).toContain(`--auth-key hskey-auth-${planted}-2`)
  })

  test('guide takes the full name from the gateway', async () => {
    await scene.tmgen('add user alice --login alice@example.com')
    const alice = { state: 'running', dns_name: 'tm-alice.example.net' }
    scene.dockerAnswer = gatewaySays({ alice })
    expect((await scene.tmgen('guide alice')).stdout).toContain('smb://alice@tm-alice.example.net/mac')
  })

  test('no secret is printed by any command, nor in JSON', async () => {
    await scene.tmgen('add user alice --login alice@example.com --json')
    const password = scene.text('secrets/smb/alice/password').trim()
    const workspaceKey = scene.text('secrets/workspace.key').trim()
    for (const line of [
      'add user bob --login bob@example.com',
      'add mac alice imac',
      'set user alice --rebind',
      'list',
      'list --json',
      'generate --json',
      'generate --check',
      'provision --json',
      'policy show',
      'policy show --json',
      'guide alice',
      'guide alice --restore',
      'config schema',
      'config reference',
      'invite alice --key-file k',
      'add user eve --login eve@example.com --auth-key-file k',
      'nonsense',
    ])
      await scene.tmgen(line)
    expect(scene.printed).not.toContain(planted)
    expect(scene.printed).not.toContain(password)
    expect(scene.printed).not.toContain(workspaceKey)
    expect(scene.printed.length).toBeGreaterThan(5000)
  })
})

describe('with keys pasted in', () => {
  beforeEach(async () => {
    scene = await Scene.with('manual')
  })

  test('add user takes the key from standard input', async () => {
    const stdin = { read: async () => new TextEncoder().encode(` tskey-auth-${planted} \n`) }
    const { code } = await scene.tmgen('add user alice --login a@example.com --auth-key-file -', { stdin })
    expect(code).toBe(0)
    expect(scene.text('secrets/gateway/alice.authkey')).toBe(`tskey-auth-${planted}\n`)
    expect(scene.printed).not.toContain(planted)
  })

  test('add user without a key says which command takes it', async () => {
    const { code, stderr } = await scene.tmgen('add user alice --login a@example.com')
    expect(code).toBe(0)
    expect(stderr).toContain('tmgen provision alice --auth-key-file FILE')
  })

  test.each([
    ['is empty', '', /holds no auth key/],
    ['holds several words', `one ${planted} three`, /must be one word/],
    ['is far too long', planted.repeat(200), /cannot read|must be one word/],
  ])('a key file that %s is refused without its content, and nothing changes', async (_name, content, message) => {
    scene.disk.put(`${dir}/k`, content)
    const before = scene.disk.snapshot(dir)
    const { code, stderr } = await scene.tmgen('add user alice --login a@example.com --auth-key-file k')
    expect(code).toBe(1)
    expect(stderr).toMatch(message)
    expect(stderr).not.toContain(planted)
    expect(scene.disk.snapshot(dir)).toEqual(before)
  })

  test('a key file that is not there is refused by name', async () => {
    const { stderr } = await scene.tmgen('add user alice --login a@example.com --auth-key-file none')
    expect(stderr).toMatch(/^error\[secret\]: --auth-key-file none: there is no such file$/m)
  })

  test('provision with a key needs the name of its user', async () => {
    const { code, stderr } = await scene.tmgen('provision --auth-key-file k')
    expect(code).toBe(2)
    expect(stderr).toContain('tmgen provision NAME --auth-key-file FILE')
  })

  test('invite says that there are no join keys to make', async () => {
    await scene.tmgen('add user alice --login a@example.com')
    const { code, stderr } = await scene.tmgen('invite alice', onTerminal)
    expect(code).toBe(2)
    expect(stderr).toContain('provider manual has no join keys')
  })

  test('guide and invite name the users that there are for one that is not', async () => {
    await scene.tmgen('add user alice --login a@example.com')
    for (const line of ['guide bob', 'invite bob']) {
      const { code, stderr } = await scene.tmgen(line, onTerminal)
      expect(code, line).toBe(2)
      expect(stderr).toContain('hint: users: alice')
    }
  })
})
