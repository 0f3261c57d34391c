import { parse } from 'jsonc-parser'
import { describe, expect, it } from 'vitest'
import { editPolicy, formatPolicy, judgePolicy, type NodeInfo, policyFor } from '../../../src/control/index.ts'
import { policyTests } from '../../../src/control/policy-tests.ts'
import type { DeployedUser, Deployment } from '../../../src/resolve/types.ts'
import { deployment, user } from './helper.ts'

const place = (provider: Deployment['control']['provider'], users: DeployedUser[]): Deployment => ({
  ...deployment(provider, users),
  workspace: { id: '0123456789abcdef', name: 'tm' },
})
const people = [user('alice', { tags: ['tag:mdm'] }), user('bob')]
const made = place('tailscale', people)
const machine = (owner: string, ip: string) => ({ tags: [], user: owner, ips: [ip] }) as unknown as NodeInfo
const node = (name: string, ip: string) => ({ tags: [`tag:tm-${name}`], ips: [ip] }) as unknown as NodeInfo
const enrolled = [
  node('alice', '100.64.0.1'),
  node('bob', '100.64.0.2'),
  machine('alice@example.com', '100.64.0.3'),
  machine('bob@example.com', '100.64.0.4'),
]
const isolating = '{"grants": [{"src": ["autogroup:member"], "dst": ["tag:web"], "ip": ["*"]}]}'
const edit = (text: string | undefined, at = made, nodes = enrolled, features = { grants: true, tests: true }) =>
  editPolicy({ policy: text === undefined ? undefined : { text }, nodes, features }, at)
const read = (text: string | undefined) => parse(text ?? '{}')

describe('editPolicy', () => {
  it('adds owners, rules and tests of enrolled pairs; the result isolates', () => {
    const { text, everybody } = edit(isolating) ?? {}
    const wanted = policyFor(made)
    expect(read(text)).toEqual({
      tagOwners: wanted.tagOwners,
      grants: [...(wanted.grants ?? []), ...read(isolating).grants],
      tests: [
        { src: 'alice@example.com', proto: 'tcp', accept: ['tag:tm-alice:445'], deny: ['tag:tm-bob:445'] },
        { src: 'bob@example.com', proto: 'tcp', accept: ['tag:tm-bob:445'], deny: ['tag:tm-alice:445'] },
      ],
    })
    expect(everybody).toBeUndefined()
    expect(judgePolicy({ policy: { text: text ?? '' }, nodes: enrolled }, made)).toEqual([])
    expect(edit(text)).toBeUndefined()
    expect(edit(text, place('tailscale', []))?.text).toBe(isolating)
  })

  it('writes acls for Headscale, which all versions know, and tests only where the server has them', () => {
    const headscale = place('headscale', [user('alice', { logins: ['alice'] })])
    const nodes = [node('alice', '100.64.0.1'), machine('alice', '100.64.0.3')]
    const old = read(edit('{"acls": []}', headscale, nodes, { grants: false, tests: false })?.text)
    expect(Object.keys(old)).toEqual(['tagOwners', 'acls'])
    expect(old.acls[0]).toEqual({ action: 'accept', proto: 'tcp', src: ['alice@'], dst: ['tag:tm-alice:445'] })
    expect(old.tagOwners['tag:tmgen']).toEqual([])
    const newer = read(edit('{"acls": []}', headscale, nodes)?.text)
    expect(newer.tests).toEqual([{ src: 'alice@', proto: 'tcp', accept: ['tag:tm-alice:445'] }])
  })

  it('says when it closes what was open for everybody, and when it opens it again', () => {
    for (const text of [undefined, '', '{}', '{"acls": null, "tagOwners": {}}']) {
      const first = edit(text)
      expect(first?.everybody).toBe('closes')
      expect(edit(first?.text, place('tailscale', []))?.everybody).toBe('opens')
    }
    // To 0.26 a policy of grants alone has no rules at all.
    const headscale = place('headscale', people)
    expect(edit('{"grants": []}', headscale, [], { grants: false, tests: false })?.everybody).toBe('closes')
  })

  it('has nothing to do without users where nothing of ours is', () => {
    for (const text of [undefined, '', '{}', isolating]) expect(edit(text, place('tailscale', []))).toBeUndefined()
  })

  it('writes nothing a second time that the person has pasted', () => {
    const pasted = formatPolicy(policyFor(made))
    expect(edit(pasted, made, [])).toBeUndefined()
    const part = formatPolicy(policyFor(place('tailscale', [people[0]!])))
    expect(read(edit(part, made, [])?.text)).toMatchObject({
      tagOwners: { 'tag:tm-bob': ['tag:tmgen'] },
      grants: [{ src: ['bob@example.com'] }, { src: ['alice@example.com', 'tag:mdm'] }],
    })
    expect(edit(part, made, [])?.text.match(/"tag:tmgen":/g)).toHaveLength(1)
  })

  it('leaves an owner of the person’s own for one of our tags', () => {
    const text = edit('{"tagOwners": {"tag:tm-alice": ["group:it"]}, "acls": []}')?.text
    expect(read(text).tagOwners['tag:tm-alice']).toEqual(['group:it'])
    expect(text?.match(/"tag:tm-alice":/g)).toHaveLength(1)
  })

  it('does not test that others are denied while a broader rule lets them in: the server would refuse all of it', () => {
    const open = '{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}'
    expect(read(edit(open)?.text).tests.map((test: { deny?: string[] }) => test.deny)).toEqual([undefined, undefined])
    const half = '{"acls": [{"action": "accept", "src": ["tag:web"], "dst": ["tag:tm-bob:445"]}]}'
    expect(read(edit(half)?.text).tests.map((test: { deny?: string[] }) => test.deny)).toEqual([
      undefined,
      ['tag:tm-alice:445'],
    ])
  })

  it('follows a login that is changed and a user who is disabled', () => {
    const first = edit(isolating)?.text
    const later = place('tailscale', [user('alice', { logins: ['al@example.com'] }), user('bob', { enabled: false })])
    const then = read(edit(first, later)?.text)
    expect(then.grants).toHaveLength(2)
    expect(then.grants[0].src).toEqual(['al@example.com'])
    expect(then.tagOwners['tag:tm-bob']).toEqual(['tag:tmgen'])
  })
})

describe('policyTests', () => {
  const named = (users: DeployedUser[]) => users.map((one) => ({ user: one, sources: [...one.logins, ...one.tags] }))
  const tests = (nodes: NodeInfo[], users = people) => policyTests(named(users), nodes, new Set())

  it('tests nobody whose node or own machine is not there: Headscale fails such a test', () => {
    expect(tests([])).toEqual([])
    expect(tests(enrolled.slice(0, 2))).toEqual([])
    expect(tests([machine('alice@example.com', '100.64.0.3')])).toEqual([])
    expect(tests([node('alice', '100.64.0.1'), machine('alice@example.com', '100.64.0.3')])).toEqual([
      { src: 'alice@example.com', proto: 'tcp', accept: ['tag:tm-alice:445'] },
    ])
    const noAddress = [{ tags: ['tag:tm-alice'], ips: [] } as unknown as NodeInfo, enrolled[2]!]
    expect(tests(noAddress)).toEqual([])
  })

  it('does not take a tagged machine for its user’s', () => {
    const tagged = { tags: ['tag:web'], user: 'alice@example.com', ips: ['100.64.0.9'] } as unknown as NodeInfo
    expect(tests([enrolled[0]!, tagged])).toEqual([])
  })

  it('tests managed Macs by their tag', () => {
    const mac = { tags: ['tag:mdm'], ips: ['100.64.0.9'] } as unknown as NodeInfo
    expect(tests([enrolled[0]!, mac])).toEqual([{ src: 'tag:mdm', proto: 'tcp', accept: ['tag:tm-alice:445'] }])
  })

  it('denies nothing that a login shared by two people may reach', () => {
    const both = [user('alice', { logins: ['it@example.com'] }), user('bob', { logins: ['it@example.com'] })]
    const found = tests([...enrolled, machine('it@example.com', '100.64.0.7')], both)
    expect(found.map((test) => test.deny)).toEqual([undefined, undefined])
  })

  it('has no port list, range, * or CIDR, and at most 20 others each, whatever the number of people', () => {
    const many = Array.from({ length: 60 }, (_, i) => user(`u${i}`))
    const nodes = many.flatMap((one, i) => [node(one.name, `100.64.1.${i}`), machine(one.logins[0]!, `100.64.2.${i}`)])
    const all = tests(nodes, many)
    expect(all).toHaveLength(60)
    for (const test of all) {
      expect(test.deny).toHaveLength(20)
      for (const dst of [...(test.accept ?? []), ...(test.deny ?? [])]) expect(dst).toMatch(/^tag:tm-u\d+:445$/)
      expect(test.deny).not.toContain(test.accept?.[0])
    }
  })
})
