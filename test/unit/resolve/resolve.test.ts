import { describe, expect, test } from 'vitest'
import { formatLock, parseLock, resolve } from '../../../src/resolve/index.ts'
import { manyUsers, parse } from '../config/sample.ts'
import { bytes, configOf, empty, failure, numbersOf, run } from './sample.ts'

describe('allocation', () => {
  test('deals ids, addresses, ports and UIDs in the order of the file', () => {
    expect([...numbersOf(run(['alice', 'bob']).lock)]).toEqual([
      ['alice', { id: 'u1', uid: 20001, ip: '10.77.0.3', port: 21000 }],
      ['bob', { id: 'u2', uid: 20002, ip: '10.77.0.4', port: 21001 }],
    ])
  })

  test('keeps the numbers of a removed user, and gives them back when the name returns', () => {
    const first = run(['alice', 'bob']).lock
    const without = run(['bob'], first)
    expect(without.lock).toEqual(first)
    expect(without.deployment.retired).toEqual(['alice'])
    const later = run(['carl', 'alice', 'bob'], without.lock)
    expect(numbersOf(later.lock).get('alice')).toEqual(numbersOf(first).get('alice'))
    expect(numbersOf(later.lock).get('carl')).toEqual({ id: 'u3', uid: 20003, ip: '10.77.0.5', port: 21002 })
    expect(later.deployment.retired).toEqual([])
  })

  test('fills the lowest free address and port, and never a UID again, once an entry is gone from the lock', () => {
    const { lock } = run(['alice', 'bob'])
    const purged = structuredClone(lock)
    delete purged.users.u1
    delete purged.nodes.n1
    expect(numbersOf(run(['bob', 'carl'], purged).lock).get('carl')).toEqual({
      id: 'u3',
      uid: 20003,
      ip: '10.77.0.3',
      port: 21000,
    })
  })

  test('raises the serial only when something changed', () => {
    const first = run(['alice']).lock
    expect(first.serial).toBe(1)
    expect(run(['alice'], first).lock).toEqual(first)
    expect(run([], first).lock).toEqual(first)
    expect(run(['alice', 'bob'], first).lock.serial).toBe(2)
  })

  test('a new subnet keeps the place of each address in it', () => {
    const first = run(['alice', 'bob', 'carl']).lock
    const second = run(['carl'], first, 'subnet: 192.168.4.0/24')
    expect([...numbersOf(second.lock).values()].map((n) => n.ip)).toEqual(['192.168.4.3', '192.168.4.4', '192.168.4.5'])
    expect(second.moved[0]).toBe('alice: bridge IP 10.77.0.3 -> 192.168.4.3 (network.subnet changed)')
  })

  test('a smaller subnet moves only what falls outside', () => {
    const first = structuredClone(run(['alice', 'bob', 'carl']).lock)
    for (const [id, ip] of [
      ['u1', '10.77.2.5'],
      ['u2', '10.77.3.3'],
    ] as const)
      first.users[id]!.destinations.timemachine.ip = ip
    const second = run(['alice', 'bob', 'carl'], first, 'subnet: 10.77.0.0/24')
    // carl holds .5 and stays; .3 is free for bob; alice gets the lowest that is left.
    expect([...numbersOf(second.lock).values()].map((n) => n.ip)).toEqual(['10.77.0.4', '10.77.0.3', '10.77.0.5'])
    expect(second.moved).toHaveLength(2)
  })

  test('nothing moves of a user who is forgotten', () => {
    const both = run(['alice', 'bob']).lock
    const next = resolve(parse(configOf(['alice'])), both, [], ['u2'])
    expect([Object.keys(next.lock.users), next.moved]).toEqual([['u1'], []])
  })

  test('a new UDP range moves the ports that fall outside, and UIDs stay whatever their range says', () => {
    const first = run(['alice', 'bob']).lock
    const next = run(
      ['alice', 'bob', 'carl'],
      first,
      'subnet: 10.77.0.0/22, udp: {from: 21001, to: 21064}, uid: {from: 30001, to: 30009}',
    )
    expect([...numbersOf(next.lock).values()].map((n) => [n.port, n.uid])).toEqual([
      [21002, 20001],
      [21001, 20002],
      [21003, 30001],
    ])
    expect(next.moved).toEqual(['alice: UDP port 21000 -> 21002 (network.udp changed)'])
  })

  test('does not change the lock that it was given', () => {
    const lock = structuredClone(empty)
    run(['alice'], lock)
    expect(lock).toEqual(empty)
  })
})

describe('capacity', () => {
  const nine = Array.from({ length: 9 }, (_, i) => `user${i}`)

  test('numbers of removed users count, and the error says so', () => {
    const { lock } = run(nine, empty, 'subnet: 10.77.0.0/28')
    expect(failure(() => run(['user0', 'new'], lock, 'subnet: 10.77.0.0/28'))).toBe(`capacity
tmgen.yaml:8:19: network.subnet has room for 9; 10 are needed, 8 of them for users removed from tmgen.yaml
  network: {subnet: 10.77.0.0/28}
                    ^
hint: use a larger subnet; a /22 holds 1,005 users`)
  })

  test('UIDs that were dealt once are gone', () => {
    const range = 'subnet: 10.77.0.0/22, uid: {from: 20001, to: 20002}'
    const { lock } = run(['alice', 'bob'], empty, range)
    expect(failure(() => run(['alice', 'carl'], lock, range))).toContain(
      'network.uid has no UID left: 20002 is dealt, and none is used twice',
    )
  })

  test('a full UDP range is an error', () => {
    const range = 'subnet: 10.77.0.0/22, udp: {from: 21000, to: 21031}'
    const names = Array.from({ length: 32 }, (_, i) => `user${i}`)
    const { lock } = run(names, empty, range)
    expect(failure(() => run(['new'], lock, range))).toContain('network.udp has room for 32; 33 are needed, 32 of them')
  })
})

describe('deployment', () => {
  test('lays out the subnet: bridge .1, gateway .2, dynamic addresses at the end', () => {
    expect(run([]).deployment.network).toEqual({
      subnet: '10.77.0.0/22',
      bridgeIp: '10.77.0.1',
      gatewayIp: '10.77.0.2',
      dynamicRange: '10.77.3.240/28',
      ipv6: false,
      udp: { from: 21000, to: 21031 },
    })
    expect(run([], empty, 'subnet: 192.168.9.16/28').deployment.network.dynamicRange).toBe('192.168.9.28/30')
  })

  test('publishes whole blocks of 32 that cover the highest port ever dealt', () => {
    const names = Array.from({ length: 33 }, (_, i) => `user${i}`)
    const first = run(names)
    expect(first.deployment.network.udp).toEqual({ from: 21000, to: 21063 })
    expect(run(['user0'], first.lock).deployment.network.udp).toEqual({ from: 21000, to: 21063 })
  })

  test('fills in tag, host name, storage, quota and who may connect', () => {
    const text = configOf(['alice']).replace(
      'macs: [{name: macbook}]',
      'tags: [tag:staff], macs: [{name: m}, {name: n, quota: 500G}]',
    )
    expect(resolve(parse(text), empty).deployment.users).toEqual([
      {
        id: 'u1',
        nodeId: 'n1',
        name: 'alice',
        uid: 20001,
        imported: false,
        ip: '10.77.0.3',
        udpPort: 21000,
        hostname: 'tm-alice',
        pinEpoch: 0,
        tag: 'tag:tm-alice',
        ports: [445],
        allow: ['alice@example.com', 'tag:staff'],
        logins: ['alice@example.com'],
        tags: ['tag:staff'],
        enabled: true,
        storage: '/srv/timemachine/alice',
        macs: [
          { name: 'm', quota: '1T', quotaBytes: 1024 ** 4 },
          { name: 'n', quota: '500G', quotaBytes: 500 * 1024 ** 3 },
        ],
        watch: expect.objectContaining({ enabled: true, stale: 72 * 3600_000 }),
        tell: { alerts: [], mail: null, ping: false },
      },
    ])
  })

  test('a page is a port more of the node', () => {
    const text = configOf(['alice']).replace('macs:', 'monitor: {page: true}, macs:')
    expect(resolve(parse(text), empty).deployment.users[0]?.ports).toEqual([445, 80])
  })

  test('gives the gateway memory by the number of nodes, or what the config says', () => {
    expect(run([]).deployment.gatewayMemory).toBe(224 * 1024 ** 2)
    expect(run(['alice', 'bob']).deployment.gatewayMemory).toBe(Math.round(226.4 * 1024 ** 2))
    expect(run([], empty, undefined, 'gateway: {memory: 1G}\n').deployment.gatewayMemory).toBe(1024 ** 3)
  })
})

test('1,000 users in one /22 are resolved, written and read', () => {
  const parsed = parse(manyUsers(1000))
  const { lock } = resolve(parsed, empty)
  const again = resolve(parsed, parseLock(bytes(formatLock(lock)), 'tmgen.lock.json'))
  expect(formatLock(again.lock)).toBe(formatLock(lock))
})
