import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { verifyJson, verifyYaml } from '../../../src/render/verify.ts'
import { Alias, Anchor, literal, toYaml } from '../../../src/render/yaml.ts'

const read = (text: string, version: '1.1' | '1.2') => parse(text, { version, merge: true })

describe('YAML writer', () => {
  it('writes any text so that YAML 1.1 and 1.2 readers get the same text back', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme-ascii', maxLength: 6 }))
    fc.assert(
      fc.property(text, fc.array(text), (value, list) => {
        const map = { value, list, nested: [{ a: value, b: 1 }] }
        const yaml = toYaml(['comment'], map)
        for (const version of ['1.1', '1.2'] as const) expect(read(yaml, version)).toEqual(map)
      }),
    )
  })

  it.each([
    'yes',
    'on',
    'n',
    'NULL',
    'true',
    '~',
    '1e10',
    '0123',
    '0x1f',
    '12:30',
    '1_000',
    '.inf',
    '.5',
    '.',
    '',
  ])('keeps the word %j a text, as key and as value', (word) => {
    const yaml = toYaml([], { [`a${word}`]: word, map: { [word]: word } })
    for (const version of ['1.1', '1.2'] as const) {
      expect(read(yaml, version)).toEqual({ [`a${word}`]: word, map: { [word]: word } })
    }
  })

  it('leaves no character bare that a YAML 1.1 reader takes for a line break', () => {
    expect(toYaml([], { a: 'x\u0085y\u2028z' })).toBe('a: "x\\u0085y\\u2028z"\n')
  })

  it('writes an anchor once and merges it where its alias stands', () => {
    const base = new Anchor('base', { restart: 'always', list: [1, true] })
    const yaml = toYaml([], { x: base, services: { a: { '<<': new Alias(base), name: 'a' } } })
    expect(read(yaml, '1.1').services.a).toEqual({ restart: 'always', list: [1, true], name: 'a' })
  })

  it('doubles $, which compose would take for a variable', () => {
    expect(literal('/mnt/$HOME/$$')).toBe('/mnt/$$HOME/$$$$')
  })
})

describe('reading back', () => {
  const base = new Anchor('base', { a: 'x' })
  const value = { base, list: ['1', 2, { merged: { '<<': new Alias(base), b: true } }] }
  const yaml = toYaml([], value)

  it('accepts what was written', () => {
    expect(() => verifyYaml('f', yaml, value)).not.toThrow()
  })

  it.each([
    ['a text that became a number', yaml.replace('"1"', '1'), 'list[0]'],
    ['a changed number', yaml.replace('- 2', '- 3'), 'list[1]'],
    ['a changed text', yaml.replace('a: x', 'a: z'), 'base.a'],
    ['a missing entry', yaml.replace('  - 2\n', ''), 'list'],
    ['a further key', `${yaml}more: 1\n`, 'top'],
    ['another alias', yaml.replace('*base', '*bass'), 'list[2].merged.<<'],
    ['an alias that became its text', yaml.replace('*base', 'base'), 'list[2].merged.<<'],
    ['an alias where a value belongs', yaml.replace('b: true', 'b: *base'), 'list[2].merged.b'],
  ])('refuses %s and says where', (_, text, at) => {
    expect(() => verifyYaml('f.yml', text, value)).toThrow(`f.yml reads back as something else at ${at}`)
  })

  it('refuses what is no YAML or no JSON', () => {
    expect(() => verifyYaml('f.yml', 'a: [', {})).toThrow(/^f\.yml does not parse: /)
    expect(() => verifyJson('f.json', '{', {})).toThrow(/^f\.json does not parse: /)
    expect(() => verifyJson('f.json', '{"a":1}', { a: 2 })).toThrow('f.json reads back as something else')
  })
})
