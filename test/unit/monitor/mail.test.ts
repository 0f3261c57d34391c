import fc from 'fast-check'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Notification } from '../../../src/monitor/alerts/index.ts'
import { type MailOptions, mail, SendFault } from '../../../src/monitor/senders/index.ts'
import { mailOf } from '../../../src/monitor/senders/mail-text.ts'
import { Secret } from '../../../src/secret.ts'
import { selfSigned } from './certificate.ts'
import { missingOf } from './notification.ts'
import { type SmtpOptions, SmtpServer } from './smtp-server.ts'

const noteOf = (text: string) => missingOf(text, text, text)
const note = noteOf('Ålice 備份 <b>')

let pair: { key: string; cert: string }
beforeAll(() => {
  pair = selfSigned('127.0.0.1', new Date(Date.now() - 3600_000))
})

const servers: SmtpServer[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.stop()
})

/** A server, and a sender that it suits unless changed. */
async function serving(
  more: Partial<SmtpOptions> = {},
  change: Partial<MailOptions> = {},
): Promise<{ server: SmtpServer; send: (it?: Notification) => Promise<void> }> {
  const server = new SmtpServer({ tls: 'starttls', ...pair, ...more })
  servers.push(server)
  const port = await server.start()
  const options: MailOptions = {
    host: '127.0.0.1',
    port,
    tls: 'starttls',
    account: 'tmgen@example.com',
    password: new Secret('s3cret pass'),
    authorities: more.cert ?? pair.cert,
    from: 'tmgen@example.com',
    timeoutMs: 1000,
    ...change,
  }
  return { server, send: (it = note) => mail(options, 'admin@example.com', 'home').send(it) }
}

/** Headers by name, and the text, of a mail as it went over the wire. */
function read(raw: string): { headers: [string, string][]; text: string } {
  const [head = '', ...body] = raw.split('\r\n\r\n')
  const headers = head
    .replace(/\r\n[ \t]/g, ' ')
    .split('\r\n')
    .map((line): [string, string] => [line.split(':')[0] ?? '', line.slice(line.indexOf(':') + 2)])
  const text = body
    .join('\r\n\r\n')
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return { headers, text: Buffer.from(text, 'latin1').toString('utf8') }
}

describe('a mail', () => {
  test('goes over STARTTLS, with the account, to one address', async () => {
    const { server, send } = await serving()
    await send()
    expect(server.mails).toMatchObject([{ isPrivate: true }])
    expect(server.mails[0]!.from).toMatch(/^FROM:<tmgen@example.com>/)
    expect(server.mails[0]!.to).toEqual(['TO:<admin@example.com>'])
    const plain = Buffer.from('\0tmgen@example.com\0s3cret pass').toString('base64')
    expect(server.commands).toContain(`AUTH PLAIN ${plain}`)
    expect(server.commands.slice(0, 2)).toEqual(['EHLO [127.0.0.1]', 'STARTTLS'])
    const { headers, text } = read(server.mails[0]!.raw)
    expect(text).toBe('Ålice 備份 <b>: Ålice 備份 <b>\r\n  Ålice 備份 <b>\r\n')
    expect(Object.fromEntries(headers)).toMatchObject({
      From: 'tmgen <tmgen@example.com>',
      To: 'admin@example.com',
      Date: 'Mon, 02 Mar 2026 00:00:00 +0000',
      'Auto-Submitted': 'auto-generated',
      'Content-Type': 'text/plain; charset=utf-8',
    })
  })

  test('goes over TLS from the first byte, or without any to a relay that needs no account', async () => {
    const implicit = await serving({ tls: 'implicit' }, { tls: 'implicit' })
    await implicit.send()
    expect(implicit.server.mails).toMatchObject([{ isPrivate: true }])
    const plain = await serving({ tls: 'starttls' }, { tls: 'none', account: null, password: undefined })
    await plain.send()
    expect(plain.server.mails).toMatchObject([{ isPrivate: false }])
    expect(plain.server.commands.join()).not.toMatch(/AUTH|STARTTLS/)
  })

  test('has the same id at each try, and another for another', async () => {
    const { server, send } = await serving()
    for (const one of [note, note, noteOf('x')]) await send(one)
    const ids = server.mails.map(({ raw }) => /^Message-ID: (<[0-9a-f]{32}@example.com>)/im.exec(raw)?.[1])
    expect(ids[0]).toBeDefined()
    expect([ids[1] === ids[0], ids[2] === ids[0]]).toEqual([true, false])
  })

  test('leaves no connection open', async () => {
    const { server, send } = await serving()
    await send()
    await expect.poll(() => server.open).toBe(0)
  })
})

const names = [
  'From',
  'To',
  'Subject',
  'Message-ID',
  'Date',
  'Auto-Submitted',
  'MIME-Version',
  'Content-Type',
  'Content-Transfer-Encoding',
]

test('whatever a Mac is called, the headers are ours and the text ends where it ends', async () => {
  const hostile = fc.oneof(
    fc.constantFrom(
      'x\r\nBcc: eve@example.com',
      'x\nBcc: eve@example.com\n\nhello',
      'x\r\n.\r\nMAIL FROM:<eve@example.com>\r\n',
      'x\n.\nMAIL FROM:<eve@example.com>\n',
      'x\r.\rQUIT\r',
      '=?utf-8?Q?=0D=0ABcc:_eve@example.com?=',
      '\u2028Bcc: eve@example.com\u0085',
      '.'.repeat(2000),
    ),
    fc.string({ unit: 'binary', maxLength: 300 }),
  )
  await fc.assert(
    fc.asyncProperty(hostile, async (name) => {
      const raw = (await mailOf(noteOf(name), 'home', { from: 'tmgen@example.com', to: 'admin@example.com' })).toString(
        'latin1',
      )
      expect(raw).not.toMatch(/(?<!\r)\n|\r(?!\n)|[^\x20-\x7e\r\n]/)
      expect(Math.max(...raw.split('\r\n').map((line) => line.length))).toBeLessThan(999)
      const found = read(raw).headers.map(([header]) => header)
      expect(found.filter((header) => !names.includes(header))).toEqual([])
      expect(new Set(found).size).toBe(found.length)
    }),
  )
  const { server, send } = await serving()
  await send(noteOf('x\r\n.\r\nMAIL FROM:<eve@example.com>\r\n\r\n.\r\n'))
  expect(server.mails).toHaveLength(1)
  expect(server.commands.filter((line) => line.startsWith('MAIL'))).toHaveLength(1)
})

describe('what fails says why in a line, without the password, and tells nothing before TLS', () => {
  const wrong = () => selfSigned('mail.example.com', new Date(Date.now() - 3600_000))
  const expired = () => selfSigned('127.0.0.1', new Date(Date.now() - 100 * 3600_000))
  test.each<[string, () => Partial<SmtpOptions>, () => Partial<MailOptions>, RegExp]>([
    ['no STARTTLS', () => ({ tls: 'none' }), () => ({}), /the server says 502 to STARTTLS/],
    [
      'STARTTLS that is stripped',
      () => ({ answer: (command) => (command === 'STARTTLS' ? '454 4.7.0 not now' : undefined) }),
      () => ({}),
      /the server says 454 4\.7\.0 to STARTTLS/,
    ],
    ['an unknown authority', () => ({}), () => ({ authorities: undefined }), /self-signed .*mail-ca/],
    ['a certificate of another', () => wrong(), () => ({}), /certificate is for another name/],
    ['an expired certificate', () => expired(), () => ({}), /certificate has expired/],
    ['no TLS from the first byte', () => ({ tls: 'starttls' }), () => ({ tls: 'implicit' }), /TLS from the first byte/],
    [
      'a refused account',
      () => ({ answer: (command) => (command === 'AUTH' ? '535 5.7.8 no: s3cret pass' : undefined) }),
      () => ({}),
      /refuses the account or its password \(535 5\.7\.8\)/,
    ],
    ['no password', () => ({}), () => ({ password: undefined }), /no password in secrets\/monitor\/mail-password/],
    [
      'a refused recipient',
      () => ({ answer: (command) => (command === 'RCPT' ? '550 5.1.1 s3cret' : undefined) }),
      () => ({}),
      /the server says 550 5\.1\.1 to the recipient/,
    ],
    [
      'a refused mail',
      () => ({ answer: (command) => (command === '.' ? '552 5.2.2 full' : undefined) }),
      () => ({}),
      /the server says 552 5\.2\.2 to the mail/,
    ],
    ['silence', () => ({ answer: () => null }), () => ({ timeoutMs: 300 }), /nothing within 0\.3 s/],
    [
      'silence after the mail',
      () => ({ answer: (command) => (command === '.' ? null : undefined) }),
      () => ({ timeoutMs: 300 }),
      /nothing within 0\.3 s/,
    ],
    [
      'something else than SMTP',
      () => ({ answer: (command) => (command === '' ? 'HTTP/1.1 400 Bad Request\r\n\r\n' : undefined) }),
      () => ({}),
      /does not speak SMTP/,
    ],
  ])('%s', async (_name, more, change, message) => {
    const { server, send } = await serving(more(), change())
    const fault: unknown = await send().catch((error: unknown) => error)
    expect(fault).toBeInstanceOf(SendFault)
    expect((fault as SendFault).message).toMatch(message)
    expect((fault as SendFault).message).not.toMatch(/s3cret|\n/)
    await expect.poll(() => server.open).toBe(0)
    expect(server.commands.join()).not.toMatch(/^(?!.*STARTTLS).*(AUTH|MAIL)/)
  })

  test.each([
    ['RCPT', '550 5.1.1 nobody', false],
    ['.', '451 4.7.1 later', false],
    ['.', '554 5.7.1 spam', true],
    ['DATA', '552 5.3.4 too big', true],
  ])('whether it is the mail itself that is refused: %s %s', async (command, answer, isRefused) => {
    const { send } = await serving({ answer: (said) => (said === command ? answer : undefined) })
    await expect(send()).rejects.toMatchObject({ name: 'SendFault', isRefused })
  })

  test('a byte now and then', async () => {
    const { server, send } = await serving({ drips: true }, { timeoutMs: 300 })
    await expect(send()).rejects.toThrow(/nothing within 0\.3 s/)
    expect(server.mails).toHaveLength(1)
    await expect.poll(() => server.open).toBe(0)
  })

  test('nobody there', async () => {
    const { server, send } = await serving()
    server.stop()
    await expect(send()).rejects.toThrow(/^connection refused/)
  })
})
