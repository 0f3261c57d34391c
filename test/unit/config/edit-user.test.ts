import { describe, expect, test } from 'vitest'
import {
  enableUserText,
  removeUserText,
  renameUserText,
  setUserText,
  type UserChange,
} from '../../../src/config/index.ts'
import { change, failure, good, parse } from './sample.ts'

const flow = `${good.slice(0, good.indexOf('users:'))}users: [{name: alice, logins: [a, b], macs: [{name: m}, {name: n, quota: 1T}]}, {name: bob, tags: ['tag:b'], macs: [{name: mini}]}] # c\n`
const json = `${JSON.stringify({ ...JSON.parse(JSON.stringify(parse(good).config)), control: { provider: 'manual' } })}\n`
const bare = json.replaceAll(',"enabled":true', '')
const block = change('    logins: [alice@example.com]\n', '    logins:\n      - a # first\n      - b\n    # of alice\n')

const edits: [name: string, before: string, user: string, change: UserChange, from: string, to: string][] = [
  ['a written quota', good, 'alice', { quota: '2T' }, 'quota: 1T', 'quota: 2T'],
  ['a quota that was not written', good, 'bob', { quota: '2T' }, '- name: mini\n', '- name: mini\n        quota: 2T\n'],
  [
    'all Macs in flow',
    flow,
    'alice',
    { quota: '5G' },
    '{name: m}, {name: n, quota: 1T}',
    '{name: m, quota: 5G}, {name: n, quota: 5G}',
  ],
  ['one Mac', flow, 'alice', { quota: '5G', mac: 'm' }, '{name: m}', '{name: m, quota: 5G}'],
  ['logins added in flow', flow, 'alice', { addLogins: ['c', 'd'] }, '[a, b]', '[a, b, c, d]'],
  ['a login taken out of flow', flow, 'alice', { removeLogins: ['a'] }, '[a, b]', '[b]'],
  ['logins replaced in flow', flow, 'alice', { logins: ['x'] }, '[a, b]', '[x]'],
  ['a first login beside tags', flow, 'bob', { addLogins: ['x'] }, 'name: bob, ', 'name: bob, logins: [x], '],
  [
    'logins in a block',
    block,
    'alice',
    { addLogins: ['c', 'd'], removeLogins: ['b'] },
    '      - b\n',
    '      - c\n      - d\n',
  ],
  ['a first login in a block cut', block, 'alice', { removeLogins: ['b'] }, '      - b\n', ''],
  [
    'logins in another order',
    block,
    'alice',
    { logins: ['b', 'a'] },
    'logins:\n      - a # first\n      - b\n',
    'logins: [b, a]\n',
  ],
  ['JSON', json, 'bob', { quota: '2T' }, '{"name":"mini"}', '{"name":"mini", "quota": "2T"}'],
]

describe('setUserText', () => {
  test.each(edits)('changes %s and no other byte', (_name, before, user, wanted, from, to) => {
    expect(before).toContain(from)
    expect(setUserText(parse(before), user, wanted)).toBe(before.replace(from, () => to))
  })

  test.each(edits)('keeps CRLF: %s', (_name, before, user, wanted, from, to) => {
    const crlf = (text: string): string => text.replaceAll('\n', '\r\n')
    expect(setUserText(parse(crlf(before)), user, wanted)).toBe(crlf(before.replace(from, () => to)))
  })

  test('changes nothing where all is so already', () => {
    expect(setUserText(parse(good), 'alice', { quota: '1T', logins: ['alice@example.com'] })).toBe(good)
  })

  test.each<[UserChange, string]>([
    [{ quota: '1T', mac: 'macbok' }, '"alice" has no Mac "macbok"'],
    [{ removeLogins: ['alic@example.com'] }, 'did you mean alice@example.com?'],
    [{ addLogins: ['alice@example.com'] }, 'has the login "alice@example.com" already'],
    [{ removeLogins: ['alice@example.com'] }, 'has no login and no tag: nobody could connect'],
    [{ logins: ['a b'] }, 'must be a login of the tailnet'],
    [{ quota: '1.5T' }, 'must be whole digits'],
  ])('refuses %j', (wanted, message) => {
    expect(failure(() => setUserText(parse(good), 'alice', wanted))).toContain(message)
  })
})

describe('enableUserText', () => {
  test.each([
    good,
    flow,
    bare,
    block,
    good.trimEnd(),
    good.replaceAll('\n', '\r\n'),
  ])('off and on again gives back the same bytes (%#)', (text) => {
    for (const name of ['alice', 'bob']) {
      const off = enableUserText(parse(text), name, false)
      expect(parse(off).config.users.find((user) => user.name === name)?.enabled).toBe(false)
      expect(enableUserText(parse(off), name, true)).toBe(text)
    }
  })

  test('keeps what a person wrote beside it', () => {
    const off = change('    logins: [bob', '    enabled: false # on leave\n    logins: [bob')
    expect(enableUserText(parse(off), 'bob', true)).toBe(off.replace('false #', 'true #'))
    const first = change('  - name: bob\n', '  - enabled: false\n    name: bob\n')
    expect(enableUserText(parse(first), 'bob', true)).toBe(first.replace('enabled: false', 'enabled: true'))
  })
})

describe('removeUserText', () => {
  const alone = good.slice(0, good.indexOf('  - name: bob'))
  test.each([
    ['the last of a block', good, 'bob', alone],
    [
      'the first of a block',
      good,
      'alice',
      good.slice(0, good.indexOf('  - name: alice')) + good.slice(good.indexOf('  - name: bob')),
    ],
    ['the only one', alone, 'alice', good.slice(0, good.indexOf('  - name: alice'))],
    ['the first of a flow list', flow, 'alice', flow.replace(/\{name: alice.*?\]\}, /, '')],
    ['the last of a flow list', flow, 'bob', flow.replace(/, \{name: bob.*?\]\}/, '')],
    ['one set apart by empty lines', good.replace('  - name: bob', '\n  - name: bob'), 'bob', alone],
    [
      'the first of some set apart',
      good.replace('  - name: bob', '\n  - name: bob'),
      'alice',
      good.slice(0, good.indexOf('  - name: alice')) + good.slice(good.indexOf('  - name: bob')),
    ],
    [
      'one with comments of its own',
      `${good}      # of mini\n  # next\nx-end: 1\n`,
      'bob',
      `${alone}  # next\nx-end: 1\n`,
    ],
  ])('takes out %s and no other byte', (_name, before, user, after) => {
    expect(removeUserText(parse(before), user)).toBe(after)
  })

  test('refuses a user that is not there', () => {
    expect(failure(() => removeUserText(parse(good), 'carl'))).toContain('no user "carl"')
  })
})

const storage = '/srv/timemachine/alice'
describe('renameUserText', () => {
  test.each<[string, string, string | undefined, string, string]>([
    ['in a block', good, undefined, '- name: alice\n', '- name: alicia\n'],
    ['with the folder', good, storage, '- name: alice\n', `- name: alicia\n    storage: ${storage}\n`],
    ['in flow', flow, undefined, '{name: alice, ', '{name: alicia, '],
    ['in flow with the folder', flow, storage, '{name: alice, ', `{name: alicia, storage: ${storage}, `],
    ['in JSON', json, undefined, '"name":"alice"', '"name":"alicia"'],
  ])('changes the name %s and no other byte', (_where, before, folder, from, to) => {
    expect(before).toContain(from)
    expect(renameUserText(parse(before), 'alice', 'alicia', folder)).toBe(before.replace(from, () => to))
  })

  test.each([
    ['alise', 'alicia', 'did you mean alice?'],
    ['alice', 'bob', 'bob'],
    ['alice', 'Al', 'must be a DNS label'],
  ])('refuses %s to %s', (from, to, message) => {
    expect(failure(() => renameUserText(parse(good), from, to, undefined))).toContain(message)
  })
})
