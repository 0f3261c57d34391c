import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Client, cleanUp, labCache, type Stack, startStack } from '../lab/support/index.ts'

// A user's whole life on older Headscales, with the real gateway, Samba and clients: on those that TMGEN_HEADSCALES names
// (lab/older), or on all that lab/headscale-at has built.
const bin = join(labCache(), 'bin')
const built = (existsSync(bin) ? readdirSync(bin) : []).flatMap((name) => /^headscale-([\d.]+)$/.exec(name)?.[1] ?? [])
const versions = process.env.TMGEN_HEADSCALES?.split(' ') ?? built

test('there is a Headscale to run: lab/headscale-at VERSION builds one', () => {
  expect(versions).not.toEqual([])
})

interface SeenNode {
  id: number
  given_name: string
  ip_addresses: string[]
  user?: { name: string }
  tags?: string[]
  forced_tags?: string[]
  valid_tags?: string[]
}

describe.each(versions)('Headscale %s of a person’s own', (version) => {
  /** Each key and node has a user there. */
  const isOwned = /^0\.2[67]\./.test(version)
  const canRename = !version.startsWith('0.26.')
  const last = canRename ? 'alicia' : 'alice'
  let stack: Stack
  let alice: Client
  let bob: Client

  beforeAll(async () => {
    stack = await startStack({ headscaleBinary: join(bin, `headscale-${version}`) })
  })
  afterAll(cleanUp)

  const node = async (name: string) =>
    (await stack.headscale.cli<SeenNode[] | null>('nodes', 'list'))?.find((one) => one.given_name === name)
  const tagsOf = (one: SeenNode | undefined) => [
    ...new Set([...(one?.tags ?? []), ...(one?.forced_tags ?? []), ...(one?.valid_tags ?? [])]),
  ]
  const plan = () => stack.tmgen(['plan', '--detailed-exitcode'])
  const nothingToDo = async () => {
    const { code, stdout, stderr } = await plan()
    expect([code, stdout + stderr]).toEqual([0, expect.any(String)])
  }

  test('is the version that it says', async () => {
    expect(await stack.headscale.container.must(['headscale', 'version'])).toContain(version)
  })

  test('add user makes logins and keys, policy apply the rules beside those of others', async () => {
    for (const [name, mac] of [
      ['alice', 'macbook'],
      ['bob', 'imac'],
    ] as const)
      await stack.must(['add', 'user', name, '--login', name, '--mac', mac])
    await stack.must(['policy', 'apply', '--yes'])
    const policy = await stack.headscale.policy()
    for (const rule of ['tag:tm-alice:445', 'tag:tm-bob:445', 'tag:none:1']) expect(policy).toContain(rule)
  })

  test('the nodes enrol under their tags, and each person reaches the own share alone', async () => {
    await stack.up()
    alice = await stack.client('alice')
    bob = await stack.client('bob')
    await stack.running('alice', 'bob')
    await stack.session(alice, 'alice', 'macbook')
    await stack.session(bob, 'bob', 'imac')
    const hers = await node('tm-alice')
    expect(tagsOf(hers)).toEqual(['tag:tm-alice'])
    if (isOwned) expect(hers?.user?.name).toBe('tmgen')
    await alice.smbPut(await alice.peerIp('tm-alice'), 'macbook', await stack.login('alice'), 'letter', 'hers')
    expect(await bob.peer('tm-alice')).toBeUndefined()
    expect(await bob.connects(await alice.peerIp('tm-alice'), 445)).toBe(false)
    expect(await stack.tmgen(['policy', 'check'])).toMatchObject({ code: 0 })
    await nothingToDo()
  })

  test('disable and enable keep the node', async () => {
    const before = await node('tm-alice')
    await stack.must(['disable', 'user', 'alice'])
    await stack.loaded()
    expect(await alice.connects(await alice.peerIp('tm-alice'), 445)).toBe(false)
    await stack.must(['enable', 'user', 'alice'])
    await stack.up()
    await stack.running('alice')
    await stack.session(alice, 'alice', 'macbook')
    expect(await node('tm-alice')).toMatchObject({ id: before?.id, ip_addresses: before?.ip_addresses })
  })

  test('rotate --key has another node in place of the former', async () => {
    const before = await node('tm-alice')
    await stack.must(['rotate', 'alice', '--key'])
    await stack.running('alice')
    await stack.session(alice, 'alice', 'macbook')
    expect((await node('tm-alice'))?.id).not.toBe(before?.id)
    expect(await stack.headscale.userNodes()).toEqual(['tm-alice', 'tm-bob'])
    await stack.must(['provision'])
    await nothingToDo()
  })

  test(`rename ${canRename ? 'keeps the node under another name and tag' : 'is refused'}`, async () => {
    const before = await node('tm-alice')
    await stack.headscale.setPolicy(
      (await stack.headscale.policy()).replace(/"tagOwners":\s*\{/, '$&"tag:tm-alicia": [],'),
    )
    if (!canRename) {
      const refused = await stack.tmgen(['rename', 'user', 'alice', 'alicia'])
      expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('gives a renamed user no access')])
      await stack.session(alice, 'alice', 'macbook')
      return nothingToDo()
    }
    await stack.must(['rename', 'user', 'alice', 'alicia'])
    await stack.must(['policy', 'apply', '--yes'])
    await stack.up()
    await stack.running('alicia')
    await stack.session(alice, 'alicia', 'macbook')
    const after = await node('tm-alicia')
    expect([after?.id, after?.ip_addresses, tagsOf(after)]).toEqual([
      before?.id,
      before?.ip_addresses,
      ['tag:tm-alicia'],
    ])
    await nothingToDo()
  })

  test('remove takes node, key and rules back, and nothing of others', async () => {
    const [his, hers] = [await node('tm-bob'), await alice.peerIp(`tm-${last}`)]
    await stack.must(['remove', 'user', last, '--yes'])
    await stack.must(['policy', 'apply', '--yes'])
    await stack.loaded()
    expect(await stack.headscale.userNodes()).toEqual(['tm-bob'])
    const policy = await stack.headscale.policy()
    for (const rule of ['alice@', `tag:tm-${last}:445`]) expect(policy).not.toContain(rule)
    for (const rule of ['tag:tm-bob:445', 'tag:none:1']) expect(policy).toContain(rule)
    // Not whether her Mac still lists it: 0.27 does not tell it that the node is gone.
    expect(await alice.connects(hers, 445)).toBe(false)
    expect((await node('tm-bob'))?.id).toBe(his?.id)
    await stack.session(bob, 'bob', 'imac')
    await nothingToDo()
  })
})
