import { describe, expect, it } from 'vitest'
import { judgePolicy, type NodeInfo, shutOut } from '../../../src/control/index.ts'
import { deployment, user } from './helper.ts'

const made = deployment('tailscale', [user('alice', { tags: ['tag:mdm'] }), user('bob')])
const node = (name: string, ip: string) => ({ tags: [`tag:tm-${name}`], ips: [ip] }) as unknown as NodeInfo
const nodes = [node('alice', '100.64.0.1'), node('bob', '100.64.0.2')]
const judge = (policy: object | string, seen = nodes) =>
  judgePolicy({ policy: { text: typeof policy === 'string' ? policy : JSON.stringify(policy) }, nodes: seen }, made)
const own = [
  { src: ['alice@example.com', 'tag:mdm'], dst: ['tag:tm-alice'], ip: ['tcp:445'] },
  { src: ['bob@example.com'], dst: ['tag:tm-bob'], ip: ['tcp:445'] },
]
const kinds = (grant: object) => judge({ grants: [...own, grant] }).map(({ kind, users }) => [kind, ...users].join(' '))

describe('judgePolicy', () => {
  it('finds nothing in our own rules, with an app grant, an udp rule and other people’s machines beside them', () => {
    const others = [
      { src: ['*'], dst: ['tag:tm-alice'], app: { 'example.com/cap': [{}] } },
      { src: ['autogroup:member'], dst: ['tag:web'], ip: ['*'] },
      { src: ['tag:web'], dst: ['192.168.0.0/24'], ip: ['*'] },
      { src: ['autogroup:member'], dst: ['autogroup:self'], ip: ['*'] },
      { src: ['192.0.2.1'], dst: ['192.0.2.1'], ip: ['tcp:445'] },
    ]
    expect(judge({ grants: [...own, ...others] })).toEqual([])
  })

  it('names kind, rule, line and users', () => {
    const rule = '{"src":["*"],"dst":["tag:tm-bob"],"ip":["*"]}'
    expect(judge(`{\n// open\n"grants": [\n${rule}]}`, nodes)).toEqual([
      { kind: 'reach', text: rule, line: 4, users: ['bob'] },
      { kind: 'source', text: rule, line: 4, users: ['alice'] },
    ])
  })

  it.each([
    ['*', ['source alice bob']],
    ['tag:tm-alice', ['source alice']],
    ['autogroup:tagged', ['source alice bob']],
    ['100.64.0.2', ['source bob']],
    ['100.64.0.0/10', ['source alice bob']],
    ['autogroup:new-thing', ['source alice bob']],
    ['autogroup:member', []],
    ['tag:web', []],
    ['group:staff', []],
    ['alice@example.com', []],
    ['100.64.0.9', []],
    ['192.168.0.0/16', []],
  ])('a node as a source: from %s to another machine is %j', (src, found) => {
    expect(kinds({ src: [src], dst: ['tag:web'], ip: ['tcp:80'] })).toEqual(found)
  })

  it('leaves out a node that reaches itself, and exit nodes', () => {
    expect(kinds({ src: ['tag:tm-alice'], dst: ['tag:tm-alice'], ip: ['*'] })).toEqual([])
    expect(kinds({ src: ['*'], dst: ['autogroup:internet'], ip: ['*'] })).toEqual([])
  })

  it('a node that reaches another node is both', () => {
    expect(kinds({ src: ['tag:tm-alice'], dst: ['tag:tm-bob'], ip: ['tcp:445'] })).toEqual([
      'reach bob',
      'source alice',
    ])
  })

  it.each([
    [{ action: 'accept', src: ['autogroup:member'], dst: ['autogroup:tagged'], users: ['root'] }, ['ssh alice bob']],
    [{ action: 'check', src: ['bob@example.com'], dst: ['tag:tm-alice'], users: ['root'] }, ['ssh alice']],
    [{ action: 'accept', src: ['tag:tm-bob'], dst: ['tag:web'], users: ['root'] }, ['ssh bob']],
    [{ action: 'accept', src: ['autogroup:member'], dst: ['autogroup:self'], users: ['root'] }, []],
    [{ action: 'accept', src: ['autogroup:member'], dst: ['tag:web'], users: ['root'] }, []],
    [{ action: 'accept', src: 7, dst: ['tag:web'] }, ['ssh alice bob']],
  ])('ssh rule %j', (rule, found) => {
    const all = judge({ grants: own, ssh: [rule] })
    expect(all.map(({ kind, users }) => [kind, ...users].join(' '))).toEqual(found)
  })

  it('tells a rule that it cannot read once', () => {
    expect(kinds({ src: ['*'] })).toEqual(['reach alice bob'])
  })

  it.each([undefined, '', '{}', 'x'])('a policy that is %j isolates nobody', (text) => {
    const policy = text === undefined ? undefined : { text }
    expect(judgePolicy({ policy, nodes }, made)).toMatchObject([{ kind: 'reach', users: ['alice', 'bob'] }])
  })

  it('takes a policy of grants alone as open where the server knows no grants (Headscale 0.26)', () => {
    const policy = { text: JSON.stringify({ grants: own }) }
    const features = { grants: false, tests: false }
    expect(judgePolicy({ policy, nodes, features }, made)).toMatchObject([
      { kind: 'reach', text: expect.stringContaining('knows no grants'), users: ['alice', 'bob'] },
    ])
    const withAcls = { text: JSON.stringify({ grants: own, acls: [] }) }
    expect(judgePolicy({ policy: withAcls, nodes, features }, made)).toEqual([])
  })
})

describe('a node with a page', () => {
  const paged = deployment('tailscale', [user('alice', { ports: [445, 80] }), user('bob')])
  const seen = (...grants: object[]) => ({ policy: { text: JSON.stringify({ grants }) }, nodes })
  const both = { src: ['alice@example.com'], dst: ['tag:tm-alice'], ip: ['tcp:445', 'tcp:80'] }
  const bobs = own[1]!

  it('is isolated with both ports, and told where others reach its page; another node’s port 80 opens nothing', () => {
    expect(judgePolicy(seen(both, bobs), paged)).toEqual([])
    const open = { src: ['autogroup:member'], dst: ['tag:tm-alice', 'tag:tm-bob'], ip: ['tcp:80'] }
    expect(judgePolicy(seen(both, bobs, open), paged)).toMatchObject([{ kind: 'reach', users: ['alice'] }])
  })

  it('is shut where a rule lets its person reach the share alone', () => {
    expect(shutOut(seen(both, bobs), paged)).toEqual([])
    expect(shutOut(seen({ ...both, ip: ['tcp:445'] }, bobs), paged)).toEqual(['alice'])
  })
})

describe('shutOut', () => {
  const out = (policy: object | string, features = { grants: true, tests: true }) =>
    shutOut({ policy: { text: typeof policy === 'string' ? policy : JSON.stringify(policy) }, nodes, features }, made)

  it('names those whom no rule lets in, by each of their logins and tags', () => {
    expect(out({ grants: own })).toEqual([])
    expect(out({ grants: [own[0]] })).toEqual(['bob'])
    expect(out({ grants: [{ ...own[0], src: ['alice@example.com'] }, own[1]] })).toEqual(['alice'])
    expect(out({ grants: own.map((rule) => ({ ...rule, ip: ['tcp:22'] })) })).toEqual(['alice', 'bob'])
    expect(out({ acls: [{ action: 'accept', src: ['*'], dst: ['*:*'] }] })).toEqual([])
  })

  it('is nobody where everything is allowed, or nothing can be read', () => {
    for (const text of ['', '{}', 'x']) expect(out(text)).toEqual([])
  })

  it('knows a Headscale user with and without @', () => {
    const only = deployment('headscale', [user('alice', { logins: ['alice'] })])
    const text = '{"acls": [{"action": "accept", "src": ["alice@"], "dst": ["tag:tm-alice:445"]}]}'
    expect(shutOut({ policy: { text }, nodes }, only)).toEqual([])
  })

  it('does not count grants that the server leaves out', () => {
    expect(out({ grants: own, acls: [] }, { grants: false, tests: false })).toEqual(['alice', 'bob'])
  })
})
