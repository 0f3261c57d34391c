import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { device } from '../../support/tailscale-api/devices.ts'
import { type StandIn, startStandIn } from '../../support/tailscale-api/server.ts'
import { faultOf, providerFor, type Surroundings } from './helper.ts'

let standIn: StandIn
beforeEach(async () => {
  standIn = await startStandIn()
})
afterEach(() => standIn.stop())

const withKey = (around: Surroundings = {}, tailnet = '-') => {
  const env = { TMGEN_TAILSCALE_API_KEY: standIn.state.apiKey }
  return providerFor({ provider: 'tailscale', api: standIn.url, tailnet }, { env, ...around })
}
const withOAuth = (around: Surroundings = {}) => {
  const { id, secret } = standIn.state.client
  return withKey({ env: { TMGEN_TAILSCALE_CLIENT_ID: id, TMGEN_TAILSCALE_CLIENT_SECRET: secret }, ...around })
}
const request = { tag: 'tag:tm-alice', description: 'tmgen 0123456789abcdef u1', expirySeconds: 72 * 3600 }

describe('provider tailscale', () => {
  it.each(['withKey', 'withOAuth'])('mints a single-use, pre-authorized, tagged key and lists it (%s)', async (how) => {
    const plane = how === 'withKey' ? withKey() : withOAuth()
    const minted = await plane.mintNodeKey(request)
    expect(minted.key.reveal()).toMatch(/^tskey-auth-/)
    expect(standIn.state.keys.get(minted.id)).toMatchObject({
      reusable: false,
      ephemeral: false,
      preauthorized: true,
      tags: ['tag:tm-alice'],
    })
    const [key] = await plane.listKeys()
    expect(key).toMatchObject({ id: minted.id, used: false, description: request.description, tags: ['tag:tm-alice'] })
    expect(key?.expires).toEqual(minted.expires)
  })

  it('deletes a key, and takes one that is gone already as done', async () => {
    const plane = withKey()
    const { id } = await plane.mintNodeKey(request)
    await plane.expireKey(id)
    await plane.expireKey(id)
    expect(await plane.listKeys()).toEqual([])
  })

  it('does not ask for details of keys that others described', async () => {
    const plane = withKey()
    await plane.mintNodeKey({ ...request, description: 'laptop of bob' })
    expect(await plane.listKeys()).toEqual([])
    expect(standIn.requests.filter((line) => line.startsWith('GET'))).toHaveLength(1)
  })

  it('asks for one OAuth token and keeps it until shortly before it ends', async () => {
    let time = Date.now()
    const plane = withOAuth({ now: () => new Date(time) })
    const tokens = () => standIn.requests.filter((line) => line.includes('oauth/token')).length
    await plane.check()
    await plane.listNodes()
    expect(tokens()).toBe(1)
    time += 3550_000
    await plane.listNodes()
    expect(tokens()).toBe(2)
  })

  it('says which tagOwners lines are missing when a tag is not permitted', async () => {
    const fault = await faultOf(withOAuth().mintNodeKey({ ...request, tag: 'tag:tm-bob' }))
    expect(fault).toMatchObject({
      code: 'control-refused',
      message: expect.stringContaining('tag:tm-bob'),
      hint: expect.stringContaining('"tag:tmgen": ["autogroup:admin"], "tag:tm-bob": ["tag:tmgen"]'),
    })
  })

  it('refuses a description that the API would refuse, before it asks', async () => {
    await faultOf(withKey().mintNodeKey({ ...request, description: 'tmgen: alice' }))
    expect(standIn.requests).toEqual([])
  })

  it('names the variables when the OAuth client is wrong', async () => {
    const { id } = standIn.state.client
    const env = { TMGEN_TAILSCALE_CLIENT_ID: id, TMGEN_TAILSCALE_CLIENT_SECRET: 'tskey-client-wrong' }
    const fault = await faultOf(withKey({ env }).check())
    expect(fault).toMatchObject({
      code: 'control-auth',
      hint: expect.stringContaining('TMGEN_TAILSCALE_CLIENT_SECRET'),
    })
    expect(`${fault.stack}${fault.hint}`).not.toContain('tskey-client-wrong')
  })

  it('reads the nodes by their MagicDNS name and leaves out what others share', async () => {
    standIn.state.devices.push(device('tm-alice', { tags: ['tag:tm-alice'], name: 'tm-alice-1.tail1234.ts.net' }))
    standIn.state.devices.push(device('tm-bob', { isExternal: true }))
    expect(await withKey({}, 'example.com').listNodes()).toEqual([
      {
        id: 'ntm-aliceCNTRL',
        hostname: 'tm-alice-1',
        dnsName: 'tm-alice-1.tail1234.ts.net',
        tags: ['tag:tm-alice'],
        user: 'admin@example.com',
        online: true,
        ips: ['100.87.74.78', 'fd7a:115c:a1e0::1'],
      },
    ])
  })

  it.each([
    ['never where key expiry is disabled', { expires: '2026-01-02T03:04:05Z', keyExpiryDisabled: true }, undefined],
    ['at its time', { expires: '2026-01-02T03:04:05Z', keyExpiryDisabled: false }, new Date('2026-01-02T03:04:05Z')],
    ['never where the time is Go’s zero', { expires: '0001-01-01T00:00:00Z', keyExpiryDisabled: false }, undefined],
  ])('reads when the key of a node ends: %s', async (_what, extra, expires) => {
    standIn.state.devices.push(device('tm-alice', extra))
    expect((await withKey().listNodes())[0]?.expires).toEqual(expires)
  })

  it('deletes a node, and takes one that is gone already as done', async () => {
    standIn.state.devices.push(device('tm-alice'), device('tm-bob'))
    const plane = withKey()
    await plane.deleteNode('ntm-aliceCNTRL')
    await plane.deleteNode('ntm-aliceCNTRL')
    expect((await plane.listNodes()).map((node) => node.id)).toEqual(['ntm-bobCNTRL'])
    expect(standIn.requests).toContain('DELETE /api/v2/device/ntm-aliceCNTRL')
  })

  it('names and tags a node, which stays the same', async () => {
    standIn.state.devices.push(device('tm-alice', { tags: ['tag:tmgen'] }))
    const plane = withOAuth()
    await plane.renameNode('ntm-aliceCNTRL', 'tm-alicia')
    await plane.tagNode('ntm-aliceCNTRL', ['tag:tm-alice'])
    const [node] = await plane.listNodes()
    expect(node).toMatchObject({ id: 'ntm-aliceCNTRL', hostname: 'tm-alicia', tags: ['tag:tm-alice'] })
    expect(await faultOf(plane.tagNode('ntm-aliceCNTRL', ['tag:tm-bob']))).toMatchObject({
      code: 'control-refused',
      hint: expect.stringContaining('"tag:tm-bob": ["tag:tmgen"]'),
    })
  })

  it('writes a policy over the one it read, and not over a newer one', async () => {
    const plane = withKey()
    const old = await plane.readPolicy()
    expect(old).toEqual({ text: standIn.state.policy, etag: '"ts-default"' })
    const text = '{"grants": [], /* mine */ }'
    await plane.writePolicy({ text, etag: old?.etag })
    expect((await plane.readPolicy())?.text).toBe(text)
    const fault = await faultOf(plane.writePolicy({ text: '{}', etag: old?.etag }))
    expect(fault).toMatchObject({ code: 'control-changed', message: expect.stringContaining('changed on the server') })
    await faultOf(plane.writePolicy({ text: '{}', etag: undefined }))
    expect(standIn.state.policy).toBe(text)
  })

  it('does not write a policy that fails validation, though that answers 200', async () => {
    const before = standIn.state.policy
    const fault = await faultOf(withKey().writePolicy({ text: '{"nonsense": 1}', etag: standIn.state.etag }))
    expect(fault).toMatchObject({ code: 'control-refused', message: expect.stringContaining('unknown field') })
    expect(standIn.requests).toEqual(['POST /api/v2/tailnet/-/acl/validate'])
    expect(standIn.state.policy).toBe(before)
  })

  it('checks a policy without writing it, and knows grants and tests', async () => {
    const plane = withKey()
    const before = standIn.state.policy
    await plane.checkPolicy('{"grants": []}')
    expect((await faultOf(plane.checkPolicy('{"nonsense": 1}'))).message).toContain('unknown field')
    expect(standIn.state.policy).toBe(before)
    expect(await plane.policyFeatures()).toEqual({ grants: true, tests: true })
  })

  it('writes no policy that could not be checked', async () => {
    for (const fault of [{ status: 429 }, { status: 503 }, { halfBody: true as const }, { body: '<html>' }]) {
      standIn.requests.length = 0
      standIn.fail(/validate/, fault)
      await faultOf(withKey().writePolicy({ text: '{"grants": []}', etag: standIn.state.etag }))
      expect(standIn.requests).toEqual(['POST /api/v2/tailnet/-/acl/validate'])
    }
  })

  const nodeKey = `nodekey:${'a1'.repeat(32)}`
  const lockKey = `tlpub:${'b2'.repeat(32)}`
  it.each([
    ['where tailnet lock is off: every node has a key of it', { tailnetLockError: '', nodeKey }, undefined],
    [
      'with the command for a signing node',
      { tailnetLockError: 'node is not signed', nodeKey },
      { sign: `tailscale lock sign ${nodeKey} ${lockKey}` },
    ],
    [
      'without pasting into a shell what looks like no key',
      { tailnetLockError: 'node is not signed', nodeKey: 'nodekey:1; rm -rf /' },
      { sign: 'tailscale lock sign NODEKEY' },
    ],
  ])('tells a node that tailnet lock keeps out: %s', async (_what, extra, unsigned) => {
    standIn.state.devices.push(device('tm-alice', { tailnetLockKey: lockKey, ...extra }))
    expect((await withKey().listNodes())[0]?.unsigned).toEqual(unsigned)
  })

  it.each([
    ['a server fault', { status: 503 }, 'control-unreachable'],
    ['too many requests', { status: 429, headers: { 'retry-after': '5' } }, 'control-refused'],
    ['half an answer', { halfBody: true as const }, 'control-unreachable'],
    ['a token without an end', { body: '{"access_token": "x"}', type: 'application/json' }, 'control-refused'],
  ])('asks for a token once where that gives %s', async (_what, fault, code) => {
    standIn.fail(/oauth/, fault)
    expect(await faultOf(withOAuth().listNodes())).toMatchObject({ code })
    expect(standIn.requests).toEqual(['POST /api/v2/oauth/token'])
  })

  it('mints no second key after a lost answer', async () => {
    standIn.fail(/POST .*keys/, { reset: true })
    expect(await faultOf(withKey().mintNodeKey(request))).toMatchObject({ code: 'control-unreachable' })
    expect(standIn.requests).toHaveLength(1)
  })

  it('has no users to make and no join keys', async () => {
    expect(await withKey().listUsers()).toBeUndefined()
    expect(await faultOf(withKey().mintJoinKey({ user: 'alice', expirySeconds: 60 }))).toMatchObject({
      code: 'control-refused',
    })
  })

  it('says when a credential may not do this (403)', async () => {
    standIn.state.client.scopes = ['devices:core']
    expect(await faultOf(withOAuth().check())).toMatchObject({ code: 'control-auth' })
  })

  it('speaks of no other tailnet', async () => {
    expect(await faultOf(withKey({}, 'other.example').check())).toMatchObject({
      message: expect.stringContaining('404'),
    })
  })
})
