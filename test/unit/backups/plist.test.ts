import { describe, expect, test } from 'vitest'
import { PlistFault, parsePlist } from '../../../src/backups/plist.ts'

const wrap = (body: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n<plist version="1.0">\n${body}\n</plist>\n`
const parse = (text: string) => parsePlist(new TextEncoder().encode(text))

test('every kind of value is read', () => {
  const body =
    '<dict><key>a &amp; b</key><array><integer>8388608</integer><real>-1.5</real><true/><false/><string/></array>' +
    '<key>when</key><date>2026-01-02T03:04:05Z</date><key>raw</key><data>AAEC</data><key>d</key><dict/></dict>'
  expect(parse(wrap(body))).toEqual(
    new Map<string, unknown>([
      ['a & b', [8388608, -1.5, true, false, '']],
      ['when', new Date('2026-01-02T03:04:05Z')],
      ['raw', 'AAEC'],
      ['d', new Map()],
    ]),
  )
})

test('a key such as __proto__ is a key like others', () => {
  const value = parse(wrap('<dict><key>__proto__</key><true/></dict>')) as Map<string, unknown>
  expect(value.get('__proto__')).toBe(true)
  expect(Object.prototype).toEqual({})
})

describe('refused, with a reason', () => {
  test.each([
    ['bplist00\u0000', 'binary plist: not read'],
    ['', 'no XML property list'],
    ['<html></html>', 'no XML property list'],
    ['<!DOCTYPE plist [<!ENTITY a "b">]><plist></plist>', 'no XML property list'],
    [wrap('<dict><key>a</key></dict>'), 'an unexpected element'],
    [wrap('<dict><true/></dict>'), 'a value without a key'],
    [wrap('<array><key>a</key></array>'), '<key> where a value should be'],
    [wrap('<date>yesterday</date>'), 'a faulty <date>'],
    [wrap('<date>2026-13-02T03:04:05Z</date>'), 'a faulty <date>'],
    [wrap('<integer>many</integer>'), 'a faulty number'],
    [wrap('<string>a</date>'), 'a faulty <string>'],
    [wrap('<!-- a --><true/>'), 'an unexpected element'],
    [wrap('<dict>').slice(0, -10), 'cut short'],
    ['<plist><array>', 'cut short'],
    ['<plist><true/>', 'cut short'],
    [`<plist>${'<array>'.repeat(100_000)}`, 'nested too deeply'],
  ])('%j', (text, reason) => {
    expect(() => parse(text)).toThrow(new PlistFault(reason))
  })
  test('bytes that are no UTF-8', () =>
    expect(() => parsePlist(Buffer.from([0x3c, 0xff]))).toThrow(new PlistFault('not UTF-8')))
})

test('two megabytes of anything are done with before the test is over', () => {
  for (const piece of ['<', '&', ' ', '<!--', '<key>', '<dict><key>', '</dict>', '<?xml ', '<!DOCTYPE plist ']) {
    const text = piece.repeat(Math.floor((2 * 1024 * 1024) / piece.length))
    for (const whole of [text, `<plist>${text}`, `<plist><string>${text}`, `<plist><array>${text}`])
      expect(() => parse(whole)).toThrow(PlistFault)
  }
})
