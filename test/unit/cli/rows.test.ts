import { describe, expect, test } from 'vitest'
import { userRows } from '../../../src/commands/rows.ts'
import type { BroaderRule } from '../../../src/control/index.ts'
import type { NodeInfo } from '../../../src/control/types.ts'
import type { ControlRecord, Observed } from '../../../src/converge/types.ts'
import type { Deployment } from '../../../src/resolve/types.ts'

const now = new Date('2026-01-02T00:00:00Z')

const deployment = (host: 'local' | 'remote' = 'local') =>
  ({
    host,
    users: [
      {
        id: 'u1',
        name: 'alice',
        hostname: 'tm-alice',
        tag: 'tag:tm-alice',
        udpPort: 21000,
        logins: ['alice@example.com'],
        tags: [],
        macs: [{ name: 'macbook', quota: '1T', quotaBytes: 2 ** 40 }],
        storage: '/srv/alice',
        enabled: true,
      },
    ],
  }) as unknown as Deployment

const observed = (extra: { record?: ControlRecord; hasKey?: boolean; enrolled?: boolean; nodes?: NodeInfo[] }) =>
  ({
    control: { version: 1, users: extra.record ? { u1: extra.record } : {} },
    authKeys: new Set(extra.hasKey ? ['alice'] : []),
    enrolled: new Map(extra.enrolled ? [['alice', 'n1']] : []),
    remote: extra.nodes ? { keys: [], nodes: extra.nodes, users: undefined, policy: undefined } : undefined,
  }) as unknown as Observed

const node: NodeInfo = {
  id: 'n1',
  hostname: 'tm-alice',
  dnsName: 'tm-alice.example.ts.net',
  tags: ['tag:tm-alice'],
  user: undefined,
  online: true,
  ips: [],
}

const row = (extra: Parameters<typeof observed>[0], host?: 'local' | 'remote') =>
  userRows(deployment(host), observed(extra), undefined, now)[0]!

describe('the auth key', () => {
  test('is missing without a key file', () => expect(row({}).key.state).toBe('missing'))
  test('is ready until its expiry', () =>
    expect(row({ hasKey: true, record: { keyExpires: '2026-01-03T00:00:00Z' } }).key.state).toBe('ready'))
  test('is expired from that moment on', () =>
    expect(row({ hasKey: true, record: { keyExpires: '2026-01-02T00:00:00Z' } }).key.state).toBe('expired'))
  test('is ready where it was pasted, without a known expiry', () =>
    expect(row({ hasKey: true, record: { source: 'pasted' } }).key.state).toBe('ready'))
  test('is used once the node is enrolled, whatever its expiry says', () =>
    expect(row({ hasKey: true, enrolled: true, record: { keyExpires: '2026-01-01T00:00:00Z' } }).key.state).toBe(
      'used',
    ))
})

describe('enrolled', () => {
  test('follows the gateway state here', () => {
    expect(row({}).enrolled).toBe(false)
    expect(row({ enrolled: true }).enrolled).toBe(true)
  })
  test('is unknown for a server elsewhere while the control plane was not asked', () => {
    expect(row({}, 'remote').enrolled).toBeNull()
    expect(row({ nodes: [] }, 'remote').enrolled).toBe(false)
    expect(row({ nodes: [node] }, 'remote').enrolled).toBe(true)
  })
  test('takes no node for ours by its name alone', () =>
    expect(row({ nodes: [{ ...node, tags: [] }] }).enrolled).toBe(false))
})

test('the full name of the node comes from the control plane', () => {
  expect(row({ nodes: [node] }).node.name).toBe('tm-alice.example.ts.net')
  expect(row({}).node.name).toBe('tm-alice')
})

test('isolation is unknown without the policy, open with a broader rule for this user, closed otherwise', () => {
  const isolation = (rules: BroaderRule[] | undefined) => userRows(deployment(), observed({}), rules, now)[0]!.isolation
  const rule = (...reaches: string[]) => ({ text: '* to *', reaches })
  expect([undefined, [rule('alice')], [rule('bob')], []].map(isolation)).toEqual([null, 'open', 'closed', 'closed'])
})
