import { expect, test } from 'vitest'
import { keyDescription } from '../../../src/control/keys.ts'
import type { KeyInfo, NodeInfo } from '../../../src/control/types.ts'
import { findOrphans } from '../../../src/converge/index.ts'
import type { ControlRecord, ControlState } from '../../../src/converge/types.ts'
import type { Deployment } from '../../../src/resolve/types.ts'
import { empty, run } from '../resolve/sample.ts'

const now = new Date('2026-01-02T03:04:05Z')
const node = (hostname: string, tag: string, id = '9'): NodeInfo => ({
  ...{ id, hostname, dnsName: undefined, tags: [tag], user: undefined, online: false, ips: [] },
})
const key = (tag: string, more: Partial<KeyInfo> = {}): KeyInfo => ({
  ...{ id: '9', tags: [tag], used: false, reusable: false, expires: undefined },
  description: undefined,
  ...more,
})
/** Alice and Bob are here; Rita, who was taken out of tmgen.yaml, and Rose, who was Anna once, are known. */
const first = run(['alice', 'bob', 'rita', 'rose'])
const { deployment } = run(['alice', 'bob', 'rose'], first.lock)
const users = deployment.users.map((user) => (user.name === 'rose' ? { ...user, formerly: 'anna' } : user))
const here: Deployment = { ...deployment, users }

interface Seen {
  records?: Record<string, ControlRecord>
  enrolled?: [string, string][]
  authKeys?: string[]
}
function found(what: { node: NodeInfo } | { key: KeyInfo }, { records = {}, enrolled = [], authKeys = [] }: Seen = {}) {
  const control: ControlState = { version: 1, users: records }
  const there = { nodes: 'node' in what ? [what.node] : [], keys: 'key' in what ? [what.key] : [] }
  const seen = { control, enrolled: new Map(enrolled), authKeys: new Set(authKeys) }
  return findOrphans(here, there, seen, now).map(({ id, why }) => `${id}: ${why}`)
}

test.each<[string, NodeInfo, string[]]>([
  ['nobody here has the name', node('tm-carol', 'tag:tm-carol'), ['node:9: no user carol here']],
  ['a second one of it', node('tm-carol-3', 'tag:tm-carol'), ['node:9: no user carol here']],
  ['the name is in other letters', node('TM-Carol', 'tag:tm-carol'), ['node:9: no user carol here']],
  ['it only begins like it', node('tm-caroline', 'tag:tm-carol'), []],
  ['the name is another one of ours', node('tm-bob', 'tag:tm-carol'), []],
  ['somebody else’s name', node('carol', 'tag:tm-carol'), []],
  ['no tag of ours', node('tm-carol', 'tag:carol'), []],
  ['who is on the way out', node('tm-rita', 'tag:tm-rita'), []],
  ['a former name', node('tm-anna', 'tag:tm-anna'), []],
])('a node is an orphan or not: %s', (_what, one, expected) => {
  expect(found({ node: one })).toEqual(expected)
})

test.each<[string, Seen, string[]]>([
  [
    'the gateway’s state says which one',
    { enrolled: [['alice', '7']] },
    ['node:9: the node of alice is another one (7)'],
  ],
  ['and it is this one', { enrolled: [['alice', '9']] }, []],
  ['the record says which one', { records: { u1: { nodeId: '7' } } }, ['node:9: the node of alice is another one (7)']],
  ['and it is this one', { records: { u1: { nodeId: '9' } } }, []],
  ['one of them says that it is this one', { enrolled: [['alice', '9']], records: { u1: { nodeId: '7' } } }, []],
  ['nothing says which one', {}, []],
])('a node with the name of a user: %s', (_what, seen, expected) => {
  expect(found({ node: node('tm-alice', 'tag:tm-alice') }, seen)).toEqual(expected)
})

test.each<[string, KeyInfo, Seen, string[]]>([
  ['for nobody here', key('tag:tm-carol'), {}, ['key:9: no user carol here']],
  [
    'ours by description',
    key('tag:tm-carol', { description: keyDescription(empty.workspace, 'u4') }),
    {},
    ['key:9: no user carol here'],
  ],
  ['of another workspace', key('tag:tm-carol', { description: keyDescription('f'.repeat(16), 'u1') }), {}, []],
  ['made by hand', key('tag:tm-carol', { description: 'mine' }), {}, []],
  ['the one on record', key('tag:tm-alice'), { records: { u1: { keyId: '9' } } }, []],
  [
    'not the one on record',
    key('tag:tm-alice'),
    { records: { u1: { keyId: '8' } } },
    ['key:9: not the key that alice has'],
  ],
  [
    'perhaps the one handed over',
    key('tag:tm-alice'),
    { records: { u1: { source: 'pasted' } }, authKeys: ['alice'] },
    [],
  ],
  [
    'handed over once, and gone',
    key('tag:tm-alice'),
    { records: { u1: { source: 'pasted' } } },
    ['key:9: not the key that alice has'],
  ],
  ['used', key('tag:tm-carol', { used: true }), {}, []],
  ['over', key('tag:tm-carol', { expires: now }), {}, []],
  ['for several', key('tag:tm-carol', { reusable: true }), {}, []],
])('a key is an orphan or not: %s', (_what, one, seen, expected) => {
  expect(found({ key: one }, seen)).toEqual(expected)
})
