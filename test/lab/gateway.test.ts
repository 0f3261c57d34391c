import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Client, cleanUp, compose, type Stack, startTwoUsers, waitFor } from './support/index.ts'

// The gateway refuses a peer with too many connections at once: such a try does not count and is made again.
const RESETS = `
import socket, struct, sys, time
done = 0
for _ in range(20000):
    try:
        s = socket.create_connection((sys.argv[1], 445), 5)
    except OSError:
        time.sleep(0.01)
        continue
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()
    done += 1
    if done == 500: sys.exit(0)
sys.exit("only %d connections opened" % done)
`

describe('the gateway on a bad day', () => {
  let stack: Stack
  let alice: Client
  let bob: Client

  beforeAll(async () => {
    ;({ stack, alice, bob } = await startTwoUsers())
  })
  afterAll(cleanUp)

  test('500 connections that a client resets leave it running, and the next session is a normal one', async () => {
    const before = await stack.containerOf('gateway')
    await alice.must(['python3', '-', await alice.peerIp('tm-alice')], { input: RESETS })
    await stack.session(alice, 'alice', 'macbook')
    expect(await stack.containerOf('gateway')).toEqual(before)
  })

  test('after a restart with the used key deleted on the server, the node is back under the same name', async () => {
    const id = keyIdOf('u1')
    await stack.headscale.container.must(['headscale', 'preauthkeys', 'delete', '--id', id, '--force'])
    await compose(stack.dir, ['restart', 'gateway'])
    await stack.running('alice', 'bob')
    await stack.session(alice, 'alice', 'macbook')
    expect(await stack.headscale.userNodes()).toEqual(['tm-alice', 'tm-bob'])
  })

  test('a moved upstream serves the very next connection', async () => {
    const asBob = await stack.login('bob')
    const path = 'generated/caddy/config.json'
    const whole = readFileSync(join(stack.dir, path), 'utf8')
    const [hers, his] = [...whole.matchAll(/"upstream": "([^"]+)"/g)].map((match) => match[1] as string)
    stack.edit(path, (text) => text.replace(`"${hers}"`, `"${his}"`))
    await stack.loaded()
    const ran = await alice.smb(await alice.peerIp('tm-alice'), 'imac', asBob, 'ls')
    writeFileSync(join(stack.dir, path), whole)
    await stack.loaded()
    expect(ran.code, ran.stdout + ran.stderr).toBe(0)
    await stack.session(alice, 'alice', 'macbook')
  })

  test('a user with a garbage key hurts nobody else, and the status tells', async () => {
    const garbage = 'hskey-auth-0123456789ab-0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnop'
    await stack.must(['add', 'user', 'carol', '--login', 'carol', '--auth-key-file', '-'], { input: garbage })
    await stack.up()
    await stack.loaded()
    const carol = await waitFor('the status to tell', async () => {
      const node = await stack.node('carol')
      return node.key_needed && node.last_error !== '' ? node : undefined
    })
    expect(carol.state).not.toBe('running')
    expect(JSON.stringify(carol)).not.toContain(garbage)
    await stack.session(alice, 'alice', 'macbook')
    await stack.session(bob, 'bob', 'imac')
  })

  test('a node deleted on the server returns by provision, without a restart and without -1', async () => {
    const before = await stack.containerOf('gateway')
    const [node] = (await stack.headscale.nodes()).filter((one) => one.given_name === 'tm-alice')
    await stack.headscale.container.must(['headscale', 'nodes', 'delete', '-i', String(node?.id), '--force'])
    await stack.must(['provision', 'alice'])
    await waitFor('the node to enrol anew', async () => (await stack.headscale.userNodes()).includes('tm-alice'))
    await stack.running('alice')
    await stack.session(alice, 'alice', 'macbook')
    expect(await stack.headscale.userNodes()).toEqual(['tm-alice', 'tm-bob'])
    expect(await stack.containerOf('gateway')).toEqual(before)
  })

  test('started while Headscale is down, it comes up once Headscale does', async () => {
    await stack.headscale.stop()
    await compose(stack.dir, ['restart', 'gateway'])
    await waitFor('the gateway to answer', () => stack.status())
    await stack.headscale.start()
    await stack.running('alice', 'bob')
    await stack.session(alice, 'alice', 'macbook')
  })

  function keyIdOf(user: string): string {
    const control = JSON.parse(readFileSync(join(stack.dir, 'state/control.json'), 'utf8'))
    return control.users[user].keyId
  }
})
