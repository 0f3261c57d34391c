import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { broaderRules, type NodeInfo } from '../../../src/control/index.ts'
import { deployment, user } from './helper.ts'

const made = deployment('tailscale', [user('alice', { tags: ['tag:mdm'] }), user('bob')])
const both = ['alice', 'bob']
const own = '{"src": ["alice@example.com"], "dst": ["tag:tm-alice"], "ip": ["tcp:445"]}'
/** Users that a policy of one rule opens. */
const opened = (section: 'acls' | 'grants', rule: object, rest: object = {}) =>
  broaderRules(JSON.stringify({ ...rest, [section]: [rule] }), made).flatMap((found) => found.reaches)
const acl = (src: string[], dst: string[], extra: object = {}, rest: object = {}) =>
  opened('acls', { action: 'accept', src, dst, ...extra }, rest)
const grant = (src: string[], dst: string[], ip: unknown = ['*'], rest: object = {}) =>
  opened('grants', { src, dst, ip }, rest)

describe('broaderRules', () => {
  it.each([undefined, '', ' \n'])('takes no policy as open: %j', (text) => {
    expect(broaderRules(text, made)).toEqual([{ text: 'no policy: everything is allowed', reaches: both }])
  })

  it.each(['{}', '{"tagOwners": {}}', '{"acls": null}'])('takes a policy without rules as open: %s', (text) => {
    expect(broaderRules(text, made)).toMatchObject([
      { text: expect.stringContaining('neither acls nor grants'), reaches: both },
    ])
  })

  it.each(['nonsense', '[]', '{"acls": ['])('cannot judge what does not parse: %s', (text) => {
    expect(broaderRules(text, made)).toMatchObject([{ text: expect.stringContaining('cannot judge'), reaches: both }])
  })

  it('takes empty rule sections as closed', () => {
    expect(broaderRules('{"grants": []}', made)).toEqual([])
    expect(broaderRules('{"acls": [],}', made)).toEqual([])
  })

  it('shows the rule on one line, with its line in the document', () => {
    const text = `// ours\n{\n  "grants": [\n    ${own},\n    {\n      "src": ["*"], // everybody\n      "dst": ["*"], "ip": ["*"],\n    },\n  ],\n}\n`
    expect(broaderRules(text, made)).toEqual([{ text: '{"src":["*"],"dst":["*"],"ip":["*"]}', line: 5, reaches: both }])
  })

  it.each([
    [['*'], ['*:*'], both],
    [['autogroup:member'], ['tag:tm-alice:445'], ['alice']],
    [['bob@example.com'], ['tag:tm-alice:1-1000'], ['alice']],
    [['tag:server'], ['tag:tm-bob:22,445'], ['bob']],
    [['alice@example.com', 'bob@example.com'], ['tag:tm-alice:445'], ['alice']],
    [['10.0.0.0/8'], ['100.64.0.0/10:*'], both],
    [['*'], ['100.64.3.4:445'], both],
    [['*'], ['fd7a:115c:a1e0::/48:445'], both],
    [['*'], ['0.0.0.0/0:*'], both],
    [['*'], ['autogroup:tagged:*'], both],
    [['*'], ['autogroup:danger-all:*'], both],
    [['*'], ['autogroup:new-thing:*'], both],
    [['*'], ['ipset:prod:*'], both],
    [['*'], ['100.64.0.1-100.64.0.9:*'], both],
    [['*'], ['mystery:*'], both],
    [['alice'], ['tag:tm-alice:445'], ['alice']],
  ])('acl from %j to %j opens %j', (src, dst, users) => {
    expect(acl(src, dst)).toEqual(users)
  })

  it.each([
    [['alice@example.com'], ['tag:tm-alice:*']],
    [['tag:mdm', 'tag:tm-alice'], ['tag:tm-alice:445']],
    [['*'], ['tag:tm-alice:22', 'tag:tm-bob:446-65535']],
    [['*'], ['tag:other:*', 'autogroup:internet:*', 'autogroup:self:*']],
    [['*'], ['192.168.1.0/24:*', '8.8.8.8:445', 'fd00::/64:445']],
    [['*'], ['carol@example.com:*', 'group:staff:*', 'autogroup:member:*']],
    [[], ['*:*']],
    [['*'], []],
  ])('acl from %j to %j opens nothing', (src, dst) => {
    expect(acl(src, dst)).toEqual([])
  })

  it('heeds the protocol of an acl', () => {
    expect(acl(['*'], ['*:*'], { proto: 'icmp' })).toEqual([])
    expect(acl(['*'], ['*:*'], { proto: '17' })).toEqual([])
    expect(acl(['*'], ['*:*'], { proto: 'tcp' })).toEqual(both)
    expect(acl(['*'], ['*:*'], { proto: '6' })).toEqual(both)
  })

  it.each([
    ['*'],
    ['445'],
    ['tcp:445'],
    ['tcp:*'],
    ['1-1000'],
    ['tcp:1-1000'],
    ['tcp'],
    ['6:445'],
    ['strange:thing'],
  ])('a grant for ip %j covers SMB', (ip) => {
    expect(grant(['*'], ['tag:tm-bob'], [ip])).toEqual(['bob'])
  })

  it.each([
    ['22'],
    ['tcp:22'],
    ['udp:445'],
    ['udp:*'],
    ['icmp:*'],
    ['446-500'],
    ['icmp'],
  ])('a grant for ip %j does not', (ip) => {
    expect(grant(['*'], ['*'], [ip])).toEqual([])
  })

  it('leaves out grants of capabilities alone', () => {
    expect(opened('grants', { src: ['*'], dst: ['*'], app: { 'example.com/cap': [{}] } })).toEqual([])
    expect(opened('grants', { src: ['*'], dst: ['*'] })).toEqual(both)
    expect(opened('grants', { src: ['*'], dst: ['*'], ip: ['*'], app: {} })).toEqual(both)
  })

  it('looks into groups and hosts', () => {
    const rest = {
      groups: { 'group:alice': ['alice@example.com'], 'group:staff': ['alice@example.com', 'bob@example.com'] },
      hosts: { backup: '100.100.1.2', lan: '192.168.1.0/24', 'bob@example.com': '100.64.0.9' },
    }
    expect(acl(['group:alice'], ['tag:tm-alice:445'], {}, rest)).toEqual([])
    expect(acl(['group:staff'], ['tag:tm-alice:445'], {}, rest)).toEqual(['alice'])
    expect(acl(['group:missing'], ['tag:tm-alice:445'], {}, rest)).toEqual(['alice'])
    expect(acl(['*'], ['backup:445'], {}, rest)).toEqual(both)
    expect(acl(['*'], ['lan:445'], {}, rest)).toEqual([])
    expect(acl(['bob@example.com'], ['tag:tm-bob:445'], {}, rest)).toEqual(['bob'])
  })

  it('knows a node’s addresses where it is told them', () => {
    const nodes = [{ tags: ['tag:tm-alice'], ips: ['100.64.0.1'] }] as unknown as NodeInfo[]
    const text = (ip: string) => `{"acls": [{"action": "accept", "src": ["*"], "dst": ["${ip}:445"]}]}`
    const only = deployment('headscale', [user('alice')])
    expect(broaderRules(text('100.64.0.1'), only, nodes)).toHaveLength(1)
    expect(broaderRules(text('100.64.0.2'), only, nodes)).toHaveLength(0)
    expect(broaderRules(text('100.64.0.0/24'), only, nodes)).toHaveLength(1)
  })

  it('counts what it does not understand as broader', () => {
    for (const rule of [
      7,
      'accept',
      { action: 'deny', src: [], dst: [] },
      { src: ['*'] },
      { src: [1], dst: ['*'], ip: ['*'] },
    ]) {
      expect(opened(typeof rule === 'object' && 'action' in rule ? 'acls' : 'grants', rule as object)).toEqual(both)
    }
    expect(broaderRules('{"grants": {"src": ["*"], "dst": ["*"], "ip": ["*"]}}', made)).toHaveLength(1)
  })

  it('reads old field names, and keys in any case, as the servers do', () => {
    expect(opened('acls', { Action: 'accept', Users: ['*'], Ports: ['*:*'] })).toEqual(both)
    expect(
      broaderRules('{"ACLs": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}], "grants": []}', made),
    ).toHaveLength(1)
  })

  it('leaves disabled users out, whom the gateway does not serve', () => {
    expect(broaderRules(undefined, deployment('tailscale', [user('alice', { enabled: false })]))).toEqual([])
  })

  it('never throws, whatever the text', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => Array.isArray(broaderRules(text, made))))
  })

  it('finds a rule for everybody in any policy around it', () => {
    const name = fc.constantFrom('*', 'bob@example.com', 'tag:tm-alice', 'group:x', '10.1.2.3', 'autogroup:member')
    const rules = fc.array(fc.record({ src: fc.array(name), dst: fc.array(name), ip: fc.constant(['tcp:22']) }))
    fc.assert(
      fc.property(rules, rules, (before, after) => {
        const open = { src: ['*'], dst: ['*'], ip: ['*'] }
        const found = broaderRules(JSON.stringify({ grants: [...before, open, ...after] }), made)
        expect(found.map((rule) => rule.text)).toContain(JSON.stringify(open))
      }),
    )
  })
})
