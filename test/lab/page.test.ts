import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Client, cleanUp, metricsOf, mountsOf, type Stack, startTwoUsers, waitFor } from './support/index.ts'

/** What a person's own page is at. */
const http = 80

describe('a person’s own page', () => {
  let stack: Stack
  let alice: Client
  let bob: Client
  let address: string
  let name: string

  beforeAll(async () => {
    ;({ stack, alice, bob } = await startTwoUsers({
      bobArgs: (made) => {
        made.edit('tmgen.yaml', (text) => text.replace(/^( *)- name: alice\n/m, '$&$1  monitor: { page: true }\n'))
        return []
      },
    }))
    address = await alice.peerIp('tm-alice')
    name = (await stack.node('alice')).dns_name
  })
  afterAll(cleanUp)

  test('is on her own node, under each of its names, and tells of her Macs and of nobody else', async () => {
    const page = await waitFor('the page of alice', async () => {
      const got = await get(alice, address)
      return got.status === 200 ? got : undefined
    })
    expect(page.body).toContain('<h1>alice</h1>')
    expect(page.body).toContain('macbook')
    for (const host of [name, `${name}.`, `tm-alice:${http}`, address])
      expect(await get(alice, address, '/', { host }), host).toMatchObject({ status: 200 })
    const json = await get(alice, address, '/api/v1/me')
    expect(JSON.parse(json.body)).toMatchObject({ user: 'alice', macs: [{ mac: 'macbook' }] })
    for (const { body } of [page, json]) expect(body).not.toMatch(/bob|imac|\/srv|timemachine/)
    for (const path of ['/users/bob', '/users/alice', '/api/v1/users/bob', '/api/v1/overview', '/metrics'])
      expect(await get(alice, address, path), path).toMatchObject({ status: 404 })
  })

  test('is not there for a page that was led to it by another name', async () => {
    for (const host of ['evil.example.com', `${name}.evil.example.com`, 'localhost', 'monitor', 'tm-bob', '127.0.0.1'])
      expect(await get(alice, address, '/', { host }), host).toMatchObject({ status: 421 })
  })

  test('is the same whoever a header says it is', async () => {
    const plain = await get(alice, address, '/api/v1/me')
    const claims = { 'tailscale-user-login': 'bob', 'x-forwarded-user': 'bob', 'x-tmgen-user': 'bob' }
    expect(await get(alice, address, '/api/v1/me', claims)).toEqual(plain)
  })

  test('comes by a socket that its owner alone opens, in a folder that the gateway cannot change', async () => {
    const { uid } = statSync(stack.dir)
    const mode = (path: string) => ({ uid, mode: statSync(join(stack.dir, path)).mode & 0o777 })
    expect(mode('state/page')).toEqual({ uid: statSync(join(stack.dir, 'state/page')).uid, mode: 0o700 })
    expect(mode('state/page/people/alice.sock')).toEqual({ uid, mode: 0o660 })
    expect(readdirSync(join(stack.dir, 'state/page/people'))).toEqual(['alice.sock'])
    const mounted = (await mountsOf(stack, 'gateway')).find(({ target }) => target === '/run/tmgen-page')
    expect(mounted?.source).toBe(join(stack.dir, 'state/page'))
  })

  test('that is looked at is no session, and its browser no Mac that is there', async () => {
    await waitFor('no session', async () => (await stack.node('alice')).connections === 0)
    const before = await stack.node('alice')
    const looking = alice.exec(['python3', '-c', looks(20), address])
    await waitFor('the gateway to count a page', async () => {
      return (await metricsOf(stack)).get('tmgen_gateway_page_connections{node="alice"}') === 1
    })
    const { users } = JSON.parse(await stack.must(['status', '--json']))
    expect(users[0]).toMatchObject({ name: 'alice', sessions: 0, path: null })
    const seen = await stack.node('alice')
    expect(seen).toMatchObject({ connections: 0, accepted: before.accepted, bytes_out: before.bytes_out, pages: 1 })
    expect(seen.peers).toEqual([expect.objectContaining({ connections: 0, visitor: true })])
    expect(await looking).toMatchObject({ code: 0 })
  })

  test('is not for others, whatever the policy allows; a node without a page has no such port', async () => {
    const closed = JSON.parse(await stack.must(['policy', 'show']))
    expect(await bob.peer('tm-alice')).toBeUndefined()
    await stack.headscale.setPolicy({ ...closed, acls: [{ action: 'accept', src: ['*'], dst: ['*:*'] }] })
    const { refused } = await stack.node('alice')
    const bobs = await bob.peerIp('tm-bob')
    await waitFor('bob to be refused by the gateway', async () => {
      expect((await get(bob, address)).status).toBe(0)
      return (await stack.node('alice')).refused > refused
    })
    expect(await bob.connects(bobs, 445)).toBe(true)
    expect(await bob.connects(bobs, http)).toBe(false)
    await stack.headscale.setPolicy(closed)
  })

  test('is judged by policy check as isolated, with both ports', async () => {
    const { acls } = JSON.parse(await stack.must(['policy', 'show']))
    const of = (tag: string) => acls.find(({ dst }: { dst: string[] }) => dst[0]?.startsWith(tag)).dst
    expect(of('tag:tm-alice')).toEqual(['tag:tm-alice:445', 'tag:tm-alice:80'])
    expect(of('tag:tm-bob')).toEqual(['tag:tm-bob:445'])
    expect(JSON.parse(await stack.must(['policy', 'check', '--json']))).toEqual({
      isolated: true,
      findings: [],
      shutOut: [],
    })
  })

  test('that is switched off is gone: its port and its socket; the share stays', async () => {
    stack.edit('tmgen.yaml', (text) => text.replace('page: true', 'page: false'))
    await stack.must(['generate'])
    await stack.up()
    await waitFor('the socket to go', () => !existsSync(join(stack.dir, 'state/page/people/alice.sock')))
    await stack.running('alice')
    await waitFor('the port to be shut', async () => !(await alice.connects(address, http)))
    expect(await stack.session(alice, 'alice', 'macbook')).toBeGreaterThan(0)
  })
})

interface Got {
  /** 0: no answer came. */
  status: number
  body: string
}

/** GET as somebody's browser does it. */
async function get(who: Client, ip: string, path = '/', headers: Record<string, string> = {}): Promise<Got> {
  const script = `
import http.client, json, sys
try:
    asked = http.client.HTTPConnection(sys.argv[1], ${http}, timeout=10)
    asked.request("GET", sys.argv[2], headers={"host": "tm-alice", **json.loads(sys.argv[3])})
    answer = asked.getresponse()
    print(json.dumps({"status": answer.status, "body": answer.read().decode()}))
except (OSError, http.client.HTTPException):
    print(json.dumps({"status": 0, "body": ""}))`
  return JSON.parse(await who.must(['python3', '-c', script, ip, path, JSON.stringify(headers)]))
}

/** Looks at the page of the address in its argument again and again, on one connection. */
const looks = (seconds: number) => `
import http.client, sys, time
asked = http.client.HTTPConnection(sys.argv[1], ${http}, timeout=10)
for _ in range(${seconds}):
    asked.request("GET", "/", headers={"host": "tm-alice"})
    answer = asked.getresponse()
    answer.read()
    assert answer.status == 200
    time.sleep(1)`
