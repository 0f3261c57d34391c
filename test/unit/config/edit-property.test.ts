import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addMacText, addUserText, enableUserText, removeUserText, setUserText } from '../../../src/config/index.ts'
import { good, parse } from './sample.ts'

const head = good.slice(0, good.indexOf('users:'))

interface Shape {
  users: number
  macs: number
  indent: number
  gap: number
  list: number
  flowMacs: boolean
  blockLogins: boolean
  flowUser: boolean
  blank: boolean
  comments: boolean
  tail: string
  eol: string
  end: boolean
  first: boolean
}

const shape: fc.Arbitrary<Shape> = fc.record({
  users: fc.integer({ min: 1, max: 4 }),
  macs: fc.integer({ min: 1, max: 3 }),
  indent: fc.constantFrom(0, 1, 2, 4),
  gap: fc.integer({ min: 1, max: 4 }),
  list: fc.constantFrom(0, 1, 2, 3),
  flowMacs: fc.boolean(),
  blockLogins: fc.boolean(),
  flowUser: fc.boolean(),
  blank: fc.boolean(),
  comments: fc.boolean(),
  tail: fc.constantFrom('', '# end\n', '\n\n# end\n\n', '\n# - name: later\nx-tail: |+\n  text\n\n\n', '...\n'),
  eol: fc.constantFrom('\n', '\r\n'),
  end: fc.boolean(),
  first: fc.boolean(),
})

/** A valid config written in that shape. */
function write(s: Shape): string {
  const pad = ' '.repeat(s.indent)
  const dash = `-${' '.repeat(s.gap)}`
  const inner = pad + ' '.repeat(dash.length)
  const note = (text: string): string => (s.comments ? ` # ${text}` : '')
  const users = Array.from({ length: s.users }, (_, u) => {
    const macs = Array.from({ length: s.macs }, (_, m) => `mac${m}`)
    if (s.flowUser) {
      return `${pad}${dash}{name: user${u}, logins: [a${u}], macs: [${macs.map((m) => `{name: ${m}}`).join(', ')}]}${note('u')}\n`
    }
    const list = inner + ' '.repeat(s.list)
    const logins = s.blockLogins ? `logins:\n${list}${dash}a${u}@example.com\n` : `logins: [a${u}@example.com]\n`
    const macText = s.flowMacs
      ? `macs: [${macs.map((m) => `{name: ${m}}`).join(', ')}]${note('m')}\n`
      : `macs:${note('macs')}\n${macs.map((m) => `${list}${dash}name: ${m}${note(m)}\n${list}${' '.repeat(dash.length)}quota: 1T\n`).join('')}`
    return `${pad}${dash}name: user${u}${note('n')}\n${inner}${logins}${inner}${macText}${s.comments ? `${inner}# after user${u}\n` : ''}`
  })
  const list = `users:\n${users.join(s.blank ? '\n' : '')}`
  const text = s.first && !s.tail.startsWith('.') ? `${list}${head}${s.tail}` : `${head}${list}${s.tail}`
  const ended = s.end ? text : text.trimEnd()
  return ended.replaceAll('\n', s.eol)
}

/** Whether `after` is `before` with one piece put in. */
function isOneInsertion(before: string, after: string): boolean {
  let start = 0
  while (start < before.length && before[start] === after[start]) start++
  for (let at = start; at >= 0; at--) if (after.endsWith(before.slice(at))) return true
  return false
}

test('whatever the style of the file, a new user is one insertion and reads back as asked', () => {
  fc.assert(
    fc.property(shape, (s) => {
      const before = parse(write(s))
      const user = { name: 'zoe', logins: ['zoe@example.com'], macs: [{ name: 'air', quota: '2T' }] }
      const after = addUserText(before, user)
      expect(parse(after).config.users.slice(0, -1)).toEqual(before.config.users)
      expect(parse(after).config.users.at(-1)).toMatchObject(user)
      expect(isOneInsertion(before.text, after)).toBe(true)
      if (s.eol === '\r\n') expect(after).not.toMatch(/[^\r]\n/)
    }),
    { numRuns: 300 },
  )
})

test('whatever the style of the file, a new Mac is one insertion and changes that user alone', () => {
  fc.assert(
    fc.property(shape, fc.nat(3), (s, pick) => {
      const before = parse(write(s))
      const index = pick % s.users
      const after = addMacText(before, `user${index}`, { name: 'air' })
      const wanted = structuredClone(before.config)
      wanted.users[index]?.macs.push({ name: 'air' })
      expect(parse(after).config).toEqual(wanted)
      expect(isOneInsertion(before.text, after)).toBe(true)
    }),
    { numRuns: 300 },
  )
})

test('whatever the style of the file, a user is changed, switched off and on, and taken out', () => {
  fc.assert(
    fc.property(shape, fc.nat(3), (s, pick) => {
      const before = parse(write(s))
      const index = pick % s.users
      const name = `user${index}`
      const changed = setUserText(before, name, { quota: '7G', addLogins: ['zoe'] })
      const wanted = structuredClone(before.config)
      for (const mac of wanted.users[index]!.macs) mac.quota = '7G'
      wanted.users[index]!.logins.push('zoe')
      expect(parse(changed).config).toEqual(wanted)
      const back = parse(setUserText(parse(changed), name, { removeLogins: ['zoe'] })).config
      expect(back.users[index]?.logins).toEqual(before.config.users[index]?.logins)
      const off = enableUserText(before, name, false)
      expect(isOneInsertion(before.text, off)).toBe(true)
      expect(enableUserText(parse(off), name, true)).toBe(before.text)
      const without = removeUserText(before, name)
      expect(isOneInsertion(without, before.text)).toBe(true)
      expect(parse(without).config.users).toEqual(before.config.users.toSpliced(index, 1))
      if (s.eol === '\r\n') for (const text of [changed, off, without]) expect(text).not.toMatch(/[^\r]\n/)
    }),
    { numRuns: 300 },
  )
})
