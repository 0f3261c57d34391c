import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ParsedConfig } from '../../../src/config/index.ts'
import { TmgenErrors } from '../../../src/errors.ts'
import { formatLock, type Lock, parseLock, resolve } from '../../../src/resolve/index.ts'
import { parse } from '../config/sample.ts'
import { bytes, configOf, empty, numbersOf } from './sample.ts'

const network = 'subnet: 10.77.0.0/23, udp: {from: 21000, to: 21319}'
const base = parse(configOf([], network))
const [template] = parse(configOf(['alice'])).config.users

/** A parsed config with these users: what resolve sees, without the cost of YAML in each run. */
function withUsers(names: readonly string[], subnet = base.config.network.subnet): ParsedConfig {
  const users = names.map((name) => ({ ...template!, name }))
  return { ...base, config: { ...base.config, network: { ...base.config.network, subnet }, users } }
}

const name = fc.integer({ min: 0, max: 400 }).map((n) => `user${n}`)
const names = fc.uniqueArray(name, { maxLength: 250 })
const history = fc.array(names, { minLength: 1, maxLength: 6 })

/** Resolves one config after the other; stops where the numbers run out. */
function follow(
  configs: readonly (readonly string[])[],
  each: (before: Lock, after: Lock, users: readonly string[]) => void,
): void {
  let lock = empty
  for (const users of configs) {
    try {
      const next = resolve(withUsers(users), lock).lock
      each(lock, next, users)
      lock = next
    } catch (error) {
      // More names than ports over time: an error, never a number twice.
      if (!(error instanceof TmgenErrors) || error.errors.some((e) => e.code !== 'capacity')) throw error
      const total = new Set([...numbersOf(lock).keys(), ...users]).size
      expect(total).toBeGreaterThan(320)
    }
  }
}

test('no number is ever held by two users', () => {
  fc.assert(
    fc.property(history, (configs) => {
      follow(configs, (_before, after) => {
        const all = [...numbersOf(after).values()]
        for (const key of ['id', 'uid', 'ip', 'port'] as const)
          expect(new Set(all.map((n) => n[key])).size).toBe(all.length)
        // What parseLock accepts is consistent in itself.
        expect(parseLock(bytes(formatLock(after)), 'l')).toEqual(after)
      })
    }),
    { numRuns: 60 },
  )
})

test('adding, removing and reordering users never moves a number, for up to 250 users', () => {
  fc.assert(
    fc.property(history, (configs) => {
      follow(configs, (before, after, users) => {
        const now = numbersOf(after)
        for (const [user, numbers] of numbersOf(before)) expect(now.get(user)).toEqual(numbers)
        for (const user of users) expect(now.has(user)).toBe(true)
      })
    }),
    { numRuns: 60 },
  )
})

test('a second run gives the same bytes, and so does another order of the users', () => {
  fc.assert(
    fc.property(names, fc.integer(), (users, seed) => {
      const first = resolve(withUsers(users), empty).lock
      const text = formatLock(first)
      expect(formatLock(resolve(withUsers(users), first).lock)).toBe(text)
      const shuffled = [...users].sort(
        (a, b) => ((a.length * 31 + seed) % 7) - ((b.length * 31 + seed) % 7) || (a < b ? 1 : -1),
      )
      expect(formatLock(resolve(withUsers(shuffled), first).lock)).toBe(text)
    }),
    { numRuns: 60 },
  )
})

test('UIDs only ever rise', () => {
  fc.assert(
    fc.property(history, (configs) => {
      follow(configs, (before, after) => {
        const known = numbersOf(before)
        for (const [user, { uid }] of numbersOf(after)) {
          if (!known.has(user)) expect(uid).toBeGreaterThanOrEqual(Math.max(before.next.uid, 20001))
        }
      })
    }),
    { numRuns: 40 },
  )
})

test('whatever subnet follows whatever subnet, addresses stay unique and inside, and UIDs and ports stay', () => {
  const subnet = fc.constantFrom('10.77.0.0/22', '10.77.0.0/24', '10.77.1.0/24', '192.168.7.0/25', '172.16.4.0/23')
  fc.assert(
    fc.property(fc.uniqueArray(name, { maxLength: 100 }), fc.array(subnet, { maxLength: 5 }), (users, subnets) => {
      let lock = resolve(withUsers(users), empty).lock
      for (const cidr of subnets) {
        const { lock: next, deployment } = resolve(withUsers(users, cidr), lock)
        const ips = deployment.users.map((u) => u.ip)
        expect(new Set([...ips, deployment.network.gatewayIp, deployment.network.bridgeIp]).size).toBe(ips.length + 2)
        const prefix = cidr.split('.').slice(0, 2).join('.')
        expect(ips.every((ip) => ip.startsWith(`${prefix}.`))).toBe(true)
        for (const [user, numbers] of numbersOf(lock))
          expect(numbersOf(next).get(user)).toMatchObject({ uid: numbers.uid, port: numbers.port })
        lock = next
      }
    }),
    { numRuns: 40 },
  )
})
