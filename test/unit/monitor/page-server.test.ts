import { existsSync, lstatSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { History } from '../../../src/monitor/history/index.ts'
import type { NodeNames } from '../../../src/monitor/page/hosts.ts'
import { operatorsPage, PageServer } from '../../../src/monitor/page/index.ts'
import { at, reportOf } from './people.ts'
import { hour, minute } from './timeline.ts'

let folder: string
let path: string
let history: History
let server: PageServer
let now: number
let lines: string[]

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tmgen-page-'))
  path = join(folder, 'operator.sock')
  history = new History(join(folder, 'history.sqlite'), { onLoss: (why) => expect.fail(why) })
  now = at
  lines = []
  server = new PageServer(history, { now: () => now, say: (line) => lines.push(line) })
  await server.ensure(path)
  server.show(reportOf(2))
})
afterEach(async () => {
  await server.close()
  history.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Got {
  status: number | undefined
  headers: IncomingHttpHeaders
  body: Buffer
}

function ask(
  url: string,
  headers: Record<string, string> = {},
  method = 'GET',
  body = '',
  agent?: Agent,
): Promise<Got> {
  return new Promise((resolve, reject) => {
    const options = { socketPath: path, path: url, method, headers: { host: 'localhost', ...headers }, agent }
    const asked = request(options, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk) => chunks.push(chunk))
      answer.on('end', () =>
        resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) }),
      )
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

const hosted = (host: string) => ask('/', { host }).then(({ status }) => status)

test('it answers to the names of its node while one leads there, and to no other', async () => {
  expect(await hosted('tm-dashboard')).toBe(421)
  await server.close()
  let node: NodeNames | null = { hostname: 'tm-dashboard', dnsName: 'tm-dashboard.example.net.', ips: ['100.64.0.9'] }
  server = new PageServer(
    history,
    { now: () => now, say: (line) => lines.push(line) },
    operatorsPage(() => node),
  )
  await server.ensure(path)
  server.show(reportOf(2))
  for (const host of ['tm-dashboard', 'tm-dashboard:80', '100.64.0.9', 'localhost:8080'])
    expect(await hosted(host), host).toBe(200)
  for (const host of ['tm-alice', 'tm-dashboard:8080', '100.64.0.10', 'tm-dashboard.elsewhere.com'])
    expect(await hosted(host), host).toBe(421)
  node = null
  expect(await hosted('tm-dashboard')).toBe(421)
  expect(await hosted('localhost:8080')).toBe(200)
})

describe('the socket', () => {
  test('is its owner’s and group’s, and comes back where it was taken away', async () => {
    expect(statSync(path).mode & 0o777).toBe(0o660)
    rmSync(path)
    await server.ensure(path)
    expect((await ask('/')).status).toBe(200)
    expect(lines).toEqual([])
  })

  test('takes the place of one that was left by a monitor that was killed', async () => {
    await server.close()
    const left = createServer()
    await new Promise<void>((resolve) => left.listen(path, resolve))
    await server.ensure(path)
    expect((await ask('/')).status).toBe(200)
    left.close()
  })

  test('does not take the place of a file, and what it cannot do is said once and ends nothing', async () => {
    await server.close()
    expect(existsSync(path)).toBe(false)
    writeFileSync(path, 'mine')
    await server.ensure(path)
    await server.ensure(path)
    expect(lines).toEqual([`there is no page: ${path} is no socket`])
    expect(lstatSync(path).isFile()).toBe(true)
    rmSync(path)
    await server.ensure(path)
    expect((await ask('/')).status).toBe(200)
  })
})

describe('an answer', () => {
  test('lets nothing run, be framed, or be read by another site', async () => {
    for (const url of ['/', '/users/person-001', '/metrics', '/api/v1/overview', '/nothing']) {
      const { headers } = await ask(url)
      expect(headers).toMatchObject({
        'content-security-policy':
          "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
      })
      expect(headers['set-cookie'] ?? headers['access-control-allow-origin']).toBeUndefined()
    }
  })

  test('comes zipped where that is wanted, and not at all where the browser has it', async () => {
    const plain = await ask('/')
    const zipped = await ask('/', { 'accept-encoding': 'gzip, br' })
    expect(zipped.headers['content-encoding']).toBe('gzip')
    expect(gunzipSync(zipped.body)).toEqual(plain.body)
    const again = await ask('/', { 'if-none-match': plain.headers.etag ?? '' })
    expect(again).toMatchObject({ status: 304, body: Buffer.alloc(0) })
    server.show(reportOf(3))
    expect((await ask('/', { 'if-none-match': plain.headers.etag ?? '' })).status).toBe(200)
  })

  test('to HEAD has no body, and a query changes nothing', async () => {
    const plain = await ask('/')
    expect(await ask('/', {}, 'HEAD')).toMatchObject({
      status: 200,
      headers: { 'content-length': String(plain.body.length) },
      body: Buffer.alloc(0),
    })
    expect((await ask('/?user=root')).body).toEqual(plain.body)
  })

  test('is not older than it says: a report that is late is told so although nothing else changed', async () => {
    expect(String((await ask('/')).body)).not.toContain('no report for')
    now = at + hour
    expect(String((await ask('/')).body)).toContain('no report for 1 hour')
    now = at + 2 * hour + minute
    expect(String((await ask('/')).body)).toContain('no report for 2 hours')
  })

  test('is 503 before the first report, and a fault is an answer and a line in the log', async () => {
    const fresh = new PageServer(history, { now: () => now, say: (line) => lines.push(line) })
    await server.close()
    await fresh.ensure(path)
    expect(await ask('/')).toMatchObject({ status: 503, headers: { 'retry-after': '30' } })
    fresh.show(reportOf(1))
    vi.spyOn(history, 'runs').mockImplementation(() => {
      throw new Error('no such thing')
    })
    expect((await ask('/users/person-001')).status).toBe(500)
    expect(lines).toEqual(['the page failed: no such thing'])
    expect((await ask('/')).status).toBe(200)
    await fresh.close()
  })
})

describe('what is asked', () => {
  test.each([
    'evil.example.com',
    'localhost.evil.example.com',
    'localhost:80@evil',
    '169.254.1.1',
    'LOCALHOST:123456',
  ])('as %j is refused: a name that leads here is not ours', async (host) => {
    expect((await ask('/', { host })).status).toBe(421)
  })

  test.each(['localhost:8080', '127.0.0.1:8080', '[::1]:8080', 'monitor'])('as %s is answered', async (host) => {
    expect((await ask('/', { host })).status).toBe(200)
  })

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('by %s is refused: nothing can be changed', async (method) => {
    expect((await ask('/', {}, method)).status).toBe(405)
  })

  test('with a body, or a path that is too long, is refused, and ends the connection', async () => {
    expect(await ask('/', { 'content-length': '4' }, 'GET', 'body')).toMatchObject({
      status: 413,
      headers: { connection: 'close' },
    })
    expect((await ask(`/${'a'.repeat(300)}`)).status).toBe(414)
    expect((await ask('/', { cookie: 'a'.repeat(9000) })).status).toBe(431)
  })

  test('by who says to be somebody else is answered the same', async () => {
    const plain = await ask('/')
    const claims = { 'tailscale-user-login': 'bob@example.com', 'x-forwarded-host': 'evil', 'x-tmgen-user': 'bob' }
    expect((await ask('/', claims)).body).toEqual(plain.body)
  })

  test('more than a hundred times on one connection needs another one', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const answers: Got[] = []
    for (let count = 0; count < 101; count++) answers.push(await ask('/style.css', {}, 'GET', '', agent))
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
    expect(answers.filter(({ headers }) => headers.connection === 'close')).toHaveLength(1)
    agent.destroy()
  })

  test('by more than 32 at a time: the others are turned away, and it goes on when there is room', async () => {
    const idle = Array.from({ length: 40 }, () => connect(path).on('error', () => {}))
    await vi.waitFor(() => expect(idle.filter((one) => one.closed)).toHaveLength(8))
    for (const one of idle) one.destroy()
    await vi.waitFor(async () => expect((await ask('/')).status).toBe(200))
  })
})
