import { mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { createServer as createPlain } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { History } from '../../../src/monitor/history/index.ts'
import { isLocalHost, isNodeHost } from '../../../src/monitor/page/hosts.ts'
import { GatewayNames, PeoplePages } from '../../../src/monitor/page/index.ts'
import { ownReport, personSite } from '../../../src/monitor/page/own.ts'
import { userJsonSchema } from '../../../src/monitor/page/past.ts'
import { askGateway, type Report } from '../../../src/monitor/report/index.ts'
import { keepStates } from '../../../src/monitor/report/states.ts'
import { at, missing, reportOf, wellMac, wellNode } from './people.ts'
import { person } from './settings.ts'

let folder: string
let history: History
let lines: string[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tmgen-own-'))
  history = new History(join(folder, 'history.sqlite'), { onLoss: (why) => expect.fail(why) })
  lines = []
})
afterEach(() => {
  history.close()
  rmSync(folder, { recursive: true, force: true })
})

/** What the operator alone is to see, wherever a report has room for it. */
const secret = 'tmgen provision /srv/timemachine person-002'
const problem = { ...missing, kind: 'node' as const, reason: `the node waits: ${secret}`, todo: `run ${secret}` }
const told: Report = {
  ...reportOf(2),
  workspace: 'acme-backups',
  macs: [
    wellMac('person-001', 'macbook', {
      state: 'unreadable',
      reason: `the share cannot be looked at: ${secret}`,
      todo: 'run tmgen doctor',
      problems: [{ ...problem, kind: 'unreadable' }],
    }),
    wellMac('person-002', 'imac'),
  ],
  nodes: [{ ...wellNode('person-001'), problems: [problem] }, wellNode('person-002')],
  host: [{ ...problem, kind: 'disk', reason: '/srv/timemachine has 2 % left' }],
  channels: [{ name: 'ntfy', waiting: 3, lost: 1, sentAt: null, failedAt: at, error: 'hook-5f1c' }],
  notes: ['the history was lost'],
}
const get = (path: string, user = 'person-001', report: Report | undefined = told) =>
  personSite(user)({ report, history }, path, at)

describe('a person’s own site', () => {
  test('has nothing of others and nothing that is the operator’s, on the page, in the JSON, and in what was', () => {
    keepStates(history, told, at)
    for (const path of ['/', '/api/v1/me', '/openapi.json']) {
      const { status, body } = get(path)
      expect(status, path).toBe(200)
      expect(body).not.toMatch(/person-002|imac|\/srv|acme|ntfy|hook|tmgen (provision|doctor)|history was lost|% left/)
    }
    const { body } = get('/')
    expect(body).toContain('the node waits')
    expect(body).toContain('tell whoever runs this server')
    expect(body).toContain('<title>Backups of person-001</title>')
    expect(body).not.toMatch(/href="\/(users|metrics|api\/v1\/overview)|href="\/"/)
  })

  test('says that nothing was read back, and not why: that is the server’s', () => {
    const faults = { rot: 0, unreadable: 0, oversize: 0 }
    const verified = { at: null, bands: 0, covered: 0, percent: 0, faults, failed: '/srv/timemachine/x has no marker' }
    const unread = `nothing of the backup has been read back for 3 days: ${verified.failed}`
    const todo = 'see docker compose logs monitor-scanner'
    const about = { kind: 'unverified', severity: 'warning', since: at, reason: unread, todo } as const
    const macs = [
      wellMac('person-001', 'macbook', { state: 'unverified', reason: unread, todo, problems: [about], verified }),
      wellMac('person-001', 'mini', { verified: { ...verified, failed: '' } }),
    ]
    const report = { ...told, macs }
    keepStates(history, report, at)
    const { body } = get('/api/v1/me', 'person-001', report)
    expect(body).not.toContain('/')
    const answered: { macs: Report['macs'] } = JSON.parse(body)
    expect(answered.macs.map((one) => one.verified?.failed)).toEqual(['not read', ''])
    expect(get('/', 'person-001', report).body).not.toMatch(/\/srv|marker/)
  })

  test('tells a person what they can do themselves', () => {
    const failed = {
      ...missing,
      kind: 'failed' as const,
      todo: 'see what Time Machine says on the Mac, then tmgen logs USER',
    }
    const report = { ...reportOf(1), macs: [wellMac('person-001', 'macbook', { problems: [failed] })] }
    expect(ownReport(report, 'person-001').macs[0]?.problems[0]).toMatchObject({
      reason: missing.reason,
      todo: 'see what Time Machine says on the Mac',
    })
  })

  test.each([
    '/users/person-001',
    '/users/person-002',
    '/api/v1/users/person-001',
    '/api/v1/overview',
    '/metrics',
    '/me',
  ])('has no %s: whose it is follows from where it is served', (path) => expect(get(path).status).toBe(404))

  test('is that person’s, whoever comes first in the report', () => {
    expect(JSON.parse(get('/api/v1/me', 'person-002').body)).toMatchObject({
      user: 'person-002',
      macs: [{ mac: 'imac' }],
    })
  })

  test('is 404 for somebody of whom nothing is reported, and 503 before the first report', () => {
    expect(get('/', 'person-003').status).toBe(404)
    expect(personSite('person-001')({ report: undefined, history }, '/', at).status).toBe(503)
  })

  test('answers as its API describes, with nothing more', () => {
    const answered = JSON.parse(get('/api/v1/me').body)
    expect(userJsonSchema.parse(answered)).toEqual(answered)
    const { paths } = JSON.parse(get('/openapi.json').body)
    for (const path of Object.keys(paths)) expect(get(path).status).toBe(200)
  })
})

describe('a Host', () => {
  const names = {
    hostname: 'tm-alice',
    dnsName: 'tm-alice-1.tail1234.ts.net',
    ips: ['100.64.0.9', 'fd7a:115c:a1e0::9'],
  }
  test.each([
    'tm-alice',
    'TM-Alice',
    'tm-alice:80',
    'tm-alice.',
    'tm-alice-1',
    'tm-alice-1.tail1234.ts.net',
    'tm-alice-1.tail1234.ts.net.',
    'Tm-Alice-1.Tail1234.TS.net:80',
    '100.64.0.9',
    '[fd7a:115c:a1e0::9]:80',
  ])('of a node may be %s', (host) => expect(isNodeHost(names)(host)).toBe(true))

  test.each([
    '',
    '.',
    ':80',
    'tm-bob',
    'tm-alice.evil.example.com',
    'tm-alice.tail1234.ts.net',
    'evil.tm-alice-1.tail1234.ts.net',
    'tm-alice:8080',
    'tm-alice:80:80',
    'tm-alice@evil.example.com',
    '100.64.0.10',
    'fd7a:115c:a1e0::9',
    '127.0.0.1',
    'localhost',
    'monitor',
    '[::1]',
  ])('of a node is not %j', (host) => expect(isNodeHost(names)(host)).toBe(false))

  test('before the gateway told: the name that the node was given, and no empty one', () => {
    const isOwn = isNodeHost({ hostname: 'tm-alice', dnsName: '', ips: [] })
    expect(['tm-alice', '', '100.64.0.9', 'tm-alice.tail1234.ts.net'].map(isOwn)).toEqual([true, false, false, false])
  })

  test('is not what the gateway cannot mean: a control server says it', () => {
    const isOwn = isNodeHost({ hostname: 'tm-alice', dnsName: 'evil', ips: ['evil.example.com', ''] })
    expect(['evil', 'evil.example.com', '[]', ''].map(isOwn)).toEqual([false, false, false, false])
  })

  test('of the operator’s socket is none of a node’s', () => {
    expect(['localhost:8080', 'monitor', 'tm-alice', '100.64.0.9'].map(isLocalHost)).toEqual([true, true, false, false])
  })
})

describe('the sockets of people', () => {
  const world = { now: () => at, say: (line: string) => void lines.push(line) }
  const names = () => ({ dnsName: 'tm-x.example.ts.net', ips: [] })
  const paged = (name: string, id: string) => person(name, id, { page: { hostname: `tm-${name}` } })
  const at80 = () => join(folder, 'people')
  const sockets = () => readdirSync(at80()).sort()
  let pages: PeoplePages
  beforeEach(() => {
    pages = new PeoplePages(history, world, at80(), names)
  })
  afterEach(() => pages.close())

  const status = (name: string, host: string, path = '/') =>
    new Promise<number | string>((resolve) => {
      const asked = request(
        { socketPath: join(at80(), `${name}.sock`), path, headers: { host }, agent: false },
        (answer) => {
          resolve(answer.statusCode ?? 0)
          answer.resume()
        },
      )
      asked.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error')).end()
    })

  test('are there for whoever has a page, each with that person’s page under that node’s names', async () => {
    await pages.ensure([paged('person-001', 'u1'), paged('person-002', 'u2'), person('carol', 'u3')])
    expect(sockets()).toEqual(['person-001.sock', 'person-002.sock'])
    expect(statSync(at80()).mode & 0o777).toBe(0o700)
    expect(statSync(join(at80(), 'person-001.sock')).mode & 0o777).toBe(0o660)
    expect(await status('person-001', 'tm-person-001')).toBe(503)
    pages.show(told)
    const of = (name: string) =>
      Promise.all(['tm-person-001', 'tm-person-002', 'tm-x'].map((host) => status(name, host)))
    expect(await of('person-001')).toEqual([200, 421, 200])
    expect(await of('person-002')).toEqual([421, 200, 200])
  })

  test('go with who is gone, renamed or switched off, and nothing else does', async () => {
    await pages.ensure([paged('person-001', 'u1'), paged('person-002', 'u2')])
    writeFileSync(join(at80(), 'mine.sock'), '')
    symlinkSync('mine.sock', join(at80(), 'link.sock'))
    await pages.ensure([paged('renamed', 'u1'), person('person-002', 'u2')])
    expect(sockets()).toEqual(['link.sock', 'mine.sock', 'renamed.sock'])
    await pages.ensure([])
    expect(sockets()).toEqual(['link.sock', 'mine.sock'])
  })

  test('of a monitor that was killed go too', async () => {
    await pages.ensure([paged('person-001', 'u1')])
    const left = createPlain()
    await new Promise<void>((resolve) => left.listen(join(at80(), 'gone.sock'), resolve))
    await new PeoplePages(history, world, at80(), names).ensure([])
    expect(sockets()).toEqual([])
    left.close()
  })

  test('somebody else by the same name sees nothing until they are reported', async () => {
    await pages.ensure([paged('person-001', 'u1')])
    pages.show(told)
    expect(await status('person-001', 'tm-person-001')).toBe(200)
    await pages.ensure([paged('person-001', 'u9')])
    expect(await status('person-001', 'tm-person-001')).toBe(503)
  })

  test('that cannot be there are told once, and end nothing', async () => {
    writeFileSync(at80(), 'mine')
    await pages.ensure([paged('person-001', 'u1')])
    await pages.ensure([paged('person-001', 'u1')])
    expect(lines).toHaveLength(1)
    rmSync(at80())
    await pages.ensure([paged('person-001', 'u1')])
    expect(sockets()).toEqual(['person-001.sock'])
  })
})

describe('what nodes are called', () => {
  const node = { state: 'running', key_needed: false, last_error: '', connections: 0, peers: [] }

  test('is asked while a page needs it: often until it is known, and what was known outlasts a silent gateway', async () => {
    let asked = 0
    let dnsName: string | undefined
    const names = new GatewayNames(async () => {
      asked++
      return dnsName === undefined ? undefined : { alice: { ...node, dns_name: dnsName, ips: ['100.64.0.9'] } }
    })
    await names.refresh([], 0)
    expect(asked).toBe(0)
    for (const now of [0, 1_000, 5_000]) await names.refresh(['alice'], now)
    expect(asked).toBe(2)
    expect(names.of('alice')).toEqual({ dnsName: '', ips: [] })
    dnsName = 'tm-alice.example.ts.net'
    for (const now of [10_000, 15_000, 69_000]) await names.refresh(['alice'], now)
    expect(asked).toBe(3)
    dnsName = undefined
    await names.refresh(['alice'], 70_000)
    expect(asked).toBe(4)
    expect(names.of('alice')).toEqual({ dnsName: 'tm-alice.example.ts.net', ips: ['100.64.0.9'] })
  })

  test('comes from the gateway’s status, which also tells who looks at a page: they are no Mac that is there', async () => {
    const peers = [
      { path: 'direct', connections: 0, visitor: true },
      { path: 'relay', connections: 1, visitor: false },
      { path: 'idle', connections: 0 },
    ]
    const { connections, state } = node
    const status = { nodes: { alice: { state, connections, pages: 2, dns_name: 'a.b', ips: ['100.64.0.9'], peers } } }
    const gateway = createServer((_, response) => response.end(JSON.stringify(status)))
    const path = join(folder, 'status.sock')
    await new Promise<void>((resolve) => gateway.listen(path, resolve))
    const told = await askGateway(path)
    gateway.close()
    expect(told?.alice).toMatchObject({ connections: 0, dns_name: 'a.b', ips: ['100.64.0.9'] })
    expect(told?.alice?.peers.map((peer) => peer.path)).toEqual(['relay', 'idle'])
  })
})
