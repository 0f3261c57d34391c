import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../../src/config/index.ts'
import { hostPolicyOf, policyOf, verifyOf } from '../../../src/monitor/rules/index.ts'
import { hour, minute, policy as usual } from './timeline.ts'

const configOf = (monitor: string, own = '') =>
  parseConfig(
    Buffer.from(`version: 1
workspace: home
control: { provider: headscale, url: https://hs.example.com }
storage: { root: /srv/tm }
network: { subnet: 10.77.0.0/24 }
${monitor}
users:
  - { name: alice, logins: [alice@example.com], macs: [{ name: macbook }]${own} }
`),
    'tmgen.yaml',
  ).config
const policyIn = (monitor: string, own = '') => {
  const { monitor: all, users } = configOf(monitor, own)
  return policyOf(all, users[0]!.monitor)
}

test('without a word in tmgen.yaml the defaults hold', () => {
  expect(policyIn('')).toEqual(usual)
  expect(hostPolicyOf(configOf('').monitor)).toEqual({
    every: 5 * minute,
    node: 30 * minute,
    diskFree: 5,
    remind: 72 * hour,
    keep: 400 * 24 * hour,
  })
})

test('backups are read back without a word in tmgen.yaml, as much as it says, or not at all', () => {
  const verify = { every: 6 * hour, bytes: 2 ** 30, ms: minute, within: 90 * 24 * hour }
  expect(verifyOf(configOf('').monitor)).toEqual(verify)
  expect(verifyOf(configOf('monitor: { verify: { bytes: 5G, time: 5m } }').monitor)).toEqual({
    ...verify,
    ...{ bytes: 5 * 2 ** 30, ms: 5 * minute },
  })
  expect(verifyOf(configOf('monitor: { verify: { enabled: false } }').monitor)).toBeNull()
})

test('monitor holds for all, and a person’s own comes before it', () => {
  const policy = policyIn('monitor: { stale: 4d, shrunk: 30 }', ', monitor: { stale: 36h, enabled: false }')
  expect(policy).toEqual({ ...usual, enabled: false, stale: 36 * hour, shrunk: 30 })
})

describe('refused', () => {
  test.each([
    ['monitor: { stale: 72 }', /must be digits and h or d, 2h to 365d/],
    ['monitor: { stale: 3w }', /must be digits and h or d, 2h to 365d/],
    ['monitor: { stale: 1h }', /must be digits and h or d, 2h to 365d/],
    ['monitor: { every: 30s }', /must be digits and m or h, 1m to 1h/],
    ['monitor: { every: 2h }', /must be digits and m or h, 1m to 1h/],
    ['monitor: { shrunk: 0 }', /shrunk/],
    ['monitor: { verify: { every: 5m } }', /must be digits and h or d, 1h to 30d/],
    ['monitor: { verify: { bytes: 1 } }', /bytes/],
    ['monitor: { verify: { bytes: 1.5G } }', /bytes/],
    ['monitor: { verify: off }', /verify/],
    ['monitor: { stalle: 72h }', /unknown key "stalle"/],
  ])('%s', (text, message) => expect(() => configOf(text)).toThrow(message))
})
