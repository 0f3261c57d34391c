import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Client,
  cleanUp,
  inNetworkOf,
  killService,
  type Stack,
  seconds,
  startCopy,
  startLoad,
  startTwoUsers,
  waitFor,
} from './support/index.ts'

/** What a network does without telling: no packet passes any more, and no FIN or RST tells of it. */
const cut = 'iptables-nft -w -I INPUT ! -i lo -j DROP\niptables-nft -w -I OUTPUT ! -o lo -j DROP\n'
const heal = 'iptables-nft -w -F INPUT\niptables-nft -w -F OUTPUT\n'
const noUdp = 'iptables-nft -w -I INPUT ! -i lo -p udp -j DROP\niptables-nft -w -I OUTPUT ! -o lo -p udp -j DROP\n'

describe('trouble in the network', () => {
  let stack: Stack
  let alice: Client
  let bob: Client

  beforeAll(async () => {
    ;({ stack, alice, bob } = await startTwoUsers())
  })
  afterAll(cleanUp)

  test('with UDP blocked copies go by the relay, which status and list tell, and directly again afterwards', async () => {
    const load = await startLoad(stack, bob, 'imac')
    const path = async () => ((await stack.node('bob')).peers ?? []).find((peer) => peer.connections > 0)?.path
    const told = async () => (await stack.tmgen(['list'])).stderr.includes('is connected through the relay')
    await waitFor('the direct path', async () => (await path()) === 'direct')
    expect(await told()).toBe(false)

    await inNetworkOf(bob.id, noUdp)
    const blocked = Date.now()
    try {
      await waitFor('the relay', async () => (await path()) === 'relay')
      console.info(`by the relay ${Date.now() - blocked} ms after UDP was blocked`)
      expect(await told()).toBe(true)
      await (await startCopy(stack, bob, 'imac', { mib: 16 })).whole()
    } finally {
      await inNetworkOf(bob.id, heal)
    }
    const healed = Date.now()
    await waitFor('the direct path again', async () => (await path()) === 'direct')
    console.info(`direct again ${Date.now() - healed} ms after UDP was let through`)
    expect(await told()).toBe(false)
    await load.stop()
    await (await startCopy(stack, bob, 'imac', { mib: 64 })).whole()
  })

  test(
    'a control server that is gone in mid-copy ends nothing, and known peers connect as before',
    async () => {
      const outage = seconds({ ci: 60, soak: 600 })
      const before = await stack.containerOf('gateway')
      const running = await startCopy(stack, bob, 'imac', { mib: 1024 })
      await inNetworkOf(stack.headscale.container.id, cut)
      try {
        expect(running.isOver(), 'the copy was over before the outage').toBe(false)
        const end = Date.now() + outage
        await running.whole()
        do {
          await stack.session(alice, 'alice', 'macbook')
          await (await startCopy(stack, bob, 'imac', { mib: 64 })).whole()
        } while (Date.now() < end)
      } finally {
        await inNetworkOf(stack.headscale.container.id, heal)
      }
      expect(await stack.containerOf('gateway')).toEqual(before)
      await waitFor(
        'the control server to know the nodes',
        async () => (await stack.headscale.nodes()).every((node) => node.online),
        { timeout: 120_000 },
      )
      await stack.running('alice', 'bob')
      await stack.session(alice, 'alice', 'macbook')
    },
    seconds({ ci: 300, soak: 1200 }),
  )

  test('a gateway that is killed in mid-copy ends the copy within 30 s; the next one is whole', async () => {
    const before = await stack.containerOf('gateway')
    const copy = await startCopy(stack, bob, 'imac', { mib: 1024 })
    await killService(stack, 'gateway')
    const killed = Date.now()
    const { code, at } = await copy.ended()
    expect(code, 'the copy ended well').not.toBe(0)
    console.info(`the client saw an error ${at - killed} ms after the gateway was killed`)
    expect(at - killed).toBeLessThan(30_000)
    const after = await stack.containerOf('gateway')
    expect(after.id).toBe(before.id)
    expect(after.startedAt).not.toBe(before.startedAt)
    await stack.running('alice', 'bob')
    await stack.session(bob, 'bob', 'imac')
    await (await startCopy(stack, bob, 'imac', { mib: 128 })).whole()
  })

  test('a client that is cut off without a word loses its files to its next session within three minutes', async () => {
    const [host, who] = [await alice.peerIp('tm-alice'), await stack.login('alice')]
    await alice.smbPut(host, 'macbook', who, 'held', 'held')
    const second = await stack.client('alice')
    // One connection that says nothing, with a file open, and one in the middle of a download.
    const auth = ['-m', 'SMB3', '-A', '/run/smb.auth', '-t', '300']
    const script = `(echo 'open held'; sleep 300) | stdbuf -oL smbclient //${host}/macbook ${auth.join(' ')} >/tmp/held.log 2>&1`
    const holding = alice.exec(['sh', '-c', script], { timeout: 400_000 })
    await startLoad(stack, alice, 'macbook')
    await waitFor('the file to be held', async () => /fnum/.test(await alice.must(['cat', '/tmp/held.log'])))
    // Taking a file away needs it to be open nowhere else.
    // smbclient ends with 0 even when it was refused.
    const take = async (file: string) => {
      const ran = await second.smb(host, 'macbook', who, `rm ${file}`)
      return ran.code === 0 && !/NT_STATUS/.test(ran.stdout + ran.stderr) ? 'taken' : ran.stdout + ran.stderr
    }
    for (const file of ['held', 'load']) expect(await take(file)).toContain('NT_STATUS_SHARING_VIOLATION')

    await inNetworkOf(alice.id, cut)
    const since = Date.now()
    for (const file of ['held', 'load']) {
      await waitFor(`${file} to be free`, async () => (await take(file)) === 'taken', {
        timeout: 190_000,
        every: 1000,
      })
      console.info(`${file} was free ${Date.now() - since} ms after the cut`)
    }
    expect(Date.now() - since).toBeLessThan(180_000)
    await alice.remove()
    await holding
  })
})
