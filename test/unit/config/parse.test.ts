import { describe, expect, test } from 'vitest'
import { bytes, change, failure, good, manyUsers, parse } from './sample.ts'

describe('parseConfig', () => {
  test('fills in the defaults', () => {
    expect(parse(good).config).toMatchObject({
      host: 'local',
      control: { provider: 'headscale', url: 'https://headscale.example.com', keyExpiry: '72h' },
      network: { udp: { from: 21000, to: 22023 }, uid: { from: 20001, to: 29999 }, ipv6: false },
      defaults: { quota: '1T' },
      users: [{ name: 'alice', tags: [], enabled: true }, { name: 'bob' }],
    })
  })

  test('lets x- keys through at every level and leaves them out of the config', () => {
    const text = `${change('  - name: bob', '  - x-note: {any: [thing]}\n    name: bob')}x-top: 1\n`
    expect(parse(text).config).toEqual(parse(good).config)
  })

  test('takes an empty value as absent', () => {
    expect(parse(`${good.slice(0, good.indexOf('users:'))}users:\n  # nobody yet\n`).config.users).toEqual([])
  })

  test('reads a file with a byte order mark and CRLF, and keeps both in the text', () => {
    const text = `\ufeff${good.replaceAll('\n', '\r\n')}`
    const parsed = parse(text)
    expect(parsed.config).toEqual(parse(good).config)
    expect(parsed.text).toBe(text)
    expect(parsed.placeOf(['version'])).toEqual({ file: 'tmgen.yaml', line: 1, column: 10, text: 'version: 1' })
  })

  test('drops a slash at the end of a URL', () => {
    expect(parse(change('example.com\n', 'example.com/\n')).config.control.url).toBe('https://headscale.example.com')
  })

  test('lets a disabled user have no login', () => {
    expect(failure(() => parse(change('logins: [bob@example.com]', 'enabled: false')))).toBe('accepted')
  })

  test.each([
    'http://127.0.0.1:8080',
    'http://192.168.1.2',
    'http://[fd00::1]',
    'http://headscale',
    'http://hs.lan',
  ])('accepts plain http to %s', (url) => {
    expect(parse(change('https://headscale.example.com', url)).config.control.url).toBe(url)
  })

  test.each([
    'http://8.8.8.8',
    'http://172.32.0.1',
    'http://hs.example.com',
    'http://[2001:db8::1]',
  ])('refuses plain http to %s', (url) => {
    expect(failure(() => parse(change('https://headscale.example.com', url)))).toContain('must start with https://')
  })
})

describe('placeOf', () => {
  test('gives the place of a value', () => {
    expect(parse(good).placeOf(['users', 1, 'macs', 0, 'name'])).toMatchObject({ line: 19, column: 15 })
  })

  test('gives the nearest place around a value that is not written', () => {
    expect(parse(good).placeOf(['users', 1, 'storage'])).toMatchObject({ line: 16, column: 5 })
    expect(parse(good).placeOf(['gateway', 'memory'])).toMatchObject({ line: 1, column: 1 })
  })
})

describe('hostile files', () => {
  // Each was seconds to minutes, or the end of the process, with a plain parseDocument.
  const size = 1024 ** 2 - 1000
  const fill = (piece: string): string => piece.repeat(Math.floor(size / piece.length))
  const files: [string, string][] = [
    ['nested flow lists', fill('[')],
    ['nested flow maps', fill('{a: ')],
    ['nested block lists', fill('- ')],
    ['commas', `[${fill(',')}`],
    ['quotes', fill('"')],
    ['anchors', `a: ${fill('&a ')}`],
    ['documents', fill('---\n')],
    ['keys', Array.from({ length: 80_000 }, (_, i) => `key${i}: 1\n`).join('')],
    ['equal keys', fill('key: 1\n')],
    ['duplicate users', `users:\n${fill('- name: a\n')}`],
  ]
  test.each(files)('a megabyte of %s is refused within bounds', (_name, text) => {
    // The runner ends a test after a minute; a slow machine needs 2 s, and quadratic time minutes.
    expect(failure(() => parse(text))).not.toBe('accepted')
  })

  test('a prototype key is an unknown key like any other', () => {
    expect(failure(() => parse(`${good}__proto__: {x: 1}\nconstructor: 1\n`))).toContain('unknown key "__proto__"')
    expect(({} as { x?: number }).x).toBeUndefined()
  })
})

test('a config of 1,000 users in one /22 is read', () => {
  const text = bytes(manyUsers(1000))
  expect(parse(new TextDecoder().decode(text)).config.users).toHaveLength(1000)
})
