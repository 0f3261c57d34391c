import { describe, expect, it } from 'vitest'
import { Secret } from '../../../src/secret.ts'
import type { Docker, RunResult } from '../../../src/world.ts'
import { faultOf, providerFor } from './helper.ts'

const headscale = { provider: 'headscale', url: 'https://hs.example' }
const tailscale = { provider: 'tailscale', api: 'https://api.example', tailnet: '-' }

describe('makeProvider', () => {
  it.each([
    ['headscale', headscale, {}, /TMGEN_HEADSCALE_API_KEY is not set/],
    ['headscale, blank', headscale, { TMGEN_HEADSCALE_API_KEY: ' ' }, /TMGEN_HEADSCALE_API_KEY is not set/],
    ['headscale, odd', headscale, { TMGEN_HEADSCALE_API_KEY: 'a\nb' }, /characters that no key has/],
    ['tailscale', tailscale, {}, /TMGEN_TAILSCALE_API_KEY is not set/],
    ['half an OAuth client', tailscale, { TMGEN_TAILSCALE_CLIENT_ID: 'k' }, /TMGEN_TAILSCALE_CLIENT_SECRET is not set/],
  ])('names the variable that is missing: %s', (_, control, env, message) => {
    expect(() => providerFor(control, { env })).toThrow(message)
  })

  it('gives a manual provider that reads nothing and makes nothing', async () => {
    const plane = providerFor({ provider: 'manual' })
    expect([await plane.listKeys(), await plane.listNodes(), await plane.readPolicy()]).toEqual([[], [], undefined])
    expect((await faultOf(plane.expireKey('1'))).code).toBe('control-refused')
  })
})

describe('provider headscale', () => {
  const answering = (answers: Record<string, unknown>) => {
    const asked: { line: string; body: unknown; authorization: string | null }[] = []
    const fetch = async (url: unknown, init: RequestInit = {}) => {
      const line = `${init.method} ${new URL(String(url)).pathname}`
      const authorization = new Headers(init.headers).get('authorization')
      asked.push({ line, body: init.body && JSON.parse(String(init.body)), authorization })
      const answer = answers[line] ?? (line === 'GET /version' ? { version: 'v0.29.3' } : undefined)
      return answer instanceof Response ? answer : Response.json(answer ?? {})
    }
    const env = { TMGEN_HEADSCALE_API_KEY: ' hskey-api-x \n' }
    const now = () => new Date('2026-01-01T00:00:00Z')
    return { asked, plane: providerFor(headscale, { fetch: fetch as typeof globalThis.fetch, env, now }) }
  }

  it.each(['v0.25.1', '0.30.0', '1.0.0'])('refuses version %s and says which are supported', async (version) => {
    const { plane } = answering({ 'GET /version': { version } })
    expect(await faultOf(plane.check())).toMatchObject({
      code: 'control-refused',
      hint: expect.stringContaining('0.26 to 0.29'),
    })
  })

  it.each([
    'v0.28.0',
    'v0.29.3',
    '0.29.0-beta.1',
  ])('takes version %s, asked without the credential', async (version) => {
    const { plane, asked } = answering({ 'GET /version': { version }, 'GET /api/v1/user': { users: [] } })
    expect(await plane.check()).toEqual({ server: 'Headscale', version })
    expect(asked.map((one) => one.authorization)).toEqual([null, 'Bearer hskey-api-x'])
  })

  it('always sends an expiry: without one Headscale makes the key already expired', async () => {
    const preAuthKey = { id: '7', key: 'hskey-auth-y', expiration: '2026-01-04T00:00:00Z', aclTags: ['tag:tm-alice'] }
    const { plane, asked } = answering({ 'POST /api/v1/preauthkey': { preAuthKey } })
    const minted = await plane.mintNodeKey({ tag: 'tag:tm-alice', description: 'x', expirySeconds: 72 * 3600 })
    expect(minted).toMatchObject({ id: '7', expires: new Date('2026-01-04T00:00:00Z') })
    expect(asked.at(-1)?.body).toEqual({
      aclTags: ['tag:tm-alice'],
      reusable: false,
      ephemeral: false,
      expiration: '2026-01-04T00:00:00.000Z',
    })
  })

  it('reads a key of which only half is told as a fault', async () => {
    const { plane } = answering({ 'POST /api/v1/preauthkey': { preAuthKey: { id: '7', key: 'hskey-auth-y' } } })
    const fault = await faultOf(plane.mintNodeKey({ tag: 'tag:x', description: 'x', expirySeconds: 60 }))
    expect(fault.message).toContain('without a value or an expiry')
    expect(fault.message).not.toContain('hskey-auth-y')
  })

  it('finds a person by e-mail, and sends the id', async () => {
    const users = [{ id: '12', name: 'al', email: 'alice@example.com' }]
    const preAuthKey = { id: '8', key: 'hskey-auth-z', expiration: '2026-01-04T00:00:00Z' }
    const { plane, asked } = answering({ 'GET /api/v1/user': { users }, 'POST /api/v1/preauthkey': { preAuthKey } })
    await plane.mintJoinKey({ user: 'alice@example.com', expirySeconds: 60 })
    expect(asked[1]?.body).toMatchObject({ user: '12' })
    expect(await plane.listUsers()).toEqual(['al', 'alice@example.com'])
  })

  it('deletes a node by id, and takes one that is gone already as done', async () => {
    const gone = Response.json({ code: 5, message: 'node not found' }, { status: 404 })
    const { plane, asked } = answering({ 'DELETE /api/v1/node/8': gone })
    await plane.deleteNode('7')
    await plane.deleteNode('8')
    expect(asked.map((one) => one.line)).toEqual(['DELETE /api/v1/node/7', 'DELETE /api/v1/node/8'])
  })

  it('names and tags a node by id', async () => {
    const { plane, asked } = answering({})
    await plane.renameNode('7', 'tm-alicia')
    await plane.tagNode('7', ['tag:tm-alicia'])
    expect(asked.map(({ line, body }) => [line, body])).toEqual([
      ['POST /api/v1/node/7/rename/tm-alicia', undefined],
      ['POST /api/v1/node/7/tags', { tags: ['tag:tm-alicia'] }],
    ])
  })

  it.each([
    'v0.30.0',
    '1.0.0',
  ])('takes a newer version, %s, for one that has what the newest known has', async (version) => {
    const { plane } = answering({ 'GET /version': { version } })
    expect(await plane.policyFeatures()).toEqual({ grants: true, tests: true })
  })

  it.each([404, 405, 501])('leaves checking to the write where the server has no check (%i)', async (status) => {
    const none = Response.json({ code: 5, message: 'Not Found' }, { status })
    await answering({ 'POST /api/v1/policy/check': none }).plane.checkPolicy('{}')
  })

  it('shows what is wrong with a policy, as the server says it', async () => {
    const refused = Response.json({ code: 3, message: 'unknown field: "nonsense"' }, { status: 400 })
    const { plane } = answering({ 'POST /api/v1/policy/check': refused })
    expect((await faultOf(plane.checkPolicy('{}'))).message).toContain('unknown field')
  })

  it.each([
    ['HTTP 500, as real ones answer', 500],
    ['404', 404],
  ])('takes "acl policy not found" as no policy, and no other refusal: %s', async (_what, status) => {
    const body = { code: 2, message: 'loading ACL from database: acl policy not found' }
    const { plane } = answering({ 'GET /api/v1/policy': Response.json(body, { status }) })
    if (status === 500) expect(await plane.readPolicy()).toBeUndefined()
    else expect((await faultOf(plane.readPolicy())).code).toBe('control-refused')
    const other = Response.json({ code: 2, message: 'disk I/O error' }, { status: 500 })
    expect((await faultOf(answering({ 'GET /api/v1/policy': other }).plane.readPolicy())).code).toBe('control-refused')
  })

  it('says what to do where the policy is kept in a file', async () => {
    const body = { code: 2, message: "update is disabled for modes other than 'database'" }
    const { plane } = answering({ 'PUT /api/v1/policy': Response.json(body, { status: 500 }) })
    expect(await faultOf(plane.writePolicy({ text: '{}', etag: undefined }))).toMatchObject({
      hint: expect.stringContaining('policy.mode: database'),
    })
  })
})

describe('provider embedded', () => {
  const control = { provider: 'embedded', baseDomain: 'tailnet.internal' }
  const running = (result: Partial<RunResult>) => {
    const calls: { args: string[]; input: string | undefined }[] = []
    const docker: Docker = {
      run: async (args, options) => {
        const input = options?.input
        calls.push({ args: args.slice(5), input: input instanceof Secret ? input.reveal() : input })
        return { exitCode: 0, stdout: '', stderr: '', ...result }
      },
    }
    return { calls, plane: providerFor(control, { docker }) }
  }

  it('reads the snake_case JSON of the command line, with numbers and absent fields', async () => {
    const stdout = JSON.stringify([
      { id: 1, expiration: { seconds: 1_795_498_878, nanos: 5e8 }, acl_tags: ['tag:tm-a'] },
    ])
    expect(await running({ stdout }).plane.listKeys()).toEqual([
      {
        id: '1',
        tags: ['tag:tm-a'],
        used: false,
        reusable: false,
        expires: new Date(1_795_498_878_500),
        description: undefined,
      },
    ])
    expect(await running({ stdout: 'null\n' }).plane.listNodes()).toEqual([])
  })

  it.each([
    ['never', {}, undefined],
    ['never, as Go’s zero time', { expiry: { seconds: -62_135_596_800 } }, undefined],
    ['at its time', { expiry: { seconds: 1_795_498_878 } }, new Date(1_795_498_878_000)],
    ['at its time, as REST writes it', { expiry: '2026-01-02T03:04:05Z' }, new Date('2026-01-02T03:04:05Z')],
  ])('reads when the key of a node ends: %s', async (_what, extra, expires) => {
    const stdout = JSON.stringify([{ id: 5, name: 'tm-alice', given_name: 'tm-alice', ...extra }])
    expect((await running({ stdout }).plane.listNodes())[0]?.expires).toEqual(expires)
  })

  it('gives the policy by stdin, and a name after the flags', async () => {
    const policy = running({})
    await policy.plane.writePolicy({ text: '{"grants": []}', etag: undefined })
    expect(policy.calls).toEqual([
      { args: ['policy', 'set', '--file', '/dev/stdin', '-o', 'json'], input: '{"grants": []}' },
    ])
    const users = running({ stdout: '{"id": 1, "name": "-x"}' })
    await users.plane.createUser('-x')
    expect(users.calls[0]?.args).toEqual(['users', 'create', '-o', 'json', '--', '-x'])
  })

  it('takes "acl policy not found" as no policy', async () => {
    const stderr =
      'Error: loading ACL policy: rpc error: code = Unknown desc = loading ACL from database: acl policy not found\n'
    expect(await running({ exitCode: 1, stderr }).plane.readPolicy()).toBeUndefined()
  })

  it('deletes a node without a question, and takes one that is gone already as done', async () => {
    const there = running({})
    await there.plane.deleteNode('7')
    expect(there.calls[0]?.args).toEqual(['nodes', 'delete', '--identifier', '7', '--force', '-o', 'json'])
    await running({ exitCode: 1, stderr: '{"error": "node not found"}' }).plane.deleteNode('7')
    const fault = await faultOf(running({ exitCode: 1, stderr: '{"error": "no"}' }).plane.deleteNode('7'))
    expect(fault.code).toBe('control-refused')
  })

  it('names and tags a node by id', async () => {
    const { plane, calls } = running({})
    await plane.renameNode('7', 'tm-alicia')
    await plane.tagNode('7', ['tag:tm-alicia', 'tag:x'])
    expect(calls.map(({ args }) => args.join(' '))).toEqual([
      'nodes rename --identifier 7 -o json -- tm-alicia',
      'nodes tag --identifier 7 --tags tag:tm-alicia,tag:x -o json',
    ])
  })

  it('says how to start a Headscale that does not run', async () => {
    const fault = await faultOf(running({ exitCode: 1, stderr: 'service "headscale" is not running\n' }).plane.check())
    expect(fault).toMatchObject({
      code: 'control-unreachable',
      hint: expect.stringContaining('docker compose up -d headscale'),
    })
    expect(fault.message).toContain('service "headscale" is not running')
  })

  it('shows what Headscale refused', async () => {
    const stderr = '{\n\t"error": "creating user: rpc error: code = Internal desc = UNIQUE constraint failed"\n}\n'
    const fault = await faultOf(running({ exitCode: 1, stderr }).plane.createUser('bob'))
    expect(fault).toMatchObject({ code: 'control-refused' })
    expect(fault.message).toBe('headscale users create failed: creating user: UNIQUE constraint failed')
  })

  it('shows nothing of an answer that it cannot read', async () => {
    const fault = await faultOf(running({ stdout: '{"key": "hskey-auth-q"' }).plane.listKeys())
    expect(fault.message).toBe('Headscale gave an unexpected answer to headscale preauthkeys list')
  })
})
