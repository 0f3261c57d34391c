import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../../src/config/index.ts'
import { TmgenErrors } from '../../../src/errors.ts'
import { mailServerOf, tellingOf } from '../../../src/resolve/telling.ts'

const server = 'host: smtp.example.com, from: tmgen@example.com, to: [you@example.com]'
const text = (monitor: string, user = '{ stale: 3d }') => `version: 1
workspace: home
control: { provider: manual }
storage: { root: /srv/tm }
network: { subnet: 10.77.0.0/22 }
monitor: { ${monitor} }
users:
  - { name: alice, logins: [alice@example.com], macs: [{ name: macbook }], monitor: ${user} }
`
const parse = (...parts: [string, string?]) =>
  parseConfig(new TextEncoder().encode(text(...parts)), 'tmgen.yaml').config

test('a mail server has the usual port for its kind of TLS, and STARTTLS unless said otherwise', () => {
  const serverOf = (more: string) => mailServerOf(parse(`mail: { ${server}${more} }`).monitor)
  expect(serverOf('')).toEqual({
    host: 'smtp.example.com',
    port: 587,
    tls: 'starttls',
    account: null,
    from: 'tmgen@example.com',
    to: ['you@example.com'],
  })
  expect(serverOf(', tls: implicit')).toMatchObject({ port: 465 })
  expect(serverOf(', tls: none')).toMatchObject({ port: 25 })
  expect(serverOf(', tls: none, port: 2525')).toMatchObject({ port: 2525 })
  expect(mailServerOf(parse('stale: 3d').monitor)).toBeNull()
})

test('a person is told in no way of their own, unless one is named', () => {
  const telling = (user?: string) => tellingOf(parse(`mail: { ${server} }`, user).users[0]!)
  expect(telling()).toEqual({ alerts: [], mail: null, ping: false })
  expect(telling('{ alerts: [ntfy, mail], mail: alice@example.com, ping: true }')).toEqual({
    alerts: ['mail', 'ntfy'],
    mail: 'alice@example.com',
    ping: true,
  })
})

describe('what does not fit together is refused where it stands', () => {
  test.each<[string, string, string | undefined, RegExp]>([
    [
      'mail without a server',
      'alerts: [mail]',
      undefined,
      /^monitor\.alerts names mail, and there is no monitor\.mail$/,
    ],
    [
      'mail to nobody',
      'alerts: [mail], mail: { host: smtp.example.com, from: tmgen@example.com }',
      undefined,
      /^monitor\.mail names nobody to write to$/,
    ],
    [
      'a password in the clear',
      `mail: { ${server}, tls: none, account: me }`,
      undefined,
      /^monitor\.mail\.tls must not be none with an account/,
    ],
    ['mail to a person without a server', 'stale: 3d', '{ alerts: [mail], mail: a@b.c }', /there is no monitor\.mail$/],
    ['mail to a person without an address', `mail: { ${server} }`, '{ alerts: [mail] }', /alice has no address$/],
    ['a way twice', `mail: { ${server} }`, '{ alerts: [ntfy, ntfy] }', /each way once/],
    ['a password', `mail: { ${server}, password: x }`, undefined, /unknown key "password" in monitor\.mail/],
  ])('%s', (_name, monitor, user, says) => {
    let errors: readonly Error[] = []
    try {
      parse(monitor, user)
    } catch (error) {
      if (error instanceof TmgenErrors) errors = error.errors
      else throw error
    }
    expect(errors.map(({ message }) => message)).toEqual([expect.stringMatching(says)])
  })

  test.each([
    'Alice <alice@example.com>',
    'alice@example.com, eve@example.com',
    '"alice\\r\\nBcc: eve"@example.com',
    'alice@example.com\\nBcc: eve@example.com',
    'alice',
    'alice@',
    'älice@example.com',
    'alice@exa mple.com',
  ])('%j is no address', (address) => {
    const yaml = `"${address.replaceAll('"', '\\"')}"`
    expect(() => parse(`mail: { host: a, from: ${yaml} }`)).toThrow(/mail address/)
    expect(() => parse('stale: 3d', `{ mail: ${yaml} }`)).toThrow(/mail address/)
  })
})
