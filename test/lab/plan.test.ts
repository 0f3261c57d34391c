import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Client, cleanUp, compose, type Stack, startTwoUsers, waitFor } from './support/index.ts'

interface Shown {
  changes: { sign: string; what: string; name: string; drift?: string; parts?: { title: string }[] }[]
  unseen: string[]
}

describe('plan and apply', () => {
  let stack: Stack
  let alice: Client
  let bob: Client

  beforeAll(async () => {
    ;({ stack, alice, bob } = await startTwoUsers())
  })
  afterAll(cleanUp)

  /** What plan shows, as `sign what name`, and its exit code. */
  const plan = async () => {
    const { code, stdout, stderr } = await stack.tmgen(['plan', '--detailed-exitcode', '--json'])
    if (stdout === '') throw new Error(stderr)
    const { changes, unseen } = JSON.parse(stdout) as Shown
    expect(unseen).toEqual([])
    return {
      code,
      changes: changes.map(({ sign, what, name, drift }) => [sign, what, name, drift].filter(Boolean).join(' ')),
    }
  }
  const nothing = { code: 0, changes: [] }
  const node = async (name: string) => {
    const found = (await stack.headscale.nodes()).find((one) => one.given_name === name)
    if (!found) throw new Error(`Headscale has no node ${name}`)
    return found
  }
  const headscale = (...args: string[]) => stack.headscale.container.must(['headscale', ...args])

  test('a stack that was just started needs nothing', async () => {
    expect(await plan()).toEqual(nothing)
  })

  test('a user written into tmgen.yaml by hand is planned, applied without a cut for others, and then done', async () => {
    const carol = '  - name: carol\n    logins: [carol]\n    macs: [{ name: mini }]\n'
    stack.edit('tmgen.yaml', (text) => text.replace(/^users:\n/m, `$&${carol}`))
    const planned = await plan()
    expect(planned.code).toBe(2)
    expect(planned.changes).toEqual([
      '+ user carol',
      '~ gateway gateway',
      '~ workspace workspace',
      '~ service monitor-scanner',
    ])
    const others = () =>
      Promise.all(['gateway', 'samba-alice', 'samba-bob'].map((service) => stack.containerOf(service)))
    const before = await others()
    await stack.must(['apply'])
    expect(await others()).toEqual(before)
    await stack.running('carol')
    expect(await plan()).toEqual(nothing)
  })

  test('a container that somebody stopped, and one that runs old config, are shown and brought back', async () => {
    await compose(stack.dir, ['stop', '-t', '1', 'samba-bob'])
    expect(await plan()).toEqual({ code: 2, changes: ['! container samba-bob container-stopped'] })
    await stack.must(['add', 'mac', 'alice', 'imac'])
    expect((await plan()).changes).toEqual([
      '! container samba-alice container-old',
      '! container samba-bob container-stopped',
    ])
    await stack.must(['apply'])
    expect(await plan()).toEqual(nothing)
    await stack.session(alice, 'alice', 'imac')
  })

  test('a node deleted, renamed or expired by hand is shown; apply brings a lost one back', async () => {
    await headscale('nodes', 'rename', '--identifier', String((await node('tm-carol')).id), 'nas')
    await headscale('nodes', 'expire', '--identifier', String((await node('tm-bob')).id))
    await headscale('nodes', 'delete', '--force', '--identifier', String((await node('tm-alice')).id))
    expect(await plan()).toEqual({
      code: 2,
      changes: [
        '~ user alice',
        '~ user bob',
        '! node tm-carol node-renamed',
        '! node tm-alice node-deleted',
        '! node tm-bob node-expired',
      ],
    })
    await headscale('nodes', 'rename', '--identifier', String((await node('nas')).id), 'tm-carol')
    await stack.must(['apply'])
    await waitFor(
      'the nodes to be enrolled again',
      async () => (await node('tm-alice')).online && (await node('tm-bob')).online,
    )
    await stack.running('alice', 'bob')
    expect(await plan()).toEqual(nothing)
    await stack.session(alice, 'alice', 'macbook')
  })

  test('a rule that lets others in is shown with its line', async () => {
    const policy = JSON.parse(await stack.must(['policy', 'show']))
    const open = { action: 'accept', src: ['*'], dst: ['*:*'] }
    await stack.headscale.setPolicy({ ...policy, acls: [...(policy.acls ?? []), open] })
    expect(await plan()).toEqual({ code: 2, changes: ['! policy policy policy-open'] })
    const check = await stack.tmgen(['policy', 'check'])
    expect([check.code, check.stdout]).toEqual([
      2,
      expect.stringMatching(/^line 1: lets others reach carol, alice, bob/),
    ])
  })

  test('policy apply adds ours to a policy with comments: alice gets in, bob does not; without users it is as it was', async () => {
    const mine =
      '// kept by hand\n{\n\t"acls": [ // rules\n\t\t{"action": "accept", "src": ["autogroup:member"], "dst": ["autogroup:self:*"]},\n\t],\n}\n'
    await stack.headscale.setPolicy(mine)
    await waitFor('the policy to hide the nodes', async () => (await alice.peer('tm-alice')) === undefined)
    const diff = (await stack.tmgen(['policy', 'apply', '--yes'])).stderr
    expect(diff).toContain('"tag:tm-alice"')
    expect(diff).not.toMatch(/^-/m)
    const written = await stack.headscale.policy()
    expect(written).toMatch(/^\/\/ kept by hand\n\{.*"tests": \[.*"acls": \[ \/\/ rules\n/s)
    expect((await stack.tmgen(['policy', 'check'])).code).toBe(0)
    expect(await plan()).toEqual(nothing)
    await stack.session(alice, 'alice', 'macbook')
    expect(await bob.peer('tm-alice')).toBeUndefined()
    expect(await bob.connects((await node('tm-alice')).ip_addresses[0] ?? '', 445)).toBe(false)
    expect(await stack.must(['policy', 'apply', '--json'])).toContain('"changed": false')
    stack.edit('tmgen.yaml', (text) => text.replace(/^users:\n[\s\S]*/m, 'users: []\n'))
    await stack.must(['policy', 'apply', '--yes'])
    expect((await stack.headscale.policy()).trimEnd()).toBe(mine.trimEnd())
  })
})
