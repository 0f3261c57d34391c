import fc from 'fast-check'
import { parse } from 'jsonc-parser'
import { describe, expect, it } from 'vitest'
import { cutOwn } from '../../../src/control/policy-marks.ts'
import { type OwnEntries, writeOwn } from '../../../src/control/policy-write.ts'

const ours = '0123456789abcdef'
const theirs = 'fedcba9876543210'
const none: OwnEntries = { tagOwners: [], grants: [], acls: [], tests: [] }
const entries: OwnEntries = {
  tagOwners: ['"tag:tmgen": []', '"tag:tm-alice": ["tag:tmgen"]'],
  grants: ['{ "src": ["alice@x.io"], "dst": ["tag:tm-alice"], "ip": ["tcp:445"] }'],
  tests: ['{ "src": "alice@x.io", "accept": ["tag:tm-alice:445"] }'],
}
const begin = `/* tmgen ${ours} begin: "tmgen policy apply" writes from here to "end" anew */`
const end = `/* tmgen ${ours} end */`

describe('writing into a policy', () => {
  it('puts our entries first in each list, in its own indent, and leaves the rest', () => {
    const text = '// of ACME\n{\n\t"tagOwners": { // who\n\t\t"tag:web": [],\n\t},\n\t"grants": [], // none\n}\n'
    const { tests: _tests, ...some } = entries
    expect(writeOwn(text, ours, { ...some, tests: [] })).toBe(
      [
        '// of ACME\n{\n\t"tagOwners": { // who',
        `\t\t${begin}\n\t\t"tag:tmgen": [],\n\t\t"tag:tm-alice": ["tag:tmgen"],\n\t\t${end}`,
        '\t\t"tag:web": [],\n\t},\n\t"grants": [',
        `\t\t${begin}\n\t\t${entries.grants?.[0]},\n\t\t/* tmgen ${ours} end of these lines */\n\t], // none\n}\n`,
      ].join('\n'),
    )
  })

  it('makes lists that are missing, and a whole policy where there is none', () => {
    for (const text of [undefined, '', ' \n']) {
      const written = writeOwn(text, ours, entries)
      expect(written.startsWith(`{\n  "tagOwners": { /* tmgen ${ours} list: `)).toBe(true)
      expect(parse(written)).toEqual({
        tagOwners: { 'tag:tmgen': [], 'tag:tm-alice': ['tag:tmgen'] },
        grants: [{ src: ['alice@x.io'], dst: ['tag:tm-alice'], ip: ['tcp:445'] }],
        tests: [{ src: 'alice@x.io', accept: ['tag:tm-alice:445'] }],
      })
      expect(writeOwn(written, ours, none)).toBe('{\n}\n')
    }
  })

  it('keeps a list that it made once the person has put something into it', () => {
    const written = writeOwn('{\n}\n', ours, entries)
    const mine = '{ "src": "bob@x.io", "accept": ["tag:web:80"] },'
    const added = written.replace(/("tests": \[.*\n)/, `$1    ${mine}\n`)
    const without = writeOwn(added, ours, none)
    expect(parse(without)).toEqual({ tests: [{ src: 'bob@x.io', accept: ['tag:web:80'] }] })
    expect(writeOwn(added, ours, entries)).toBe(added)
  })

  it('stays where the person has moved our entries to', () => {
    const written = writeOwn('{\n  "grants": [\n    1,\n  ],\n}\n', ours, { ...none, grants: entries.grants ?? [] })
    const block = written.slice(written.indexOf('\n    /* tmgen'), written.indexOf(end) + end.length)
    const moved = written.replace(block, '').replace('    1,', `    1,${block}`)
    expect(moved).not.toBe(written)
    expect(writeOwn(moved, ours, { ...none, grants: entries.grants ?? [] })).toBe(moved)
  })

  it('leaves the entries of another workspace, and neither moves the other’s', () => {
    const first = writeOwn('{\n  "acls": []\n}\n', ours, entries)
    const both = writeOwn(first, theirs, { ...none, tagOwners: ['"tag:tm-bob": []'] })
    expect(writeOwn(both, ours, entries)).toBe(both)
    expect(writeOwn(writeOwn(both, theirs, none), ours, none)).toBe('{\n  "acls": []\n}\n')
  })

  it.each([
    ['no object', '[]', /no HuJSON object/],
    ['half a policy', '{"grants": [', /no HuJSON object/],
    ['a line comment that ends in a lone CR, which servers read on', '{ // a\r"grants": []\n}', /no HuJSON object/],
    ['grants that are no list', '{"grants": null}', /grants in the policy is no list/],
    ['owners that are no object', '{"TagOwners": []}', /tagOwners in the policy is no object/],
    ['a section twice, once in another case', '{"grants": [], "Grants": []}', /has grants twice/],
    ['a begin without end', `{"grants": [\n${begin}\n]}`, /line 2 of the policy: begin and end/],
    ['an end without begin', `{"grants": [\n\n${end}\n]}`, /line 3 of the policy/],
    ['an end in another list', `{"a": [${begin}], "b": [${end}]}`, /line 1 of the policy/],
    ['an end deeper than its begin', `{"a": [${begin} [${end}]]}`, /line 1 of the policy/],
    ['a begin behind everything', `{"a": []}\n${begin}`, /line 2 of the policy/],
    ['a begin twice', `{"a": [${begin}${begin}${end}]}`, /line 1 of the policy/],
  ])('refuses %s', (_, text, message) => {
    expect(() => writeOwn(text, ours, entries)).toThrow(message)
  })

  it('takes marks in strings for what they are: strings', () => {
    const text = JSON.stringify({ hosts: { [begin]: end } })
    expect(writeOwn(writeOwn(text, ours, entries), ours, none)).toBe(text)
  })
})

/** HuJSON documents as people write them: any order, comments, trailing commas and line ends. */
const documents = fc
  .record({ seed: fc.infiniteStream(fc.nat(999)), eol: fc.constantFrom('\n', '\r\n'), sections: sections() })
  .map(({ seed, eol, sections }) => {
    const next = (n: number) => seed.next().value % n
    const trivia = () => {
      const all = ['', '', ' ', '\t', eol, `${eol}\t`, `${eol}    `, `// note, "grants": [${eol}`, '/* a\n b */']
      return all[next(all.length)]! + (next(9) === 0 ? `/* tmgen ${theirs} list: x */` : '')
    }
    const write = (value: unknown): string => {
      if (typeof value !== 'object' || value === null) return JSON.stringify(value)
      const isList = Array.isArray(value)
      const items = isList
        ? value.map(write)
        : Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}${trivia()}:${trivia()}${write(one)}`)
      const body = items.map((item) => trivia() + item + trivia()).join(',')
      const comma = items.length > 0 && next(2) === 0 ? `,${trivia()}` : items.length === 0 ? trivia() : ''
      return isList ? `[${body}${comma}]` : `{${body}${comma}}`
    }
    return trivia() + write(Object.fromEntries(sections)) + trivia()
  })

function sections() {
  const word = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 8 }), fc.constantFrom(begin, end, '*', '// no', '/*'))
  const owners = fc.dictionary(word, fc.array(word, { maxLength: 2 }), { maxKeys: 3 })
  const rules = fc.array(fc.record({ src: fc.array(word), dst: fc.array(word), more: fc.jsonValue({ maxDepth: 2 }) }), {
    maxLength: 3,
  })
  const section = fc.oneof(
    fc.tuple(fc.constantFrom('tagOwners', 'TagOwners', 'tagowners'), owners),
    fc.tuple(fc.constantFrom('grants', 'acls', 'ACLs', 'tests', 'ssh'), rules),
    fc.tuple(fc.constantFrom('hosts', 'groups', 'nodeAttrs', 'randomizeClientPort'), fc.jsonValue({ maxDepth: 3 })),
  )
  return fc.uniqueArray(section, { maxLength: 6, selector: ([name]) => String(name).toLowerCase() })
}

const line = (prefix: string) => fc.nat(99).map((n) => `{ "src": ["${prefix}${n}"], "dst": ["tag:tm-${n}"] }`)
const anyEntries = fc.record({
  tagOwners: fc.uniqueArray(fc.nat(99), { maxLength: 3 }).map((all) => all.map((n) => `"tag:tmgen-${n}": []`)),
  grants: fc.array(line('g'), { maxLength: 3 }),
  acls: fc.array(line('a'), { maxLength: 2 }),
  tests: fc.array(line('t'), { maxLength: 2 }),
})

describe('for any HuJSON document', () => {
  it('everything outside our own entries stays byte for byte, and comes back when they go', () => {
    fc.assert(
      fc.property(documents, anyEntries, anyEntries, (text, first, second) => {
        const written = writeOwn(text, ours, first)
        expect(cutOwn(written, ours).text).toBe(text)
        expect(writeOwn(written, ours, second)).toBe(writeOwn(text, ours, second))
        expect(writeOwn(written, ours, none)).toBe(text)
        // Said without cutOwn: the text is all there, in its order, with ours between.
        let at = 0
        for (let i = 0; i < written.length; i++) if (written[i] === text[at]) at++
        expect(at).toBe(text.length)
      }),
      { numRuns: 500 },
    )
  })

  it('applying twice changes nothing', () => {
    fc.assert(
      fc.property(documents, anyEntries, (text, all) => {
        const written = writeOwn(text, ours, all)
        expect(writeOwn(written, ours, all)).toBe(written)
      }),
      { numRuns: 500 },
    )
  })

  it('the result means what it meant, and ours besides', () => {
    fc.assert(
      fc.property(documents, anyEntries, (text, all) => {
        const value = (of: string) => {
          const read = Object.entries(parse(of, [], { allowTrailingComma: true }) as Record<string, unknown>)
          return new Map(read.map(([name, one]) => [name.toLowerCase(), one]))
        }
        const [before, after] = [value(text), value(writeOwn(text, ours, all))]
        const list = (name: string, lines: string[]) => [
          ...lines.map((one) => JSON.parse(one)),
          ...((before.get(name) as unknown[]) ?? []),
        ]
        for (const name of ['grants', 'acls', 'tests'] as const)
          expect(after.get(name) ?? []).toEqual(list(name, all[name]))
        for (const [name, one] of before)
          if (!['grants', 'acls', 'tests', 'tagowners'].includes(name)) expect(after.get(name)).toEqual(one)
        const owners = all.tagOwners.map((one) => Object.entries(JSON.parse(`{${one}}`))[0]!)
        expect(after.get('tagowners') ?? {}).toEqual({
          ...((before.get('tagowners') as object) ?? {}),
          ...Object.fromEntries(owners),
        })
      }),
      { numRuns: 500 },
    )
  })
})
