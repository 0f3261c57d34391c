import { describe, expect, it } from 'vitest'
import { type KeyInfo, keyDescription, ownKeys } from '../../../src/control/index.ts'

const now = new Date('2026-01-02T00:00:00Z')
const owner = { workspaceId: '0123456789abcdef', users: [{ id: 'u1', tag: 'tag:tm-alice' }], known: new Set(['9']) }
const key = (extra: Partial<KeyInfo> = {}): KeyInfo => ({
  id: '1',
  tags: ['tag:tm-alice'],
  used: false,
  reusable: false,
  expires: new Date('2026-01-03T00:00:00Z'),
  description: 'tmgen 0123456789abcdef u1',
  ...extra,
})

describe('ownKeys', () => {
  it('finds an unused key of ours that control.json does not know', () => {
    expect(ownKeys([key()], owner, now)).toHaveLength(1)
  })

  it('finds one by its tag alone where the system keeps no descriptions', () => {
    expect(ownKeys([key({ description: undefined })], owner, now)).toHaveLength(1)
  })

  it.each([
    ['known', { id: '9' }],
    ['used', { used: true }],
    ['expired', { expires: now }],
    ['reusable', { reusable: true }],
    ['of another tag', { tags: ['tag:tm-bob'] }],
    ['with a second tag', { tags: ['tag:tm-alice', 'tag:x'] }],
    ['of another workspace', { description: 'tmgen ffffffffffffffff u1' }],
    ['of another user', { description: 'tmgen 0123456789abcdef u2' }],
    ['described by somebody else', { description: '' }],
  ])('leaves alone a key that is %s', (_, extra) => {
    expect(ownKeys([key(extra)], owner, now)).toEqual([])
  })

  it('describes keys within what Tailscale takes', () => {
    expect(keyDescription('0123456789abcdef', 'u123456')).toMatch(/^[A-Za-z0-9 -]{1,50}$/)
  })
})
