import { describe, expect, test } from 'vitest'
import { beginRename, endRename, formatLock, parseLock } from '../../../src/resolve/index.ts'
import { bytes, failure, run } from './sample.ts'

const { lock } = run(['alice', 'bob'])
const begun = beginRename(lock, 'alice', 'alicia')

describe('a rename in the lock', () => {
  test('keeps id and numbers, and the former name until it is done', () => {
    expect(begun.users.u1).toEqual({ ...lock.users.u1, name: 'alicia', formerly: 'alice' })
    expect(begun.nodes.n1).toEqual({ ...lock.nodes.n1, hostname: 'tm-alicia' })
    expect(begun.serial).toBe(lock.serial + 1)
    const ended = endRename(begun, 'alicia')
    expect(ended.users.u1).toEqual({ ...lock.users.u1, name: 'alicia' })
    expect(ended.serial).toBe(lock.serial + 2)
    expect([begun.users.u2, begun.nodes.n2]).toEqual([lock.users.u2, lock.nodes.n2])
  })

  test('is written and read back, and done twice is done once', () => {
    expect(parseLock(bytes(formatLock(begun)), 'tmgen.lock.json')).toEqual(begun)
    expect(beginRename(begun, 'alice', 'alicia')).toBe(begun)
    expect(endRename(lock, 'alice')).toBe(lock)
  })

  test('serves nobody while it lasts', () => {
    const { deployment } = run(['alicia', 'bob'], begun)
    expect(deployment.users.map(({ id, name, enabled, formerly }) => [id, name, enabled, formerly])).toEqual([
      ['u1', 'alicia', false, 'alice'],
      ['u2', 'bob', true, undefined],
    ])
    expect(deployment.retired).toEqual([])
  })

  test('refuses a name that is taken, another rename on top, and the former name for somebody new', () => {
    expect(() => beginRename(lock, 'alice', 'bob')).toThrow('the name bob is not free')
    expect(() => beginRename(begun, 'alicia', 'al')).toThrow('alicia is still being renamed')
    expect(failure(() => run(['alicia', 'bob', 'alice'], begun))).toContain('users[2].name (alice) is not free yet')
    const twice = formatLock(begun).replace('"name": "bob"', '"name": "alice"')
    expect(failure(() => parseLock(bytes(twice), 'tmgen.lock.json'))).toContain('is the name of u1 already')
  })
})
