import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Client, cleanUp, type Stack, startTwoUsers } from './support/index.ts'

// The thinnest path through everything, and the same with a workspace that root does not own.
describe.each([
  { owner: 'root', uid: 0 },
  { owner: 'a user without rights', uid: 1234 },
])('a workspace owned by $owner', ({ uid }) => {
  let stack: Stack
  let alice: Client
  let bob: Client

  beforeAll(async () => {
    ;({ stack, alice, bob } = await startTwoUsers({ uid }))
  })
  afterAll(cleanUp)

  test('alice writes a file to her share through her own node and reads the same bytes', async () => {
    await stack.session(alice, 'alice', 'macbook')
    const [host, who] = [await alice.peerIp('tm-alice'), await stack.login('alice')]
    await alice.smbPut(host, 'macbook', who, 'hello.txt', 'from the MacBook')
    expect(await alice.smbGet(host, 'macbook', who, 'hello.txt')).toBe('from the MacBook')
  })

  test('the path to her node is direct, over its published UDP port', async () => {
    const lock = JSON.parse(readFileSync(join(stack.dir, 'tmgen.lock.json'), 'utf8'))
    const published = `${stack.lan.hostIp}:${lock.nodes.n1.udpPort}`
    expect(await alice.path('tm-alice')).toEqual({ path: 'direct', via: published })
  })

  test('bob does not see her node, and no address of hers lets him in', async () => {
    await stack.session(bob, 'bob', 'imac')
    expect(await bob.peer('tm-alice')).toBeUndefined()
    expect(await bob.connects(await alice.peerIp('tm-alice'), 445)).toBe(false)
  })
})
