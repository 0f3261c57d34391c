import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { apprise, ntfy, ping, pingLog, SendFault, webhook } from '../../../src/monitor/senders/index.ts'
import { Secret } from '../../../src/secret.ts'
import { missingOf } from './notification.ts'

const note = missingOf('alice/macbook', 'Ålice 備份 <b>', 'look')

let server: Server
let base: string
let got: { url: string | undefined; body: string; headers: IncomingMessage['headers'] }[]
let answer: (response: ServerResponse) => void
beforeEach(async () => {
  got = []
  answer = (response) => void response.writeHead(200).end('ok')
  server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    got.push({ url: request.url, body, headers: request.headers })
    answer(response)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})
const options = { fetch, timeoutMs: 500 }
const at = (path: string) => new Secret(`${base}${path}`)

test('webhook: one POST of JSON', async () => {
  await webhook(options, at('/hook?token=s3cret'), 'home').send(note)
  expect(got).toHaveLength(1)
  expect(got[0]!.url).toBe('/hook?token=s3cret')
  expect(JSON.parse(got[0]!.body)).toMatchObject({
    version: 1,
    workspace: 'home',
    to: null,
    at: '2026-03-02T00:00:00.000Z',
    severity: 'alarm',
    title: '[home] alarm: alice/macbook: Ålice 備份 <b>',
    items: [{ what: 'new', user: 'alice', kind: 'missing' }],
  })
})

test('ntfy: JSON to the server with the topic in it, and a token as a header', async () => {
  await ntfy(options, at('/sub/my-topic'), 'home', new Secret('tk_1')).send(note)
  expect(got[0]).toMatchObject({ url: '/sub/', headers: { authorization: 'Bearer tk_1' } })
  expect(JSON.parse(got[0]!.body)).toMatchObject({ topic: 'my-topic', priority: 4, tags: ['rotating_light'] })
})

test('ntfy: however much there is to tell, it stays a message: below 4,096 bytes, and 8,192 as JSON', async () => {
  const reason = 'the share cannot be looked at: it has no marker (.tmgen.json): is its disk mounted?'
  for (const name of ['macbook', '備份備份', '"\\"\\"\\"\\']) {
    const items = Array.from({ length: 60 }, (_none, index) => ({
      what: 'new' as const,
      finding: { ...note.items[0]!.finding, about: `person-${index}/${name}`, reason: `${name} ${reason}` },
    }))
    await ntfy(options, at('/topic'), 'home').send({ ...note, items })
    const { body } = got.at(-1)!
    const { message } = JSON.parse(body) as { message: string }
    expect(Buffer.byteLength(body)).toBeLessThan(8192)
    expect(Buffer.byteLength(message)).toBeLessThan(4096)
    expect(message).toContain('person-0/')
    const shown = message.match(/^person-/gm)!.length
    expect(message.endsWith(`\n  look\n\nand ${60 - shown} more: tmgen status`)).toBe(true)
    expect(shown).toBeGreaterThan(10)
  }
})

test('ntfy: one that is too long by itself is counted', async () => {
  await ntfy(options, at('/topic'), 'home').send(missingOf('alice/macbook', 'x'.repeat(5000), ''))
  expect(JSON.parse(got[0]!.body)).toMatchObject({ message: 'and 1 more: tmgen status' })
})

test('ntfy: a topic that cannot be one is a failure, and no end of the monitor', () => {
  expect(() => ntfy(options, at('/%zz'), 'home')).toThrow(new SendFault('the topic in the address cannot be read'))
})

test('Apprise', async () => {
  await apprise(options, at('/notify/key'), 'home').send({ ...note, severity: 'recovery' })
  expect(JSON.parse(got[0]!.body)).toMatchObject({ type: 'success', format: 'text' })
})

test('Healthchecks: well, not, and tried', async () => {
  await ping(options, at('/ping/uuid'), '')
  await ping(options, at('/ping/uuid/'), 'no backup')
  await pingLog(options, at('/ping/uuid/?rid=1'), 'a test')
  expect(got.map(({ url, body }) => [url, body])).toEqual([
    ['/ping/uuid', ''],
    ['/ping/uuid/fail', 'no backup'],
    ['/ping/uuid/log?rid=1', 'a test'],
  ])
})

describe('a delivery that fails says why in a line, and never where', () => {
  test.each<[string, typeof answer, string]>([
    ['refused', (response) => void response.writeHead(403).end('no s3cret'), 'it answers with HTTP 403'],
    [
      'redirected',
      (response) => void response.writeHead(302, { location: `${base}/elsewhere` }).end(),
      'it answers with a redirect',
    ],
    ['silent', () => {}, 'nothing within 0.5 s'],
    ['cut', (response) => void response.destroy(), 'the connection ended in the middle of the answer'],
    [
      'without an end',
      (response) => {
        response.writeHead(200)
        const more = setInterval(() => response.write('x'.repeat(65536)), 1)
        response.on('close', () => clearInterval(more))
      },
      '',
    ],
  ])('%s', async (_name, how, message) => {
    answer = how
    const sending = webhook(options, at('/hook?token=s3cret'), 'home').send(note)
    if (message === '') return await sending
    await expect(sending).rejects.toThrow(new SendFault(message))
    expect(got).toHaveLength(1)
  })
  test('nobody listens', async () => {
    server.close()
    await expect(webhook(options, at('/s3cret'), 'home').send(note)).rejects.toThrow(/^connection refused/)
  })
})
