import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Client, cleanUp, type Stack, startTwoUsers, waitFor } from './support/index.ts'

/** Who somebody says to be, in headers that proxies of a tailnet set. */
const pretended = ['Tailscale-User-Login: bob', 'Tailscale-User-Name: Bob', 'X-Forwarded-User: bob', 'Remote-User: bob']

/** Asks for a page with these headers, one read of it, and prints status line, headers and body; fails where nothing came. */
const asking = `
import socket, sys
ip, path, *headers = sys.argv[1:]
link = socket.create_connection((ip, 80), 5)
link.settimeout(10)
link.sendall("\\r\\n".join([f"GET {path} HTTP/1.1", "Host: tm-dashboard", "Connection: close", *headers, "", ""]).encode())
got = b""
while chunk := link.recv(65536):
    got += chunk
sys.stdout.buffer.write(got)
sys.exit(0 if got else 3)`

describe('the dashboard on a node of its own', () => {
  let stack: Stack
  let alice: Client
  let bob: Client
  let node: string

  beforeAll(async () => {
    ;({ stack, alice, bob } = await startTwoUsers())
  })
  afterAll(cleanUp)

  test('there is none before tmgen.yaml names operators; then apply and up make it, and nobody’s share moves', async () => {
    expect(Object.keys((await stack.status()).nodes).sort()).toEqual(['alice', 'bob'])
    const samba = await stack.containerOf('samba-alice')
    stack.edit('tmgen.yaml', (text) => `${text}dashboard:\n  operators: [bob]\n`)
    expect(await stack.must(['plan'])).toContain('tm-dashboard')
    await stack.must(['apply', '--yes'])
    await stack.pastePolicy()
    await stack.up()
    await stack.running('dashboard')
    expect(await stack.containerOf('samba-alice')).toEqual(samba)
    expect(await stack.must(['status'])).toMatch(/^dashboard +running/m)
    expect((await stack.tmgen(['policy', 'check'])).code).toBe(0)
  })

  test('the operator opens it, and sees how everybody does', async () => {
    node = await bob.peerIp('tm-dashboard')
    const page = await waitFor('the page', async () => {
      const { stdout } = await open(bob, '/')
      return stdout.includes('200 OK') ? stdout : undefined
    })
    expect(page).toMatch(/<a href="\/users\/alice">alice<\/a>.*<a href="\/users\/bob">bob<\/a>/)
    expect((await open(bob, '/users/alice')).stdout).toContain('macbook')
  })

  test('who is no operator does not see the node; where the policy fails, the gateway still refuses', async () => {
    expect(await alice.peer('tm-dashboard')).toBeUndefined()
    const { tagOwners } = JSON.parse(await stack.must(['policy', 'show']))
    const everybody = { action: 'accept', src: ['*'], dst: ['*:*'] }
    await stack.headscale.setPolicy({ tagOwners, acls: [everybody] })
    expect(await alice.peerIp('tm-dashboard')).toBe(node)
    const refused = async () => (await stack.node('dashboard')).refused
    const before = await refused()
    await waitFor('a refusal', async () => {
      expect((await open(alice, '/')).stdout).toBe('')
      return (await refused()) > before || undefined
    })
    expect((await open(alice, '/', ...pretended)).stdout).toBe('')
  })

  test('no header says who asks, and the node serves no other port, for the operator neither', async () => {
    // The policy still lets everybody everywhere.
    expect(body(await open(bob, '/users/alice', 'Tailscale-User-Login: alice', 'X-Forwarded-User: alice'))).toBe(
      body(await open(bob, '/users/alice')),
    )
    expect(await bob.connects(node, 80)).toBe(true)
    for (const port of [443, 445, 8080]) expect(await bob.connects(node, port), String(port)).toBe(false)
    // As an operator he reaches nobody's share.
    const share = await bob.peerIp('tm-alice')
    const { refused } = await stack.node('alice')
    await bob.connects(share, 445)
    await waitFor('a refusal', async () => (await stack.node('alice')).refused > refused || undefined)
    await stack.pastePolicy()
  })

  test('rotate gives the node a new key, and the operator is let in again', async () => {
    const { node_id } = await stack.node('dashboard')
    await stack.must(['rotate', 'dashboard', '--key'])
    await waitFor('a new node', async () => {
      const now = (await stack.status()).nodes.dashboard
      return (now?.state === 'running' && now.node_id !== node_id) || undefined
    })
    node = await bob.peerIp('tm-dashboard')
    await waitFor('the page', async () => (await open(bob, '/')).stdout.includes('200 OK') || undefined)
  })

  test('taken out of tmgen.yaml it ends, and orphans ends the rest', async () => {
    stack.edit('tmgen.yaml', (text) => text.replace(/^dashboard:\n.*\n/m, ''))
    await stack.must(['apply', '--yes'])
    await waitFor('the end of the node', async () => !('dashboard' in (await stack.status()).nodes) || undefined)
    expect((await open(bob, '/')).stdout).toBe('')
    await stack.pastePolicy()
    const orphan = await waitFor('an orphan', async () => {
      const { orphans } = JSON.parse(await stack.must(['orphans', '--json']))
      return orphans.find((one: { online: boolean }) => !one.online)
    })
    expect(orphan).toMatchObject({ name: 'tm-dashboard', why: 'no dashboard in tmgen.yaml' })
    await stack.must(['orphans', '--remove', orphan.id, '--yes'])
    expect(JSON.parse(await stack.must(['orphans', '--json']))).toEqual({ orphans: [] })
    await stack.session(bob, 'bob', 'imac')
  })

  const open = (client: Client, path: string, ...headers: string[]) =>
    client.exec(['python3', '-c', asking, node, path, ...headers])
  const body = ({ stdout }: { stdout: string }) => stdout.split('\r\n\r\n').slice(1).join('\r\n\r\n')
})
