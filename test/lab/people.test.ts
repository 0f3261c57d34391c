import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
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
  const nodeId = async (name: string) => (await stack.headscale.nodes()).find((one) => one.given_name === name)?.id

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

  test('remove takes her node out of Headscale and keeps her data, byte for byte, in the archive', async () => {
    const [bobsId, { id: container }] = [await nodeId('tm-bob'), await stack.containerOf('samba-alice')]
    await bobUntouched(async () => {
      await stack.must(['remove', 'user', 'alice', '--yes'])
      await stack.loaded()
    })
    expect(await nodeId('tm-alice')).toBeUndefined()
    expect(await nodeId('tm-bob')).toBe(bobsId)
    expect(await isThere(container)).toBe(false)
    const [archived = ''] = readdirSync(join(stack.storage, '.tmgen-archive'))
    expect(archived).toMatch(/^alice-u1-\d{8}T\d{6}Z$/)
    expect(readFileSync(join(stack.storage, '.tmgen-archive', archived, 'macbook/letter'), 'utf8')).toBe(letter)
    expect(readdirSync(stack.storage).sort()).toEqual(['.tmgen-archive', 'bob'])
    expect(readdirSync(join(stack.dir, 'state/gateway'))).not.toContain('alice')
    await bobs.stop()
    await stack.up()
    expect(await stack.tmgen(['generate', '--check'])).toMatchObject({ code: 0 })
  })
})
