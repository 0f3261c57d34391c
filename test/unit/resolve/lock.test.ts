import { describe, expect, test } from 'vitest'
import { checkMirror, formatLock, mirrorOf, newLock, parseLock } from '../../../src/resolve/index.ts'
import { bytes, empty, failure, run } from './sample.ts'

const { lock } = run(['alice', 'bob'])
const text = formatLock(lock)
const read = (input: string | Uint8Array): string =>
  failure(() => parseLock(typeof input === 'string' ? bytes(input) : input, 'tmgen.lock.json'))
const change = (from: string, to: string): string => {
  if (!text.includes(from)) throw new Error(`the lock has no ${from}`)
  return text.replace(from, () => to)
}
const restore = 'hint: restore it from git or a backup; do not edit it by hand'

describe('formatLock', () => {
  test('writes two-space JSON in a fixed order', () => {
    expect(text).toBe(`{
  "version": 1,
  "workspace": "0123456789abcdef",
  "serial": 1,
  "next": {
    "user": 3,
    "node": 3,
    "uid": 20003
  },
  "nodes": {
    "n1": {
      "owner": "u1",
      "hostname": "tm-alice",
      "udpPort": 21000
    },
    "n2": {
      "owner": "u2",
      "hostname": "tm-bob",
      "udpPort": 21001
    }
  },
  "users": {
    "u1": {
      "name": "alice",
      "uid": 20001,
      "destinations": {
        "timemachine": {
          "ip": "10.77.0.3"
        }
      }
    },
    "u2": {
      "name": "bob",
      "uid": 20002,
      "destinations": {
        "timemachine": {
          "ip": "10.77.0.4"
        }
      }
    }
  }
}
`)
  })

  test('reads back as the same lock, also a fresh one, and from any layout of the same JSON', () => {
    expect(parseLock(bytes(text), 'l')).toEqual(lock)
    expect(parseLock(bytes(formatLock(empty)), 'l')).toEqual(empty)
    expect(parseLock(bytes(JSON.stringify(JSON.parse(text))), 'l')).toEqual(lock)
  })

  test('orders entries by number, not by spelling', () => {
    const many = run(Array.from({ length: 11 }, (_, i) => `user${i}`)).lock
    const shuffled = { ...many, users: Object.fromEntries(Object.entries(many.users).reverse()) }
    expect(formatLock(shuffled)).toBe(formatLock(many))
    expect([...formatLock(many).matchAll(/"(u\d+)": \{/g)].map((m) => m[1])).toEqual(Object.keys(many.users))
  })
})

const table: [name: string, input: string | Uint8Array, expected: string][] = [
  [
    'a lock cut off',
    text.slice(0, 60),
    `lock-invalid
tmgen.lock.json:4:3: the file is not valid JSON: unexpected end of string
    "seri
    ^
${restore}`,
  ],
  [
    'a comma too many',
    change('"uid": 20003', '"uid": 20003,'),
    `lock-invalid
tmgen.lock.json:9:3: the file is not valid JSON: property name expected
    },
    ^
${restore}`,
  ],
  [
    'an empty lock',
    '',
    `lock-invalid
tmgen.lock.json:1:1: the file is not valid JSON: value expected
${restore}`,
  ],
  [
    'the marks of a merge conflict',
    change('  "serial": 1,', '<<<<<<< HEAD\n  "serial": 1,'),
    `lock-invalid
tmgen.lock.json:4:1: the file is not valid JSON: invalid symbol
  <<<<<<< HEAD
  ^
${restore}`,
  ],
  [
    'a lock of a newer version',
    change('"version": 1', '"version": 2'),
    `lock-invalid
tmgen.lock.json:2:14: the file is of version 2, made by a newer tmgen; this one knows version 1
    "version": 2,
               ^
hint: upgrade tmgen`,
  ],
  [
    'an unknown key',
    change('"serial": 1', '"serial": 1, "extra": true'),
    `lock-invalid
tmgen.lock.json:4:25: extra is an unknown key
    "serial": 1, "extra": true,
                          ^
${restore}`,
  ],
  [
    'a value of another type',
    change('"udpPort": 21001', '"udpPort": "21001"'),
    `lock-invalid
tmgen.lock.json:19:18: nodes.n2.udpPort is wrong: expected number, received string
        "udpPort": "21001"
                   ^
${restore}`,
  ],
  [
    'a UID dealt twice',
    change('"uid": 20002', '"uid": 20001'),
    `lock-invalid
tmgen.lock.json:34:14: users.u2.uid (20001) is the UID of u1 already
        "uid": 20001,
               ^
${restore}`,
  ],
  [
    'a port dealt twice',
    change('21001', '21000'),
    `lock-invalid
tmgen.lock.json:19:18: nodes.n2.udpPort (21000) is the UDP port of n1 already
        "udpPort": 21000
                   ^
${restore}`,
  ],
  [
    'an IP dealt twice',
    change('10.77.0.4', '10.77.0.3'),
    `lock-invalid
tmgen.lock.json:37:17: users.u2.destinations.timemachine.ip (10.77.0.3) is the IP of u1 already
            "ip": "10.77.0.3"
                  ^
${restore}`,
  ],
  [
    'a counter set back',
    change('"uid": 20003', '"uid": 20002'),
    `lock-invalid
tmgen.lock.json:8:12: next.uid must be above 20002, dealt to u2
      "uid": 20002
             ^
${restore}`,
  ],
  [
    'a key that stands twice',
    change('"serial": 1,', '"serial": 1,\n  "serial": 1,'),
    `lock-invalid
tmgen.lock.json:5:3: the key "serial" stands twice
    "serial": 1,
    ^
${restore}`,
  ],
]

describe('parseLock', () => {
  test.each(table)('refuses %s, with the place', (_name, input, expected) => {
    expect(read(input)).toBe(expected)
  })

  test('refuses a node without its user and a user without a node', () => {
    expect(read(change('"owner": "u2"', '"owner": "u9"'))).toContain('nodes.n2.owner (u9) is no user of the lock')
    expect(read(change('"owner": "u2"', '"owner": "u9"'))).toContain('users.u2 has no node')
  })

  test.each([
    ['[', '['.repeat(500_000)],
    ['{"a":', '{"a":'.repeat(500_000)],
    ['null', 'null'],
    ['a list', '[1]'],
    ['bytes that are no UTF-8', Uint8Array.of(0x7b, 0xff)],
    ['20 MB', new Uint8Array(20 * 1024 ** 2)],
  ])('refuses %s', (_name, input) => {
    expect(read(input)).toMatch(/^lock-invalid/)
  })
})

describe('checkMirror', () => {
  const mirror = mirrorOf(lock)

  test('accepts the lock that the state mirrors, a newer one, and state without a mirror', () => {
    expect(failure(() => checkMirror(lock, mirror))).toBe('accepted')
    expect(failure(() => checkMirror(run(['alice', 'bob', 'carl'], lock).lock, mirror))).toBe('accepted')
    expect(failure(() => checkMirror(undefined, undefined))).toBe('accepted')
  })

  test('refuses a missing lock', () => {
    expect(failure(() => checkMirror(undefined, mirror))).toBe(
      'lock-lost\ntmgen.lock.json is missing, but state/ says that numbers were dealt\nhint: restore tmgen.lock.json from git or a backup; where there is none: tmgen lock rebuild',
    )
  })

  test('refuses an older lock, by serial or by a counter', () => {
    const older = 'tmgen.lock.json is older than state/ (serial 0, expected at least 1)'
    expect(failure(() => checkMirror(empty, mirror))).toContain(`lock-lost\n${older}`)
    const rewound = { ...lock, serial: 7, next: { ...lock.next, uid: 20002 } }
    expect(failure(() => checkMirror(rewound, mirror))).toContain('lock-lost')
  })

  test('refuses the lock of another workspace', () => {
    const other = { ...lock, workspace: newLock('ffffffffffffffff').workspace }
    expect(failure(() => checkMirror(other, mirror))).toContain('belongs to workspace ffffffffffffffff')
  })
})
