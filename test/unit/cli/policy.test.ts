import { parse } from 'jsonc-parser'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Prompts } from '../../../src/ui/prompts.ts'
import { dir, Scene } from './scene.ts'

/** Somebody's policy, with comments, a trailing comma and CRLF. */
const theirs = [
  '// ACME, reviewed every quarter',
  '{',
  '\t"acls": [ // rules',
  '\t\t{"action": "accept", "src": ["autogroup:member"], "dst": ["tag:web:443"]}, /* the shop */',
  '\t],',
  '\t"tagOwners": {"tag:web": ["group:it"]},',
  '\t"groups": {"group:it": ["root@"],},',
  '}',
  '',
].join('\r\n')

let scene: Scene

beforeEach(async () => {
  scene = await Scene.with('headscale')
  await scene.tmgen('add user alice --login alice@example.com')
  await scene.tmgen('add user bob --login bob')
  scene.headscale.policy = theirs
})

const puts = () => scene.headscale.requests.filter((one) => one.startsWith('PUT'))
const noUsers = () => {
  const text = scene.text('tmgen.yaml')
  scene.disk.put(`${dir}/tmgen.yaml`, `${text.slice(0, text.indexOf('users:\n'))}users: []\n`)
}
const enrol = () => {
  const of = (id: string, tags: string[], user: string) => ({ id, name: `n${id}`, tags, user: { name: user } })
  scene.headscale.nodes = [
    { ...of('1', ['tag:tm-alice'], 'tagged-devices'), ipAddresses: ['100.64.0.1'], givenName: 'tm-alice' },
    { ...of('2', ['tag:tm-bob'], 'tagged-devices'), ipAddresses: ['100.64.0.2'], givenName: 'tm-bob' },
    { ...of('3', [], 'bob'), ipAddresses: ['100.64.0.3'] },
  ]
}

describe('policy apply', () => {
  test('shows the difference, writes, and keeps every byte of the person; again there is nothing to do', async () => {
    const { code, stdout, stderr } = await scene.tmgen('policy apply --yes')
    expect([code, stdout]).toEqual([0, ''])
    expect(stderr).toContain('+\t\t{ "action": "accept", "proto": "tcp", "src": ["bob@"], "dst": ["tag:tm-bob:445"] },')
    expect(stderr.match(/^-.*/gm)).toEqual(['-\t"tagOwners": {"tag:web": ["group:it"]},'])
    expect(stderr).toContain('the tailnet policy is written')
    const { policy } = scene.headscale
    expect(policy.replace(/\r\n\t\t\/\* tmgen \w+ begin.*?(end \*\/|these lines \*\/\r\n\t\t)/gs, '')).toBe(theirs)
    expect(parse(policy)).toMatchObject({
      tagOwners: { 'tag:tmgen': [], 'tag:tm-alice': [], 'tag:web': ['group:it'] },
      acls: [{ src: ['alice@example.com'] }, { src: ['bob@'] }, {}, { dst: ['tag:web:443'] }],
    })
    expect((await scene.tmgen('policy apply --yes')).stderr).toContain('nothing to do')
    expect(puts()).toHaveLength(1)
  })

  test('without users takes it out again, to the byte', async () => {
    await scene.tmgen('policy apply --yes')
    noUsers()
    const { code, stderr } = await scene.tmgen('policy apply --yes')
    expect([code, scene.headscale.policy]).toEqual([0, theirs])
    expect(stderr).toMatch(/^-\t\t\/\* tmgen [0-9a-f]{16} begin/m)
    expect((await scene.tmgen('policy apply --yes')).stderr).toContain('nothing to do')
  })

  test('adds tests for those who are enrolled, where the server has tests', async () => {
    enrol()
    await scene.tmgen('policy apply --yes')
    expect(parse(scene.headscale.policy).tests).toEqual([
      { src: 'bob@', proto: 'tcp', accept: ['tag:tm-bob:445'], deny: ['tag:tm-alice:445'] },
    ])
    scene.headscale.version = 'v0.28.0'
    await scene.tmgen('policy apply --yes')
    expect(parse(scene.headscale.policy).tests).toBeUndefined()
    expect(scene.headscale.policy).not.toContain('"tests"')
  })

  test('needs --yes without a terminal, shows the difference all the same, and writes nothing', async () => {
    const before = scene.disk.snapshot(dir)
    const { code, stderr } = await scene.tmgen('policy apply')
    expect(code).toBe(2)
    expect(stderr).toContain('+\t\t"tag:tmgen": [],')
    expect(stderr).toMatch(/error\[usage\]: --yes is missing/)
    expect([scene.headscale.policy, scene.disk.snapshot(dir)]).toEqual([theirs, before])
  })

  test.each([
    ['no', 130, 0],
    ['yes', 0, 1],
  ])('on a terminal asks; %s gives %i', async (answer, exit, times) => {
    const prompts = { select: async () => answer } as unknown as Prompts
    expect((await scene.tmgen('policy apply', { prompts })).code).toBe(exit)
    expect(puts()).toHaveLength(times)
    // The run lock is free again.
    expect((await scene.tmgen('policy apply --yes')).code).toBe(0)
  })

  test('a policy that somebody changed meanwhile is read and shown again, never overwritten', async () => {
    const newer = theirs.replace('tag:web:443', 'tag:web:80')
    const prompts = {
      select: async () => {
        scene.headscale.policy = newer
        return 'yes'
      },
    } as unknown as Prompts
    const { code, stderr } = await scene.tmgen('policy apply', { prompts })
    expect(code).toBe(0)
    expect(stderr).toContain('note: the policy was changed on the server meanwhile: it is read again')
    expect(puts()).toHaveLength(1)
    expect(scene.headscale.policy).toContain('tag:web:80')
    expect(scene.headscale.policy).toContain('"tag:tm-alice"')
  })

  test('gives up where it changes each time', async () => {
    let n = 0
    const prompts = {
      select: async () => {
        scene.headscale.policy = theirs.replace('443', String(++n))
        return 'yes'
      },
    } as unknown as Prompts
    const { code, stderr } = await scene.tmgen('policy apply', { prompts })
    expect([code, n, puts()]).toEqual([1, 3, []])
    expect(stderr).toContain('error[control-changed]')
  })

  test('an answer that is lost is looked up, and nothing is sent twice', async () => {
    const lose = (isWritten: boolean) => (request: string) => {
      if (!request.startsWith('PUT')) return
      scene.headscale.before = () => undefined
      if (isWritten) scene.headscale.policy = wanted
      throw Object.assign(new TypeError('fetch failed'), { cause: Object.assign(new Error(), { code: 'ECONNRESET' }) })
    }
    await scene.tmgen('policy apply --yes')
    const wanted = scene.headscale.policy
    for (const isWritten of [true, false]) {
      scene.headscale.policy = theirs
      scene.headscale.requests.length = 0
      scene.headscale.before = lose(isWritten)
      const { code, stderr } = await scene.tmgen('policy apply --yes')
      expect([code, puts()]).toEqual([isWritten ? 0 : 1, ['PUT /api/v1/policy']])
      if (!isWritten) expect(stderr).toContain('error[control-unreachable]')
    }
    expect((await scene.tmgen('policy apply --yes')).code).toBe(0)
  })

  test('what the server holds afterwards is read back', async () => {
    scene.headscale.before = (request) => {
      // Somebody else writes right behind us.
      const isBack = puts().length === 1 && request === 'GET /api/v1/policy'
      if (isBack) scene.headscale.policy = theirs
    }
    const { code, stderr } = await scene.tmgen('policy apply --yes')
    expect(code).toBe(1)
    expect(stderr).toContain('the control plane holds another policy than the one that was written')
  })

  test('what the server refuses is not asked about', async () => {
    scene.headscale.refuse = { 'POST /api/v1/policy/check': 'test(s) failed' }
    const prompts = { select: async () => expect.fail('it was asked') } as unknown as Prompts
    const { code, stderr } = await scene.tmgen('policy apply', { prompts })
    expect([code, puts()]).toEqual([1, []])
    expect(stderr).toContain('test(s) failed')
    expect(stderr).toContain('error[control-refused]')
  })

  test('a change for everybody is told twice', async () => {
    scene.headscale.policy = '{"tagOwners": {}}'
    const refused = await scene.tmgen('policy apply --yes')
    expect([refused.code, puts()]).toEqual([2, []])
    expect(refused.stderr).toMatch(/all that no rule allows ends for everybody.*\nhint: .*--tailnet-wide --yes/)
    const asked: string[] = []
    const text = async (question: string) => void asked.push(question)
    const prompts = { text, select: async () => expect.fail('another question') } as unknown as Prompts
    expect((await scene.tmgen('policy apply', { prompts })).code).toBe(0)
    expect(asked).toEqual(['Type everybody to go on'])
    noUsers()
    expect((await scene.tmgen('policy apply --yes')).stderr).toContain('everything is allowed then')
    expect((await scene.tmgen('policy apply --yes --tailnet-wide')).code).toBe(0)
    expect(scene.headscale.policy).toBe('{"tagOwners": {}}')
  })

  test('leaves all else alone: files, keys, storage', async () => {
    scene.disk.put(`${dir}/generated/users/alice/smb.conf`, 'changed by hand')
    scene.disk.put('/srv/tm/alice/.tmgen.json', '{"workspace": "another"}')
    expect((await scene.tmgen('apply --no-up')).stderr).toContain('belongs to another user')
    const [cidr = ''] = /10\.\d+\.\d+\.0\/22/.exec(scene.text('tmgen.yaml')) ?? []
    scene.options = { host: { routes: [{ cidr, name: 'another network' }] } }
    expect((await scene.tmgen('apply --no-up')).stderr).toContain('another network')
    const before = scene.disk.snapshot('')
    expect((await scene.tmgen('policy apply --yes')).code).toBe(0)
    expect(scene.disk.snapshot('')).toEqual(before)
  })

  test('--json says what was done', async () => {
    const { stdout } = await scene.tmgen('policy apply --yes --json')
    expect(JSON.parse(stdout)).toMatchObject({ changed: true, everybody: null, diff: expect.stringContaining('@@ -1') })
    expect(JSON.parse((await scene.tmgen('policy apply --json')).stdout)).toMatchObject({ changed: false, diff: '' })
  })

  test('with provider manual says what to do instead', async () => {
    const manual = await Scene.with('manual')
    await manual.tmgen('add user alice --login alice')
    expect((await manual.tmgen('policy apply --yes')).stderr).toMatch(/writes no policy\nhint: .*tmgen policy show/)
  })
})

describe('policy check', () => {
  test('exits 0 once it isolates, and says who cannot get in', async () => {
    const before = await scene.tmgen('policy check')
    expect([before.code, before.stdout]).toEqual([0, ''])
    expect(before.stderr).toContain('no rule lets alice, bob in')
    await scene.tmgen('policy apply --yes')
    const { code, stderr } = await scene.tmgen('policy check')
    expect(code).toBe(0)
    expect(stderr).toContain('isolated: nobody but its user reaches a node')
    expect(stderr).not.toContain('no rule lets')
  })

  test('exits 2 when it is open, and names each rule with its line', async () => {
    scene.headscale.policy = theirs.replace('"autogroup:member"', '"*"').replace('"tag:web:443"', '"*:*"')
    const { code, stdout, stderr } = await scene.tmgen('policy check')
    expect(code).toBe(2)
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^line 4: lets others reach alice, bob: \{"action":"accept","src":\["\*"\]/),
      expect.stringMatching(/^line 4: lets the node of alice, bob reach others: /),
      '',
    ])
    expect(stderr).not.toContain('isolated:')
    const json = JSON.parse((await scene.tmgen('policy check --json')).stdout)
    expect(json).toMatchObject({ isolated: false, findings: [{ kind: 'reach', line: 4, users: ['alice', 'bob'] }, {}] })
  })

  test('exits 1 when it could not look, and claims nothing', async () => {
    scene.env = {}
    const { code, stdout, stderr } = await scene.tmgen('policy check --json')
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ isolated: null })
    expect(stderr).toContain('isolation is not known')
    const manual = await Scene.with('manual')
    expect((await manual.tmgen('policy check')).code).toBe(1)
  })

  test('writes nothing, here or there', async () => {
    const before = scene.disk.snapshot('')
    scene.headscale.requests.length = 0
    await scene.tmgen('policy check')
    expect(scene.disk.snapshot('')).toEqual(before)
    expect(scene.headscale.requests.every((one) => one.startsWith('GET'))).toBe(true)
  })

  test('knows that Headscale 0.26 leaves grants out: such a policy is open', async () => {
    scene.headscale.policy = '{"grants": []}'
    expect((await scene.tmgen('policy check')).code).toBe(0)
    scene.headscale.version = 'v0.26.1'
    const { code, stdout } = await scene.tmgen('policy check')
    expect([code, stdout]).toEqual([2, expect.stringContaining('knows no grants: everything is allowed')])
  })
})

test('plan and apply say who cannot get in, and leave the policy alone', async () => {
  expect((await scene.tmgen('plan')).stderr).toContain('does not let alice, bob in yet: tmgen policy apply')
  expect((await scene.tmgen('apply --no-up')).stderr).toContain('tmgen policy apply')
  expect(puts()).toEqual([])
  await scene.tmgen('policy apply --yes')
  expect((await scene.tmgen('plan')).stderr).not.toContain('policy apply')
})
