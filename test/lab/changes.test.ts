import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Client, cleanUp, composeDown, type Stack, startTwoUsers, waitFor } from './support/index.ts'

describe('changes while people back up', () => {
  let stack: Stack
  let alice: Client

  beforeAll(async () => {
    ;({ stack, alice } = await startTwoUsers())
  })
  afterAll(cleanUp)

  test('a third user added in mid-copy leaves the connection, the gateway and every byte of the copy alone', async () => {
    const [host, who] = [await alice.peerIp('tm-alice'), await stack.login('alice')]
    const gateway = await stack.containerOf('gateway')
    await alice.must(['sh', '-c', 'head -c 1073741824 /dev/urandom > /tmp/big'])
    const accepted = (await stack.node('alice')).accepted
    let ended = false
    const copy = alice.smb(host, 'macbook', who, 'put /tmp/big big').finally(() => {
      ended = true
    })
    await waitFor('the copy to run', async () => (await stack.node('alice')).connections > 0)
    await stack.must(['add', 'user', 'carol', '--login', 'carol', '--mac', 'mini'])
    await stack.up()
    await stack.loaded()
    expect(ended, 'the copy was over before the user was added: the test shows nothing').toBe(false)
    const ran = await copy
    expect(ran.code, ran.stdout + ran.stderr).toBe(0)
    expect((await stack.node('alice')).accepted).toBe(accepted + 1)
    expect(await stack.containerOf('gateway')).toEqual(gateway)
    await stack.running('carol')
    const sum = await alice.must(['sha256sum', '/tmp/big'])
    await alice.smb(host, 'macbook', who, 'get big /tmp/back')
    expect((await alice.must(['sha256sum', '/tmp/back'])).split(' ')[0]).toBe(sum.split(' ')[0])
  })

  const changes: [string, () => Promise<void>, () => Promise<void>][] = [
    [
      'a new Mac',
      async () => void (await stack.must(['add', 'mac', 'alice', 'imac', '--quota', '2T'])),
      async () => void (await stack.session(alice, 'alice', 'imac')),
    ],
    [
      'a new quota',
      async () => {
        stack.edit('tmgen.yaml', (text) => text.replace(/^( *)- name: macbook$/m, '$1- name: macbook\n$1  quota: 7G'))
        await stack.must(['generate'])
      },
      async () => {
        await stack.session(alice, 'alice', 'macbook')
        expect(readFileSync(join(stack.dir, 'generated/users/alice/smb.conf'), 'utf8')).toContain('max size = 7G')
      },
    ],
    [
      'a new password',
      async () => {
        writeFileSync(join(stack.dir, 'secrets/smb/alice/password'), 'a-new-long-password-42\n')
        await stack.must(['generate'])
      },
      async () => {
        await stack.session(alice, 'alice', 'macbook')
        const old = { user: 'alice', password: 'not the password any more' }
        expect((await alice.smb(await alice.peerIp('tm-alice'), 'macbook', old, 'ls')).code).not.toBe(0)
      },
    ],
  ]
  test.each(
    changes,
  )('%s takes effect by plain `up -d`, and touches the container of that user alone', async (_what, change, check) => {
    const others = () => Promise.all(['gateway', 'samba-bob'].map((service) => stack.containerOf(service)))
    const [before, hers] = [await others(), await stack.containerOf('samba-alice')]
    await change()
    await stack.up()
    await check()
    expect(await others()).toEqual(before)
    expect((await stack.containerOf('samba-alice')).id).not.toBe(hers.id)
  })

  test('after `down -v` and a renamed folder, `up -d` brings the same nodes back', async () => {
    const identity = async () => {
      const nodes = (await stack.headscale.nodes()).filter((node) => node.given_name.startsWith('tm-'))
      return nodes.map(({ id, given_name, ip_addresses }) => ({ id, given_name, ip_addresses }))
    }
    const before = await identity()
    await composeDown(stack.dir)
    const moved = `${stack.dir}-moved`
    renameSync(stack.dir, moved)
    stack.dir = moved
    await stack.up()
    await stack.running('alice', 'bob', 'carol')
    await stack.session(alice, 'alice', 'macbook')
    expect(await identity()).toEqual(before)
  })
})
