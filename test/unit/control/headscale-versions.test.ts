import { describe, expect, it } from 'vitest'
import { faultOf, providerFor } from './helper.ts'

// The answers of each version, after its source (hscontrol/grpcv1.go, gen/openapiv2). test/lab/headscale-api.test.ts asks
// real servers; docs/how-to/with-headscale.md says which of them were run.

const uint64 = { type: 'string', format: 'uint64' }
const users = [{ id: '1', name: 'alice', createdAt: '2026-01-01T00:00:00Z', email: 'alice@example.com' }]
const owner = { id: '2', name: 'tmgen', createdAt: '2026-01-01T00:00:00Z', email: '' }
const created = { reusable: false, ephemeral: false, used: false, createdAt: '2026-01-01T00:00:00Z' }
const nodeKey = { ...created, id: '7', expiration: '2026-01-04T00:00:00Z', aclTags: ['tag:tm-alice'] }
const joinKey = { ...created, id: '6', expiration: '2026-01-02T00:00:00Z', aclTags: [] }
const value = { old: '3f2b9c'.repeat(8), new: 'hskey-auth-abcdefghijkl-0123456789' }
const node = {
  id: '11',
  name: 'tm-alice',
  givenName: 'tm-alice',
  ipAddresses: ['100.64.0.1'],
  expiry: '0001-01-01T00:00:00Z',
  online: true,
}
const refusal = (status: number, code: number, message: string) =>
  Response.json({ code, message, details: [] }, { status })

const byUser = {
  'GET /api/v1/user': { users: [...users, owner] },
  'GET /api/v1/preauthkey': refusal(500, 2, 'user not found'),
  'GET /api/v1/preauthkey?user=1': { preAuthKeys: [{ ...joinKey, user: users[0], key: value.old }] },
  'GET /api/v1/preauthkey?user=2': { preAuthKeys: [{ ...nodeKey, user: owner, key: value.old }] },
  'POST /api/v1/preauthkey': { preAuthKey: { ...nodeKey, user: owner, key: value.old } },
  'POST /api/v1/preauthkey/expire': {},
  'GET /api/v1/node': {
    nodes: [{ ...node, user: owner, forcedTags: ['tag:tm-alice'], invalidTags: [], validTags: ['tag:tm-alice'] }],
  },
  'POST /api/v1/policy/check': refusal(404, 5, 'Not Found'),
}
const byId = {
  'GET /api/v1/user': { users },
  'GET /api/v1/preauthkey': {
    preAuthKeys: [
      { ...joinKey, user: users[0], key: 'hskey-auth-zzzzzzzzzzzz-***' },
      { ...nodeKey, user: null, key: 'hskey-auth-abcdefghijkl-***' },
    ],
  },
  'POST /api/v1/preauthkey': { preAuthKey: { ...nodeKey, user: null, key: value.new } },
  'POST /api/v1/preauthkey/expire': {},
  'GET /api/v1/node': {
    nodes: [{ ...node, user: { id: '2147455555', name: 'tagged-devices' }, tags: ['tag:tm-alice'] }],
  },
}
const swagger = (expire: object, paths: object) => ({
  paths: { '/api/v1/preauthkey': {}, '/api/v1/policy': {}, ...paths },
  definitions: {
    v1CreatePreAuthKeyRequest: { type: 'object', properties: { user: uint64, reusable: { type: 'boolean' } } },
    v1ExpirePreAuthKeyRequest: { type: 'object', properties: expire },
    v1DeleteNodeResponse: { type: 'object' },
  },
})
const expireByUser = { user: uint64, key: { type: 'string' } }

const servers = {
  '0.26.1': {
    ...byUser,
    'GET /version': new Response('', { status: 404 }),
    'GET /swagger/v1/openapiv2.json': swagger(expireByUser, {}),
    'DELETE /api/v1/node/99': refusal(500, 2, 'record not found'),
  },
  '0.27.1': {
    ...byUser,
    'GET /version': { version: 'v0.27.1', commit: 'unknown', buildTime: 'unknown', dirty: false },
    'GET /swagger/v1/openapiv2.json': swagger(expireByUser, {}),
    'DELETE /api/v1/node/99': refusal(404, 5, 'node not found'),
  },
  '0.28.0': {
    ...byId,
    'GET /version': { version: 'v0.28.0', commit: 'unknown', buildTime: 'unknown', dirty: false },
    'GET /swagger/v1/openapiv2.json': swagger({ id: uint64 }, {}),
    'DELETE /api/v1/node/99': refusal(404, 5, 'node not found'),
    'POST /api/v1/policy/check': refusal(404, 5, 'Not Found'),
  },
  '0.29.3': {
    ...byId,
    'GET /version': { version: 'v0.29.3', commit: 'unknown', buildTime: 'unknown', dirty: false },
    'GET /swagger/v1/openapiv2.json': swagger({ id: uint64 }, { '/api/v1/policy/check': {} }),
    'DELETE /api/v1/node/99': refusal(404, 5, 'node not found'),
    'POST /api/v1/policy/check': {},
  },
}
type Version = keyof typeof servers
const versions = Object.keys(servers) as Version[]
const isOld = (version: Version) => !['0.28.0', '0.29.3'].includes(version)

function server(version: Version, other: Record<string, unknown> = {}) {
  const answers: Record<string, unknown> = { ...servers[version], ...other }
  const asked: { line: string; body: Record<string, unknown> | undefined }[] = []
  const fetch = async (url: unknown, init: RequestInit = {}) => {
    const { pathname, search } = new URL(String(url))
    const line = `${init.method} ${pathname}${search}`
    asked.push({ line, body: init.body ? JSON.parse(String(init.body)) : undefined })
    const answer = answers[line]
    if (answer === undefined) throw new Error(`not recorded: ${line}`)
    return answer instanceof Response ? answer.clone() : Response.json(answer)
  }
  const plane = providerFor(
    { provider: 'headscale', url: 'https://hs.example' },
    {
      fetch: fetch as typeof globalThis.fetch,
      env: { TMGEN_HEADSCALE_API_KEY: 'k' },
      now: () => new Date('2026-01-01T00:00:00Z'),
    },
  )
  return { plane, asked, sent: () => asked.filter(({ line }) => !line.startsWith('GET')) }
}

describe.each(versions)('Headscale %s', (version) => {
  const key = isOld(version) ? value.old : value.new

  it('is taken, by its version or by its API', async () => {
    const told = version === '0.26.1' ? undefined : `v${version}`
    expect(await server(version).plane.check()).toEqual({ server: 'Headscale', version: told })
    const unnamed = told === undefined ? server(version) : server(version, { 'GET /version': { version: 'dev' } })
    expect(await unnamed.plane.check()).toEqual({ server: 'Headscale', version: undefined })
    const has = version === '0.29.3'
    for (const { plane } of [server(version), unnamed])
      expect(await plane.policyFeatures()).toEqual({
        ...{ grants: has, tests: has },
        ...(told ? {} : { retags: false }),
      })
  })

  it('makes a tagged key, with an owner where a key needs one', async () => {
    const { plane, sent } = server(version)
    const minted = await plane.mintNodeKey({ tag: 'tag:tm-alice', description: 'x', expirySeconds: 72 * 3600 })
    expect([minted.id, minted.key.reveal()]).toEqual(['7', key])
    const body = {
      aclTags: ['tag:tm-alice'],
      reusable: false,
      ephemeral: false,
      expiration: '2026-01-04T00:00:00.000Z',
    }
    expect(sent()).toEqual([{ line: 'POST /api/v1/preauthkey', body: isOld(version) ? { ...body, user: '2' } : body }])
  })

  it('makes the owner where it is missing, once', async () => {
    const { plane, sent } = server(version, { 'GET /api/v1/user': { users }, 'POST /api/v1/user': { user: owner } })
    await plane.mintNodeKey({ tag: 'tag:tm-alice', description: 'x', expirySeconds: 60 })
    const made = sent().filter(({ line }) => line === 'POST /api/v1/user')
    expect(made).toEqual(isOld(version) ? [{ line: 'POST /api/v1/user', body: { name: 'tmgen' } }] : [])
  })

  it('lists the keys of all, without their values', async () => {
    const keys = await server(version).plane.listKeys()
    expect(keys.map(({ id, tags, used }) => [id, tags, used])).toEqual([
      ['6', [], false],
      ['7', ['tag:tm-alice'], false],
    ])
    expect(JSON.stringify(keys)).not.toContain(value.old.slice(0, 6))
  })

  it('expires a key by what the server knows it by', async () => {
    const { plane, sent } = server(version)
    await plane.expireKey('7')
    const body = isOld(version) ? { user: '2', key: value.old } : { id: '7' }
    expect(sent()).toEqual([{ line: 'POST /api/v1/preauthkey/expire', body }])
  })

  it('takes a key that is not there any more as expired, where it has to look for it', async () => {
    const { plane, sent } = server(version)
    await plane.expireKey('8')
    expect(sent()).toHaveLength(isOld(version) ? 0 : 1)
  })

  it('tells the tags of a node, and that it never ends', async () => {
    expect(await server(version).plane.listNodes()).toMatchObject([
      { id: '11', hostname: 'tm-alice', tags: ['tag:tm-alice'], online: true, expires: undefined, ips: ['100.64.0.1'] },
    ])
  })

  it('takes a node that is gone as deleted, and no other refusal', async () => {
    await server(version).plane.deleteNode('99')
    const locked = server(version, { 'DELETE /api/v1/node/99': refusal(500, 2, 'database is locked') })
    expect((await faultOf(locked.plane.deleteNode('99'))).code).toBe('control-refused')
  })

  it('lets a policy be checked where it can', async () => {
    await server(version).plane.checkPolicy('{"acls": []}')
  })
})

it('refuses an API in which a user is a name: 0.25 and older', async () => {
  const old = swagger(expireByUser, {})
  old.definitions.v1CreatePreAuthKeyRequest.properties.user = { type: 'string' } as typeof uint64
  const { plane } = server('0.26.1', { 'GET /swagger/v1/openapiv2.json': old })
  expect(await faultOf(plane.check())).toMatchObject({
    code: 'control-refused',
    hint: 'tmgen works with Headscale 0.26 to 0.29',
  })
})

it('asks for the version once', async () => {
  const { plane, asked } = server('0.29.3')
  await plane.check()
  await plane.listKeys()
  await plane.policyFeatures()
  expect(asked.filter(({ line }) => line === 'GET /version')).toHaveLength(1)
})
