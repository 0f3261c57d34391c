import { describe, expect, it } from 'vitest'
import type { KeyInfo, NodeInfo } from '../../../src/control/types.ts'
import { sha256 } from '../../../src/converge/hash.ts'
import { planFiles } from '../../../src/converge/plan-files.ts'
import { planKeys } from '../../../src/converge/plan-keys.ts'
import { planPolicy } from '../../../src/converge/plan-policy.ts'
import type { ControlRecord, Observed } from '../../../src/converge/types.ts'
import type { Deployment } from '../../../src/resolve/types.ts'

const now = new Date('2026-01-10T00:00:00Z')
const later = new Date('2026-01-11T00:00:00Z')
const earlier = new Date('2026-01-09T00:00:00Z')

const key = (change: Partial<KeyInfo> = {}): KeyInfo => ({
  id: 'k1',
  tags: ['tag:tm-alice'],
  used: false,
  reusable: false,
  expires: later,
  description: undefined,
  ...change,
})
const node = (change: Partial<NodeInfo> = {}): NodeInfo => ({
  id: '5',
  hostname: 'tm-alice',
  dnsName: 'tm-alice.t.net',
  tags: ['tag:tm-alice'],
  user: undefined,
  online: true,
  ips: [],
  ...change,
})

interface Situation {
  provider?: 'headscale' | 'manual' | 'embedded'
  host?: 'local' | 'remote'
  record?: ControlRecord
  hasKeyFile?: boolean
  enrolled?: string
  remote?: { keys?: KeyInfo[]; nodes?: NodeInfo[] } | 'none'
  pasted?: boolean
  users?: string[]
  enabled?: boolean
}

function planned(situation: Situation) {
  const { provider = 'headscale', host = 'local', remote = {}, enabled = true } = situation
  const user = {
    id: 'u1',
    nodeId: 'n1',
    name: 'alice',
    uid: 20001,
    imported: false,
    ip: '10.77.0.3',
    udpPort: 21000,
    hostname: 'tm-alice',
    tag: 'tag:tm-alice',
    allow: ['alice@x'],
    logins: ['alice@x'],
    tags: [],
    enabled,
    storage: '/srv/alice',
    macs: [],
  }
  const deployment = { host, control: { provider }, users: [user], retired: [] } as unknown as Deployment
  const observed = {
    control: { version: 1, users: situation.record === undefined ? {} : { u1: situation.record } },
    authKeys: new Set(situation.hasKeyFile === true ? ['alice'] : []),
    enrolled: new Map(situation.enrolled === undefined ? [] : [['alice', situation.enrolled]]),
    remote:
      remote === 'none'
        ? undefined
        : { keys: remote.keys ?? [], nodes: remote.nodes ?? [], users: ['alice@x'], policy: undefined },
  } as unknown as Observed
  const kinds = new Set(['mint-key', 'expire-key', 'paste-key', 'record-node', 'create-login'] as const)
  const part = planKeys(deployment, observed, {
    kinds,
    users: situation.users,
    leaving: undefined,
    staged: undefined,
    rekeyed: undefined,
    renewed: new Set<string>(),
    toleratesOvercommit: false,
    pasted: new Set(situation.pasted === true ? ['alice'] : []),
    now,
  })
  return {
    steps: part.steps.map((step) => step.kind),
    notes: part.notes,
    errors: part.errors.map((error) => error.code),
  }
}

const minted: ControlRecord = { keyId: 'k1', keyExpires: later.toISOString(), source: 'minted' }
const expired: ControlRecord = { ...minted, keyExpires: earlier.toISOString() }

describe('keys', () => {
  const cases: [string, Situation, string[]][] = [
    ['a new user gets one', {}, ['mint-key']],
    ['a key that waits to be used is enough', { record: minted, hasKeyFile: true, remote: { keys: [key()] } }, []],
    [
      'an expired one is made again',
      { record: expired, hasKeyFile: true, remote: { keys: [key({ expires: earlier })] } },
      ['mint-key'],
    ],
    ['one that the server does not know is made again', { record: minted, hasKeyFile: true }, ['mint-key']],
    ['a key file of unknown origin is replaced', { hasKeyFile: true }, ['mint-key']],
    [
      'a lost key file: the key that may still be used is expired first',
      { record: minted, remote: { keys: [key()] } },
      ['expire-key', 'mint-key'],
    ],
    [
      'an enrolled node needs none, though its key is gone',
      { record: expired, hasKeyFile: true, enrolled: '5', remote: { nodes: [node()] } },
      ['record-node'],
    ],
    [
      'an enrolled node that is noted needs nothing',
      { record: { ...expired, nodeId: '5' }, hasKeyFile: true, enrolled: '5', remote: { nodes: [node()] } },
      [],
    ],
    [
      'an enrolled node that was deleted on the server gets a new one',
      { record: { ...expired, nodeId: '5' }, hasKeyFile: true, enrolled: '5' },
      ['mint-key'],
    ],
    [
      'a node whose tags were changed is still known by its id',
      { record: { nodeId: '5' }, enrolled: '5', remote: { nodes: [node({ tags: [] })] } },
      [],
    ],
    [
      'a lost state: the node is there but cannot be used',
      { record: minted, hasKeyFile: true, remote: { keys: [key({ used: true })], nodes: [node()] } },
      ['mint-key'],
    ],
    [
      'host remote: what the control plane says is enough',
      { host: 'remote', record: expired, remote: { nodes: [node()] } },
      [],
    ],
    ['without the control plane nothing is made', { remote: 'none' }, []],
    ['for another user nothing is made', { users: ['bob'] }, []],
    ['a disabled user gets none', { enabled: false }, []],
    ['a pasted key is taken', { pasted: true, provider: 'manual' }, ['paste-key']],
    ['manual: nothing can be made', { provider: 'manual' }, []],
    ['manual: a key file is enough', { provider: 'manual', hasKeyFile: true }, []],
  ]
  it.each(cases)('%s', (_name, situation, steps) => {
    expect(planned(situation)).toMatchObject({ steps, errors: [] })
  })

  it.each([
    ['of that name without our tag', [node({ tags: [] })], ['control-foreign']],
    ['of that name with another tag', [node({ id: '8', tags: ['tag:other'] })], ['control-foreign']],
    ['that got the suffix -1', [node({ dnsName: 'tm-alice-1.t.net', hostname: 'tm-alice-1', tags: [] })], []],
    ['of ours', [node()], []],
  ])('a node %s', (_name, nodes, errors) => {
    expect(planned({ remote: { nodes } }).errors).toEqual(errors)
  })

  it('that are needed and cannot be made are told', () => {
    expect(planned({ remote: 'none', record: expired, hasKeyFile: true }).notes).toEqual([
      'alice needs an auth key (the last one ran out or was used): tmgen provision alice',
    ])
  })

  it('warn of a doubled node where its state was lost', () => {
    expect(planned({ remote: { nodes: [node()] } }).notes.join()).toContain('tm-alice-1')
  })
})

describe('files', () => {
  const hash = (text: string) => ({ sha256: sha256(text), mode: 0o644 })
  const look = (
    wanted: string | undefined,
    onDisk: string | undefined,
    inManifest: string | undefined,
    mode = 0o644,
  ) => {
    const path = 'generated/x'
    const tree = new Map(wanted === undefined ? [] : [[path, { content: wanted, mode }]])
    const observed = {
      files: new Map(onDisk === undefined ? [] : [[path, hash(onDisk)]]),
      manifest: { version: 1, files: inManifest === undefined ? {} : { [path]: hash(inManifest) }, storage: {} },
    } as unknown as Observed
    const { steps, errors } = planFiles(tree, observed)
    return [...steps.map((step) => step.kind), ...errors.map((error) => error.code)]
  }
  it.each([
    ['as wanted', 'a', 'a', 'a', []],
    ['absent', 'a', undefined, undefined, ['write-file']],
    ['deleted', 'a', undefined, 'a', ['write-file']],
    ['wanted otherwise now', 'b', 'a', 'a', ['write-file']],
    ['changed by hand', 'a', 'x', 'a', ['drift']],
    ['changed by hand and wanted otherwise', 'b', 'x', 'a', ['drift']],
    ['changed by hand to just what is wanted now', 'b', 'b', 'a', ['write-file']],
    ['foreign', 'a', 'x', undefined, ['drift']],
    ['not noted, but as wanted', 'a', 'a', undefined, ['write-file']],
    ['no longer wanted', undefined, 'a', 'a', ['remove-file']],
    ['no longer wanted and gone', undefined, undefined, 'a', ['remove-file']],
    ['no longer wanted but changed by hand', undefined, 'x', 'a', ['drift']],
    ['foreign and not wanted', undefined, 'x', undefined, []],
  ] as const)('%s', (_name, wanted, onDisk, inManifest, expected) => {
    expect(look(wanted, onDisk, inManifest)).toEqual(expected)
  })

  it('with another mode are written again', () => {
    expect(look('a', 'a', 'a', 0o755)).toEqual(['write-file'])
  })
})

describe('the policy', () => {
  const users = [
    {
      name: 'alice',
      tag: 'tag:tm-alice',
      logins: ['alice@x'],
      tags: [],
      allow: ['alice@x'],
      enabled: true,
      ports: [445],
    },
  ]
  const look = (provider: string, text: string | undefined, some = users) => {
    const deployment = { control: { provider }, users: some } as unknown as Deployment
    const policy = text === undefined ? undefined : { text, etag: undefined }
    return planPolicy(deployment, { remote: { keys: [], nodes: [], users: [], policy } } as unknown as Observed)
  }
  it('that lets others in is told with the rule and its line', () => {
    const text = '{\n  "acls": [\n    {"action":"accept","src":["*"],"dst":["*:*"]}\n  ]\n}'
    expect(look('headscale', text).notes.join()).toMatch(
      /^isolation: policy open: .*"src":\s*\["\*"\].* \(line 3 of the policy\)$/,
    )
  })
  it('that does not exist is open too', () => {
    expect(look('headscale', undefined).notes.join()).toMatch(/^isolation: policy open: /)
  })
  it('of the embedded server is written, also closed with no user at all', () => {
    expect(look('embedded', undefined, []).steps).toMatchObject([{ kind: 'write-policy' }])
  })
  it('of a manual control plane is unknown, and that is said', () => {
    expect(look('manual', undefined).notes.join()).toContain('isolation: unknown')
  })
})
