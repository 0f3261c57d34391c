import { describe, expect, test } from 'vitest'
import { choose } from '../../../src/config/edit.ts'
import { addMacText, addUserText, type NewUser, newConfigText } from '../../../src/config/index.ts'
import { failure, good, parse } from './sample.ts'

const head = good.slice(0, good.indexOf('users:'))
const bob: NewUser = { name: 'bob', logins: ['bob@example.com'], macs: [{ name: 'mini', quota: '500G' }] }
const block = `  - name: bob
    logins: [bob@example.com]
    macs:
      - name: mini
        quota: 500G
`
const flow = '{ name: bob, logins: [bob@example.com], macs: [{ name: mini, quota: 500G }] }'
const alice = '{name: alice, logins: [alice], macs: [{name: a}]}'

/** What stands behind the sample's head, before and after `add user bob`. */
const places: [name: string, before: string, after: string][] = [
  ['a file without users', '', `users:\n${block}`],
  ['an empty users key', 'users:\n', `users:\n${block}`],
  ['an empty users key with a comment', 'users: # people\n# end\n', `users: # people\n${block}# end\n`],
  ['an empty list', 'users: []  # people\n# end\n', `users:  # people\n${block}# end\n`],
  ['an empty list over several lines', 'users: [\n  # none\n]\n', `users: [${flow}\n  # none\n]\n`],
  ['a flow list', `users: [${alice}] # c\n`, `users: [${alice}, ${flow}] # c\n`],
  ['a flow list with a line each', `users: [\n  ${alice} # c\n]\n`, `users: [\n  ${alice}, # c\n  ${flow}\n]\n`],
  [
    'a flow list with commas at the end',
    `users: [\n  ${alice}, # c\n]\n`,
    `users: [\n  ${alice}, # c\n  ${flow},\n]\n`,
  ],
  ['a block list of flow entries', `users:\n- ${alice} # c\n`, `users:\n- ${alice} # c\n- ${flow}\n`],
  [
    'comments of the last user',
    `users:\n  - name: alice\n    logins: [alice]\n    macs:\n      - name: a # first\n    # of alice\n  # - name: later\n\nx-end: 1\n`,
    `users:\n  - name: alice\n    logins: [alice]\n    macs:\n      - name: a # first\n    # of alice\n${block}  # - name: later\n\nx-end: 1\n`,
  ],
  [
    'lists that are not indented',
    'users:\n- name: alice\n  logins:\n  - alice\n  macs:\n  - name: a\nx-end: 1\n',
    'users:\n- name: alice\n  logins:\n  - alice\n  macs:\n  - name: a\n- name: bob\n  logins:\n  - bob@example.com\n  macs:\n  - name: mini\n    quota: 500G\nx-end: 1\n',
  ],
  [
    'empty lines between users',
    `users:\n  - ${alice}\n\n  - name: carl\n    logins: [carl]\n    macs: [{name: c}]\n\nx-end: 1\n`,
    `users:\n  - ${alice}\n\n  - name: carl\n    logins: [carl]\n    macs: [{name: c}]\n\n  - name: bob\n    logins: [bob@example.com]\n    macs: [{ name: mini, quota: 500G }]\n\nx-end: 1\n`,
  ],
]

describe('addUserText', () => {
  test.each(places)('writes into %s the way the file is written', (_name, before, after) => {
    expect(addUserText(parse(head + before), bob)).toBe(head + after)
  })

  test.each(places)('keeps CRLF in %s', (_name, before, after) => {
    const crlf = (text: string): string => text.replaceAll('\n', '\r\n')
    expect(addUserText(parse(crlf(head + before)), bob)).toBe(crlf(head + after))
  })

  test('works on a file without a last line break', () => {
    expect(addUserText(parse((head + places[9]![1]).trimEnd()), bob)).toBe((head + places[9]![2]).trimEnd())
    expect(addUserText(parse(`${head}users:`), bob)).toBe(`${head}users:\n${block}`.trimEnd())
    expect(addUserText(parse(head.trimEnd()), bob)).toBe(`${head}users:\n${block}`)
  })

  test('writes JSON into a file that is JSON', () => {
    const json = (users: unknown[]): string =>
      JSON.stringify({ ...parse(head).config, control: { provider: 'manual' }, users })
    const first = addUserText(parse(json([])), bob)
    expect(JSON.parse(first).users).toEqual([bob])
    const second = addUserText(parse(first), { ...bob, name: 'carl' })
    expect(JSON.parse(second).users).toEqual([bob, { ...bob, name: 'carl' }])
  })

  test('keeps the end mark of a document behind the new user', () => {
    expect(addUserText(parse(`---\n${head}...\n`), bob)).toBe(`---\n${head}users:\n${block}...\n`)
  })

  test('fills a fresh file', () => {
    const fresh = newConfigText({
      workspace: 'home',
      control: { provider: 'manual' },
      storageRoot: '/srv/tm',
      subnet: '10.0.0.0/24',
    })
    expect(addUserText(parse(fresh), bob)).toBe(fresh.replace('users: []\n', `users:\n${block}`))
  })

  test('quotes what YAML would read as something else', () => {
    const odd: NewUser = { name: 'true', logins: ['007', 'o{x}@example.com'], macs: [{ name: 'null' }] }
    expect(parse(addUserText(parse(good), odd)).config.users[2]).toMatchObject(odd)
  })

  test('refuses a user that exists, with its place', () => {
    expect(failure(() => addUserText(parse(good), bob))).toBe(
      'config-invalid\ntmgen.yaml:16:11: user "bob" exists already\n    - name: bob\n            ^\nhint: tmgen add mac adds a Mac',
    )
  })

  test('refuses values that the config would refuse', () => {
    const wrong: NewUser = { name: 'Carl', macs: [{ name: 'mini', quota: '500GB' }] }
    expect(failure(() => addUserText(parse(good), wrong))).toBe(`config-invalid,config-invalid
name must be a DNS label of at most 30 characters
hint: use a-z, 0-9 and -; a letter first, no - at the end

macs[0].quota must be whole digits and one of K, M, G, T, P (Samba takes anything else as no limit)
hint: write 500G or 1T; for 1.5T write 1536G`)
  })

  test('refuses a user that does not fit with the others', () => {
    const inside: NewUser = { ...bob, name: 'carl', storage: '/srv/timemachine/alice/carl' }
    expect(failure(() => addUserText(parse(good), inside))).toContain('lies inside the storage of "alice"')
  })
})

test('a way to write that makes another config is passed over', () => {
  const before = parse(good)
  const wrong = [{ at: good.length, length: 0, text: '  - {name: bob2, logins: [b], macs: [{name: mini}]}\n' }]
  const right = [{ at: good.length, length: 0, text: '  - {name: carl, logins: [c], macs: [{name: mini}]}\n' }]
  const wanted = parse(good + right[0]!.text).config
  expect(choose(before, [wrong, right], wanted, 'users')).toBe(good + right[0]!.text)
  expect(failure(() => choose(before, [wrong], wanted, 'users'))).toContain('cannot change users without rewriting')
})

describe('addMacText', () => {
  test('adds a Mac behind the last one of that user alone', () => {
    expect(addMacText(parse(good), 'alice', { name: 'imac', quota: '2T' })).toBe(
      good.replace('        quota: 1T\n', '        quota: 1T\n      - name: imac\n        quota: 2T\n'),
    )
  })

  test('writes into a flow list', () => {
    const text = good.replace('    macs:\n      - name: mini\n', '    macs: [{name: mini}] # one\n')
    expect(addMacText(parse(text), 'bob', { name: 'air' })).toBe(
      text.replace('{name: mini}', '{name: mini}, { name: air }'),
    )
  })

  test('refuses a user that is not there, and a Mac that is', () => {
    expect(failure(() => addMacText(parse(good), 'carl', { name: 'air' }))).toBe(
      'config-invalid\nno user "carl" in tmgen.yaml\nhint: users: alice, bob',
    )
    expect(failure(() => addMacText(parse(good), 'bob', { name: 'mini' }))).toContain(
      'tmgen.yaml:19:15: "bob" has a Mac "mini" already',
    )
  })
})
