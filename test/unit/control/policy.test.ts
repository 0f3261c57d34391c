import { parse } from 'jsonc-parser'
import { describe, expect, it } from 'vitest'
import { broaderRules, formatPolicy, policyFor } from '../../../src/control/index.ts'
import { deployment, user } from './helper.ts'

const providers = ['tailscale', 'headscale', 'embedded', 'manual'] as const

describe('the policy', () => {
  it('lets each login and tag reach port 445 of its own node and nothing else', () => {
    const users = [user('alice', { logins: ['alice@example.com', 'al@x.io'], tags: ['tag:mdm'] }), user('bob')]
    expect(policyFor(deployment('tailscale', users))).toEqual({
      tagOwners: { 'tag:tmgen': ['autogroup:admin'], 'tag:tm-alice': ['tag:tmgen'], 'tag:tm-bob': ['tag:tmgen'] },
      grants: [
        { src: ['alice@example.com', 'al@x.io', 'tag:mdm'], dst: ['tag:tm-alice'], ip: ['tcp:445'] },
        { src: ['bob@example.com'], dst: ['tag:tm-bob'], ip: ['tcp:445'] },
      ],
    })
  })

  it('lets them reach port 80 too where their page is on the node, for no other node', () => {
    const users = [user('alice', { ports: [445, 80] }), user('bob')]
    expect(policyFor(deployment('tailscale', users)).grants).toEqual([
      { src: ['alice@example.com'], dst: ['tag:tm-alice'], ip: ['tcp:445', 'tcp:80'] },
      { src: ['bob@example.com'], dst: ['tag:tm-bob'], ip: ['tcp:445'] },
    ])
    expect(policyFor(deployment('headscale', users)).acls?.map(({ dst }) => dst)).toEqual([
      ['tag:tm-alice:445', 'tag:tm-alice:80'],
      ['tag:tm-bob:445'],
      ['192.0.2.1:445'],
    ])
    for (const provider of providers) {
      const made = deployment(provider, users)
      expect(broaderRules(formatPolicy(policyFor(made)), made)).toEqual([])
    }
  })

  it('writes a bare Headscale user as name@, once, and leaves e-mails', () => {
    const users = [user('alice', { logins: ['alice', 'alice@', 'alice@example.com'] })]
    expect(policyFor(deployment('embedded', users)).grants?.[0]?.src).toEqual(['alice@', 'alice@example.com'])
  })

  it('uses acls for a Headscale of one’s own, because 0.28 rejects grants', () => {
    expect(policyFor(deployment('headscale', [user('alice')]))).toEqual({
      tagOwners: { 'tag:tmgen': [], 'tag:tm-alice': [] },
      acls: [
        { action: 'accept', proto: 'tcp', src: ['alice@example.com'], dst: ['tag:tm-alice:445'] },
        { action: 'accept', proto: 'tcp', src: ['192.0.2.1'], dst: ['192.0.2.1:445'] },
      ],
    })
  })

  it('declares the tags of managed Macs where it is the whole policy', () => {
    const users = [user('alice', { tags: ['tag:mdm'] })]
    expect(policyFor(deployment('embedded', users)).tagOwners['tag:mdm']).toEqual([])
    expect(policyFor(deployment('tailscale', users)).tagOwners['tag:mdm']).toBeUndefined()
  })

  it('gives a disabled user and one without logins no rule', () => {
    const users = [user('alice', { enabled: false }), user('bob', { logins: [] })]
    expect(policyFor(deployment('tailscale', users)).grants).toEqual([])
  })

  it('is closed for an embedded server without any user: one rule for nobody', () => {
    expect(policyFor(deployment('embedded', [])).grants).toEqual([
      { src: ['192.0.2.1'], dst: ['192.0.2.1'], ip: ['tcp:445'] },
    ])
  })

  it.each(providers)('is formatted so that it parses back, a rule a line (%s)', (provider) => {
    for (const users of [[], [user('alice'), user('bob', { logins: ['b"\\ob'] })]]) {
      const policy = policyFor(deployment(provider, users))
      const text = formatPolicy(policy)
      expect(JSON.parse(text)).toEqual(policy)
      expect(parse(text)).toEqual(policy)
      expect(text.endsWith('}\n')).toBe(true)
    }
  })

  it.each(providers)('is never broader than itself (%s)', (provider) => {
    const users = [
      user('alice', { tags: ['tag:mdm'] }),
      user('bob', { logins: ['bob'] }),
      user('eve', { enabled: false }),
    ]
    const made = deployment(provider, users)
    expect(broaderRules(formatPolicy(policyFor(made)), made)).toEqual([])
  })
})
