import { type AddressInfo, createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Client,
  cleanUp,
  compose,
  composeExec,
  docker,
  type Stack,
  startTwoUsers,
  waitFor,
} from './support/index.ts'

describe('two users on one gateway', () => {
  let stack: Stack
  let alice: Client

  beforeAll(async () => {
    ;({ stack, alice } = await startTwoUsers())
  })
  afterAll(cleanUp)

  test.each([
    ['a sibling', async () => [await addressOf('samba-bob'), 445]],
    ['the gateway', async () => [await addressOf('gateway'), 445]],
    ['Headscale', async () => [stack.headscale.ip, 443]],
    ['the host on the bridge', async () => [await bridge(), await hostListener()]],
    ['the host on the LAN', async () => [stack.lan.hostIp, await hostListener()]],
  ] as [
    string,
    () => Promise<[string, number]>,
  ][])('a shell in a Samba container cannot open a TCP connection to %s', async (_whom, where) => {
    const [ip, port] = await where()
    expect(await connectsFrom('samba-alice', ip, port)).toBe(false)
  })

  test('without its firewall the same shell reaches the host, so the refusals were refusals', async () => {
    const [ip, port] = [await bridge(), await hostListener()]
    await compose(stack.dir, ['exec', '-T', 'samba-alice', 'nft', 'flush', 'ruleset'])
    expect(await connectsFrom('samba-alice', ip, port)).toBe(true)
    await compose(stack.dir, ['restart', 'samba-alice'])
    await stack.healthy('samba-alice')
    expect(await connectsFrom('samba-alice', ip, port)).toBe(false)
  })

  test('alice is refused at the share of bob until policy, allow list, hosts allow and password are all opened', async () => {
    const asBob = await stack.login('bob')
    // Policy: every login reaches every node. Only now does she see his node at all.
    const closed = JSON.parse(await stack.must(['policy', 'show']))
    await stack.headscale.setPolicy({ ...closed, grants: [{ src: ['*'], dst: ['*'], ip: ['*'] }] })
    const bobsNode = await alice.peerIp('tm-bob')
    expect((await alice.smb(bobsNode, 'imac', asBob, 'ls')).code).not.toBe(0)
    await waitFor('the gateway to count a refused peer', async () => (await stack.node('bob')).refused > 0)

    // Allow list: the gateway lets her through to the container of bob, where her own password is worth nothing.
    stack.edit('generated/caddy/config.json', (text) => text.replace(/("bob@?")(\s*\])/, '$1, "alice"$2'))
    await stack.loaded()
    const refusal = /NT_STATUS_(LOGON_FAILURE|ACCESS_DENIED)/
    expect((await alice.smb(bobsNode, 'imac', await stack.login('alice'), 'ls')).stdout).toMatch(refusal)

    // Hosts allow: with the address of the gateway taken out, the password of bob does not help either.
    const gateway = await addressOf('gateway')
    await changeHostsAllow(`hosts allow = ${gateway} 127.0.0.1`, 'hosts allow = 127.0.0.1')
    expect((await alice.smb(bobsNode, 'imac', asBob, 'ls')).code).not.toBe(0)
    await changeHostsAllow('hosts allow = 127.0.0.1', `hosts allow = ${gateway} 127.0.0.1`)

    // All four open: she is in.
    await waitFor(
      'alice to reach the share of bob',
      async () => (await alice.smb(bobsNode, 'imac', asBob, 'ls')).code === 0,
    )
  })

  async function changeHostsAllow(from: string, to: string): Promise<void> {
    stack.edit('generated/users/bob/smb.conf', (text) => text.replace(from, to))
    await compose(stack.dir, ['restart', 'samba-bob'])
    await stack.healthy('samba-bob')
  }

  async function connectsFrom(service: string, ip: string, port: number): Promise<boolean> {
    const attempt = `use IO::Socket::INET; exit(IO::Socket::INET->new(PeerAddr => "${ip}", PeerPort => ${port}, Timeout => 3) ? 0 : 7)`
    const ran = await composeExec(stack.dir, service, ['perl', '-e', attempt])
    if (ran.code !== 0 && ran.code !== 7) throw new Error(`perl exited ${ran.code}: ${ran.stderr}`)
    return ran.code === 0
  }

  async function addressOf(service: string): Promise<string> {
    const format = '{{range $name, $net := .NetworkSettings.Networks}}{{$name}} {{$net.IPAddress}}{{"\\n"}}{{end}}'
    const { id } = await stack.containerOf(service)
    const line = (await docker(['inspect', '-f', format, id])).split('\n').find((one) => one.includes('_shares '))
    if (line === undefined) throw new Error(`${service} is not on the network of shares`)
    return line.split(' ')[1] as string
  }

  async function bridge(): Promise<string> {
    return (await addressOf('gateway')).replace(/\.2$/, '.1')
  }
})

let listening: Promise<number> | undefined

/** A listener on all addresses of the host, made once; gives its port. */
function hostListener(): Promise<number> {
  listening ??= new Promise((resolve) => {
    const server = createServer((socket) => socket.end())
    server.unref()
    server.listen(0, '0.0.0.0', () => resolve((server.address() as AddressInfo).port))
  })
  return listening
}
