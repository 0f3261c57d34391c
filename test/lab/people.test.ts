import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { nodeDisk } from '../../src/converge/node-disk.ts'
import { type Client, cleanUp, docker, type Login, type Stack, startTwoUsers, waitFor } from './support/index.ts'

const letter = 'what alice keeps\n'

describe('people who leave and come back', () => {
  let stack: Stack
  let alice: Client
  let bob: Client
  /** What became of Bob's copies. */
  let bobs: { ended: number; failed: string[]; stop: () => Promise<void> }

  beforeAll(async () => {
    ;({ stack, alice, bob } = await startTwoUsers())
    await alice.smbPut(await alice.peerIp('tm-alice'), 'macbook', await stack.login('alice'), 'letter', letter)
    bobs = await copies()
  })
  afterAll(async () => {
    await bobs?.stop()
    await cleanUp()
  })

  /** Bob writes one file after the other until he is stopped. */
  async function copies() {
    const [host, who] = [await bob.peerIp('tm-bob'), await stack.login('bob')]
    await bob.must(['sh', '-c', 'head -c 16777216 /dev/urandom > /tmp/big'])
    let isOver = false
    const state = { ended: 0, failed: [] as string[], stop: async () => {} }
    const running = (async () => {
      while (!isOver) {
        const ran = await bob.smb(host, 'imac', who, 'put /tmp/big big')
        if (ran.code === 0) state.ended++
        else state.failed.push(ran.stdout + ran.stderr)
      }
    })()
    state.stop = async () => {
      isOver = true
      await running
    }
    return state
  }

  /** Runs something that must leave Bob's copies, his container and the gateway alone. */
  async function bobUntouched(action: () => Promise<void>) {
    const seen = async () => ({
      gateway: await stack.containerOf('gateway'),
      samba: await stack.containerOf('samba-bob'),
      refused: (await stack.node('bob')).refused,
    })
    const [before, ended] = [await seen(), bobs.ended]
    await action()
    await waitFor('a whole copy of bob after that', () => bobs.ended > ended + 1)
    expect(await seen()).toEqual(before)
    expect(bobs.failed).toEqual([])
  }

  const refused = async (who: Login) => {
    const ran = await alice.smb(await alice.peerIp('tm-alice'), 'macbook', who, 'ls')
    return ran.code === 0 ? undefined : ran.stdout + ran.stderr
  }
  const isThere = async (container: string) => (await docker(['ps', '-aq', '--filter', `id=${container}`])) !== ''
  const node = async (name: string) => (await stack.headscale.nodes()).find((one) => one.given_name === name)
  const nodeId = async (name: string) => (await node(name))?.id

  test('disable refuses her, stops her container and keeps her node; enable brings back node and file', async () => {
    const [who, host, id] = [await stack.login('alice'), await alice.peerIp('tm-alice'), await nodeId('tm-alice')]
    const { id: container } = await stack.containerOf('samba-alice')
    expect(await isThere(container)).toBe(true)
    await bobUntouched(async () => {
      await stack.must(['disable', 'user', 'alice'])
      await stack.loaded()
      expect((await stack.status()).nodes.alice).toBeUndefined()
      expect(await isThere(container)).toBe(false)
      expect(await alice.connects(host, 445)).toBe(false)
      expect(await nodeId('tm-alice')).toBe(id)
      await stack.must(['enable', 'user', 'alice'])
      await stack.up()
      await stack.running('alice')
      await stack.session(alice, 'alice', 'macbook')
    })
    expect(await alice.peerIp('tm-alice')).toBe(host)
    expect(await nodeId('tm-alice')).toBe(id)
    expect(await alice.smbGet(host, 'macbook', who, 'letter')).toBe(letter)
  })

  test('rotate --password refuses the old one and takes the new one', async () => {
    const old = await stack.login('alice')
    await bobUntouched(async () => {
      await stack.must(['rotate', 'alice', '--password'])
      await stack.up()
      await stack.session(alice, 'alice', 'macbook')
    })
    expect((await stack.login('alice')).password).not.toBe(old.password)
    expect(await refused(old)).toMatch(/NT_STATUS_LOGON_FAILURE/)
  })

  test('rotate --key has another node in place of hers, of the same name, and she connects again', async () => {
    const before = await node('tm-alice')
    const { id: container } = await stack.containerOf('samba-alice')
    await bobUntouched(async () => {
      await stack.must(['rotate', 'alice', '--key'])
      await waitFor('the new node', async () => (await node('tm-alice'))?.online === true)
      await stack.running('alice')
      await stack.session(alice, 'alice', 'macbook')
    })
    const after = await node('tm-alice')
    for (const other of ['id', 'node_key', 'machine_key']) expect(after?.[other], other).not.toEqual(before?.[other])
    expect(after?.tags).toEqual(before?.tags)
    expect(await stack.headscale.userNodes()).toEqual(['tm-alice', 'tm-bob'])
    expect((await stack.containerOf('samba-alice')).id).toBe(container)
    await stack.must(['provision'])
    expect(await stack.tmgen(['plan', '--detailed-exitcode'])).toMatchObject({ code: 0 })
  })

  test('rename waits for the policy, then keeps node, address, password and data under the new name', async () => {
    const [before, old] = [await node('tm-alice'), await stack.login('alice')]
    const policy = JSON.parse(await stack.must(['policy', 'show']))
    const refused = await stack.tmgen(['rename', 'user', 'alice', 'alicia'])
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('does not define tag:tm-alicia')])
    const tagOwners = { ...policy.tagOwners, 'tag:tm-alicia': ['tag:tmgen'] }
    await stack.headscale.setPolicy({ ...policy, tagOwners })
    await bobUntouched(async () => {
      await stack.must(['rename', 'user', 'alice', 'alicia'])
      await stack.pastePolicy()
      await stack.up()
      await stack.running('alicia')
      await stack.session(alice, 'alicia', 'macbook')
    })
    const after = await node('tm-alicia')
    for (const same of ['id', 'ip_addresses', 'node_key']) expect(after?.[same], same).toEqual(before?.[same])
    expect(after?.tags).toEqual(['tag:tm-alicia'])
    expect(await stack.headscale.userNodes()).toEqual(['tm-alicia', 'tm-bob'])
    const who = await stack.login('alicia')
    expect(who.password).toBe(old.password)
    expect(await alice.smbGet(await alice.peerIp('tm-alicia'), 'macbook', who, 'letter')).toBe(letter)
    expect(readdirSync(stack.storage).sort()).toEqual(['alicia', 'bob'])
    expect(await stack.tmgen(['plan', '--detailed-exitcode'])).toMatchObject({ code: 0 })
  })

  test('remove takes her node out of Headscale and keeps her data, byte for byte, in the archive', async () => {
    const [bobsId, { id: container }] = [await nodeId('tm-bob'), await stack.containerOf('samba-alicia')]
    await bobUntouched(async () => {
      await stack.must(['remove', 'user', 'alicia', '--yes'])
      await stack.loaded()
    })
    expect(await nodeId('tm-alicia')).toBeUndefined()
    expect(await nodeId('tm-bob')).toBe(bobsId)
    expect(await isThere(container)).toBe(false)
    const [archived = ''] = readdirSync(join(stack.storage, '.tmgen-archive'))
    expect(archived).toMatch(/^alicia-u1-\d{8}T\d{6}Z$/)
    expect(readFileSync(join(stack.storage, '.tmgen-archive', archived, 'macbook/letter'), 'utf8')).toBe(letter)
    expect(readdirSync(stack.storage).sort()).toEqual(['.tmgen-archive', 'bob'])
    expect(readdirSync(join(stack.dir, 'state/gateway'))).not.toContain('alicia')
    await bobs.stop()
    await stack.up()
    expect(await stack.tmgen(['generate', '--check'])).toMatchObject({ code: 0 })
  })

  test('--purge deletes what she left, and neither what is mounted in it nor what a link points to', async () => {
    const archive = join(stack.storage, '.tmgen-archive')
    const folder = join(archive, readdirSync(archive)[0] ?? '')
    const [precious, mounted] = [join(stack.storage, 'bob'), join(folder, 'macbook/mounted')]
    symlinkSync(precious, join(folder, 'macbook/link'))
    mkdirSync(mounted)
    const his = readdirSync(precious)
    const purge = () => stack.tmgen(['remove', 'user', 'alicia', '--yes', '--purge=alicia'])
    execFileSync('mount', ['--bind', precious, mounted])
    try {
      expect(await purge()).toMatchObject({ code: 1, stderr: expect.stringContaining('is mounted in what is to be') })
      // Also what is mounted only after the look.
      const late = nodeDisk.empty(folder, { isOurs: async () => true, last: ['.tmgen.json'] })
      await expect(late).rejects.toMatchObject({
        code: 'storage',
        message: expect.stringContaining('is mounted there'),
      })
    } finally {
      execFileSync('umount', [mounted])
    }
    expect(await purge()).toMatchObject({ code: 0 })
    expect(existsSync(archive)).toBe(false)
    expect(readdirSync(precious)).toEqual(his)
  })
})
