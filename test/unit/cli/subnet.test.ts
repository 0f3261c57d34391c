import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { expect, test } from 'vitest'
import { freeSubnet } from '../../../src/commands/subnet.ts'

const bytes = (...values: number[]) => {
  let at = 0
  return (length: number) => Uint8Array.from({ length }, () => values[at++ % values.length]!)
}

test('takes a random /22 out of 10.0.0.0/8', () => {
  expect(freeSubnet(bytes(77, 5), [])).toBe('10.77.4.0/22')
})

test('takes another one where the first meets a network of the host, larger or smaller', () => {
  expect(freeSubnet(bytes(77, 4, 78, 8), ['10.77.0.0/16'])).toBe('10.78.8.0/22')
  expect(freeSubnet(bytes(77, 4, 78, 8), ['10.77.7.128/25'])).toBe('10.78.8.0/22')
})

test('a default route, an IPv6 network and text that is no network are no obstacle', () => {
  expect(freeSubnet(bytes(77, 4), ['0.0.0.0/0', 'fd00::/8', 'nonsense'])).toBe('10.77.4.0/22')
})

test('says what to do where all of 10.0.0.0/8 is taken', () => {
  expect(() => freeSubnet(bytes(77, 4), ['10.0.0.0/8'])).toThrow(/no free \/22/)
})

test('never meets a taken network', () => {
  const network = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.integer({ min: 10, max: 32 }))
  fc.assert(
    fc.property(fc.array(network, { maxLength: 20 }), fc.infiniteStream(fc.nat(255)), (networks, random) => {
      const taken = networks.map(([b, c, d, prefix]) => `10.${b}.${c}.${d}/${prefix}`)
      let chosen: string
      try {
        chosen = freeSubnet((length) => Uint8Array.from({ length }, () => random.next().value!), taken)
      } catch {
        return // too crowded: refused, which is no overlap either
      }
      const [base] = ipaddr.IPv4.parseCIDR(chosen)
      for (const cidr of taken) {
        const [other, prefix] = ipaddr.IPv4.parseCIDR(cidr)
        expect(base.match(other, Math.min(prefix, 22)), `${chosen} meets ${cidr}`).toBe(false)
      }
    }),
  )
})
