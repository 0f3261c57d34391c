import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { History } from '../../../src/monitor/history/index.ts'
import { drawn, html } from '../../../src/monitor/page/html.ts'
import { answerTo } from '../../../src/monitor/page/site.ts'
import { colours, style } from '../../../src/monitor/page/style.ts'
import type { Report } from '../../../src/monitor/report/index.ts'
import { lived } from './lived.ts'
import { at, missing, missingMac, reportOf, wellMac, wellNode } from './people.ts'
import { hour, minute } from './timeline.ts'

let folder: string
let history: History
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tmgen-page-'))
  history = new History(join(folder, 'history.sqlite'), { onLoss: (why) => expect.fail(why) })
})
afterEach(() => {
  history.close()
  rmSync(folder, { recursive: true, force: true })
})

const get = (report: Report | undefined, path: string, now = report?.at ?? at) =>
  answerTo({ report, history }, path, now)
const page = (report: Report, path = '/', now = report.at) => {
  const { status, type, body } = get(report, path, now)
  expect({ status, type }).toEqual({ status: 200, type: 'text/html; charset=utf-8' })
  expect(wellFormed(body)).toEqual([])
  return body
}

/** What Macs, the control server and the disk may have said. */
const hostile = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '</title></style><b>',
  '&lt;&amp;',
  'evil\u202egnp.exe',
  'two\nlines\u0000\u001b[2J',
  'シン・バックアップ 🍎'.repeat(60),
]

/** Names of tags that are not closed, or are closed out of order: what a text that is not escaped leaves behind. */
function wellFormed(markup: string): string[] {
  const open: string[] = []
  const faults: string[] = []
  const empty = ['meta', 'link', '!doctype', 'path', 'rect', 'br']
  for (const [tag, close, name] of markup.matchAll(/<(\/?)([a-z!][a-z0-9]*)\b[^<>]*>/g)) {
    if (empty.includes(name ?? '') || tag.endsWith('/>')) continue
    if (close === '') open.push(name ?? '')
    else if (open.pop() !== name) faults.push(tag)
  }
  return [...faults, ...open]
}

describe('what is shown', () => {
  test.each(hostile)('%j does nothing, wherever it comes from', (text) => {
    const problem = { ...missing, reason: text, todo: text }
    const report: Report = {
      ...reportOf(1),
      workspace: text,
      macs: [
        wellMac('alice', 'macbook', {
          state: 'missing',
          reason: text,
          problems: [problem],
          seen: { usedBytes: null, lastWrite: null, lastBackup: null, backups: null, bundles: 1, notes: [text] },
        }),
      ],
      nodes: [
        {
          user: 'alice',
          told: true,
          problems: [problem],
          seen: { ...wellNode('alice').seen!, state: text, path: null, sessions: 0 },
        },
      ],
      host: [problem],
      disks: [{ path: text, users: 1, people: [text], totalBytes: 0, freeBytes: 0 }],
      channels: [{ name: text, waiting: 1, lost: 1, sentAt: null, failedAt: at, error: text }],
      notes: [text],
    }
    history.record('state:alice', at - hour, { state: 'node' }, { reason: text })
    for (const path of ['/', '/users/alice']) {
      const body = page(report, path)
      expect(body).not.toMatch(/<(script|img|b)\b/)
      // Attributes without their values.
      for (const [tag] of body.matchAll(/<[^<>]*>/g)) expect(tag.replace(/"[^"]*"/g, '""')).not.toMatch(/'|\son[a-z]+=/)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
      expect(body.replace('<!doctype html>\n', '').trimEnd()).not.toMatch(/[\u0000-\u001f\u202e]/)
    }
  })

  test('only markup that was made as such is not escaped', () => {
    const name = '<i>&"\''
    expect(String(html`<p title="${name}">${name}${html`<b>${1}</b>`}${undefined}${[name]}</p>`)).toBe(
      '<p title="&lt;i&gt;&amp;&quot;&#39;">&lt;i&gt;&amp;&quot;&#39;<b>1</b>&lt;i&gt;&amp;&quot;&#39;</p>',
    )
  })

  test('a drawing is numbers and commands alone, and is never cut short', () => {
    const long = 'M0 0'.padEnd(5000, 'h1')
    expect(String(html`<path d="${drawn(long)}"/>`)).toBe(`<path d="${long}"/>`)
    expect(() => drawn('M0 0"/><script>')).toThrow(RangeError)
  })

  test('no style and no script stands in the page: its policy would not have them', () => {
    const report = reportOf(3, (index) => index === 1)
    for (const path of ['/', '/users/person-002'])
      expect(page(report, path)).not.toMatch(/<(script|style)\b|\s(style|on[a-z]+)=/)
    expect(style).not.toMatch(/url\(|@import|<\//)
  })

  test('200 people take less than 200 KiB, also when half of them are in trouble', () => {
    for (const isMissing of [() => false, (index: number) => index % 2 === 0]) {
      const report = reportOf(200, isMissing)
      const { body } = get(report, '/')
      expect(wellFormed(body)).toEqual([])
      expect(body.match(/<li class="card/g)).toHaveLength(200)
      expect(Buffer.byteLength(body)).toBeLessThan(200 * 1024)
    }
  })
})

describe('the overview', () => {
  test('a laptop that is away is shown, and nobody is called for it', () => {
    const away = { ...missing, kind: 'away', severity: 'note' } as const
    const mac = wellMac('person-001', 'macbook', { state: 'away', reason: away.reason, problems: [away] })
    const body = page({ ...reportOf(1), macs: [mac] })
    expect(body).not.toContain('needs attention')
    expect(body).toContain('<h2>Everybody (1)</h2>')
    expect(body).toMatch(/<span class="tag">away<\/span>/)
  })

  test('somebody of whom nobody is to be told anything is shown, and nobody is called either', () => {
    const report = reportOf(2, (index) => index === 1)
    report.nodes[1] = { ...wellNode('person-002'), told: false }
    const body = page(report)
    expect(body).not.toContain('needs attention')
    expect(body).toContain('<h2>Everybody (2)</h2>')
    expect(body).toMatch(/<span class="tag">missing<\/span>/)
    expect(body).toContain('connected, direct; not watched: nobody is told of problems')
  })

  test('the server comes first where something is wrong with it, else last', () => {
    const order = (report: Report) => [...page(report).matchAll(/<h2[^>]*>([^<(]+)/g)].map(([, text]) => text?.trim())
    const report = reportOf(2, (index) => index === 0)
    expect(order(report)).toEqual(['Needs attention', 'All others', 'This server'])
    for (const change of [{ host: [missing] }, { notes: ['the history was broken'] }])
      expect(order({ ...report, ...change })[0]).toBe('This server')
  })

  test('whoever needs attention comes first, alarms before warnings', () => {
    const warning = { ...missing, kind: 'never', severity: 'warning' } as const
    const report = reportOf(4, (index) => index === 3)
    report.macs[2] = wellMac('person-003', 'macbook', { state: 'never', problems: [warning] })
    const names = [...page(report).matchAll(/<h3><a href="\/users\/([^"]+)"/g)].map(([, name]) => name)
    expect(names).toEqual(['person-004', 'person-003', 'person-001', 'person-002'])
  })

  test('a card tells each Mac: its state in a word, last backup, size of its quota, days with a backup; and the path', () => {
    const report = reportOf(1)
    report.macs.push(missingMac('person-001', 'imac'))
    report.nodes = [{ ...wellNode('person-001'), seen: { ...wellNode('person-001').seen!, path: 'relay' } }]
    const body = page(report)
    expect(body).toContain('connected over a relay')
    expect(body).toMatch(
      /<h4>macbook <span class="tag">ok<\/span><\/h4><p class="soft">last backup <time [^>]*>1 hour ago<\/time>, 310G of 1T/,
    )
    expect(body).toMatch(/<h4>imac <span class="tag">missing<\/span><\/h4><p class="why">no backup for 3 days/)
    expect(body).toContain('aria-label="Backups of the last 21 days: on 20 days"')
  })

  test('a disk is named by whose shares lie on it, of many the first; a report of before names its path', () => {
    const disk = { path: '/srv/tm/alice', users: 2, people: ['alice', 'bob'], totalBytes: 2 ** 38, freeBytes: 2 ** 36 }
    const many = { ...disk, people: ['a', 'b', 'c', 'd', 'e'], totalBytes: 0 }
    const body = page({ ...reportOf(1), disks: [disk, many, { ...disk, people: [] }] })
    const shown = [...body.matchAll(/<dt>([^<]*)<\/dt><dd>([^<]*)<\/dd>/g)].map(([, name, free]) => `${name}: ${free}`)
    expect(shown).toEqual([
      'Disk of alice, bob: 64G of 256G free',
      'Disk of a, b, c and 2 more: not known',
      '/srv/tm/alice: 64G of 256G free',
      'Alerts: ntfy',
    ])
  })

  test('a backup of Time Machine is never called a snapshot, which is what a filesystem makes', () => {
    const report = reportOf(2, (index) => index === 1)
    for (const path of ['/', '/users/person-001', '/users/person-002'])
      expect(page(report, path)).not.toMatch(/snapshot/i)
    expect(page(report, '/users/person-001')).toContain('<dt>Backups in the Mac’s history</dt><dd>61</dd>')
    expect(page(report)).toContain('Marks: days with a backup, of the last 21.')
  })

  test('alerts that are off, or do not arrive, are said', () => {
    expect(page({ ...reportOf(1), channels: [] })).toContain('off: nobody is told')
    const failing = { name: 'ntfy', waiting: 2, lost: 1, sentAt: null, failedAt: at, error: 'it answers with HTTP 503' }
    expect(page({ ...reportOf(1), channels: [failing] })).toContain(
      'ntfy: it answers with HTTP 503 (2 wait, 1 given up)',
    )
  })

  test('a report that is old says so of itself', () => {
    expect(page(reportOf(1), '/', at + minute)).not.toContain('role="alert"')
    expect(page(reportOf(1), '/', at + hour)).toMatch(
      /role="alert">Not known: no report for 1 hour<\/p><p class="soft">What is below is old: as of [-0-9]+ 00:00 UTC</,
    )
  })

  test('before the first report there is nothing to show, and that is no 404', () => {
    for (const path of ['/', '/metrics', '/users/alice', '/api/v1/overview'])
      expect(get(undefined, path).status).toBe(503)
    expect(get(undefined, '/style.css').status).toBe(200)
  })
})

describe('a person’s page', () => {
  test('has its charts out of the history: size, backups a day, connections, and when it stopped', async () => {
    const report = await lived(history, 'alice')
    const body = page(report, '/users/alice')
    expect(body).toMatch(/aria-label="Size from [^"]*: 8\.2G now, 8\.2G at most"/)
    const [, line = ''] = /<path class="line" d="([^"]*)"/.exec(body) ?? []
    expect(line).toMatch(/^M215\.1 61\.4(H[\d.]+V[\d.]+){52,}H640$/)
    expect(body).toMatch(/aria-label="13 backups on 13 days of the last 21, at most 1 a day"/)
    expect(body).toMatch(/aria-label="Connected 7 times in 14 days"/)
    expect(body).toMatch(
      /<tr><td><time>[-0-9]+<\/time> <time>[:0-9]+<\/time><\/td><td>macbook<\/td><td>missing<\/td><td>no backup for 3 days:/,
    )
    for (const [head] of body.matchAll(/<th\b[^>]*>/g)) expect(head).toBe('<th scope="col">')
    const { events, macs, connections } = JSON.parse(get(report, '/api/v1/users/alice').body)
    expect(events.map(({ about, state }: { about: string; state: string }) => `${about} ${state}`)).toEqual([
      'macbook missing',
      'macbook ok',
      ' ok',
      'macbook waiting',
    ])
    expect(macs[0].sizes.length).toBeGreaterThan(50)
    expect(macs[0].backups).toHaveLength(13)
    expect(connections).toHaveLength(7)
  })

  test('is there for people of tmgen.yaml alone', () => {
    for (const path of [
      '/users/nobody',
      '/users/',
      '/users/../etc',
      '/users/person-001/',
      '/users/__proto__',
      '/api/v1/users/x',
    ])
      expect(get(reportOf(1), path)).toMatchObject({ status: 404 })
    expect(page(reportOf(1), '/users/person-001')).toContain('None yet.')
  })

  test('says how much of a backup was read back, and when', () => {
    const faults = { rot: 0, unreadable: 0, oversize: 0 }
    const verified = { at: at - 2 * hour, bands: 200, covered: 69, percent: 34, faults, failed: '' }
    const readBack = (one: typeof verified | null) =>
      /<dt>Read back<\/dt><dd>(.*?)<\/dd>/.exec(
        page({ ...reportOf(1), macs: [wellMac('person-001', 'macbook', { verified: one })] }, '/users/person-001'),
      )?.[1]
    expect(readBack(verified)).toMatch(/^34 % of 200 bands, <time [^>]*>2 hours ago<\/time>$/)
    expect(readBack(null)).toBe('not yet')
  })

  test.each([
    [{ sessions: 1, since: at - hour, openFiles: 1 }, /^since <time [^>]*>1 hour ago<\/time>; 1 open file$/],
    [{ sessions: 2, since: at - hour, openFiles: 7 }, /^since <time [^>]*>1 hour ago<\/time>, 2 times; 7 open files$/],
    [{ sessions: 0, since: null, openFiles: 0 }, /^no$/],
    [null, /^not known$/],
  ])('says since when a Mac is connected: %j', (connection, shown) => {
    const macs = [wellMac('person-001', 'macbook', { connection })]
    const text = page({ ...reportOf(1), macs }, '/users/person-001')
    expect(/<dt>Connected<\/dt><dd>(.*?)<\/dd>/.exec(text)?.[1]).toMatch(shown)
    const count =
      connection === null ? '' : `tmgen_mac_sessions{user="person-001",mac="macbook"} ${connection.sessions}\n`
    expect(get({ ...reportOf(1), macs }, '/metrics').body).toContain(`tmgen_mac_sessions gauge\n${count}# HELP`)
  })

  test('shows somebody of whom nothing was seen', () => {
    const mac = wellMac('person-001', 'macbook', { state: 'waiting', lastSuccess: null, snapshots: [], seen: null })
    const report = {
      ...reportOf(1),
      macs: [mac],
      nodes: [{ user: 'person-001', told: true, problems: [], seen: null }],
    }
    expect(page(report)).toMatch(/connection not known.*>no backup yet</)
    expect(page(report, '/users/person-001')).toMatch(/not looked at yet/)
  })
})

describe('for everybody', () => {
  const pages = () => {
    const report = reportOf(2, (index) => index === 1)
    report.host.push({ ...missing, kind: 'disk' })
    return [page(report), page(report, '/users/person-002')]
  }

  test('each page has one title, language, landmarks, and headings that skip no step', () => {
    for (const body of pages()) {
      expect(body).toMatch(/^<!doctype html>\n<html lang="en">.*<title>[^<]+<\/title>/)
      for (const one of ['<header>', '<main id="main">', '<footer>', '<h1', 'href="#main"'])
        expect(body.split(one)).toHaveLength(2)
      const levels = [...body.matchAll(/<h([1-6])\b/g)].map(([, level]) => Number(level))
      for (const [index, level] of levels.entries()) expect(level - (levels[index - 1] ?? 0)).toBeLessThanOrEqual(1)
    }
  })

  test('pictures have words, tables have heads, ids are there once and what points at one finds it', () => {
    for (const body of pages()) {
      for (const [svg] of body.matchAll(/<svg\b[^>]*>/g))
        expect(svg).toMatch(/role="img" aria-label="[^"]+"|aria-hidden="true"/)
      for (const [head] of body.matchAll(/<th\b[^>]*>/g)) expect(head).toBe('<th scope="col">')
      for (const [table] of body.matchAll(/<table>.*?<\/table>/g)) expect(table).toContain('<thead>')
      const ids = [...body.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id)
      expect(new Set(ids).size).toBe(ids.length)
      for (const [, id] of body.matchAll(/(?:aria-labelledby|href)="#?([^"/]+)"/g)) expect(ids).toContain(id)
    }
  })

  test('every link leads somewhere', () => {
    const report = reportOf(2)
    const links = new Set(
      [page(report), page(report, '/users/person-002')].flatMap((body) =>
        [...body.matchAll(/href="(\/[^"]*)"/g)].map(([, path]) => path!),
      ),
    )
    expect(links.size).toBe(7)
    for (const path of links) expect(get(report, path)).toMatchObject({ status: 200 })
  })

  test.each(['light', 'dark'] as const)('in %s every text stands out from what it stands on (WCAG AA)', (scheme) => {
    const { ground, card, line: _, ...texts } = colours[scheme]
    for (const [name, colour] of Object.entries(texts))
      for (const under of [ground, card])
        expect(contrast(colour, under), `${name} on ${under}`).toBeGreaterThanOrEqual(4.5)
  })
})

/** WCAG 2.2: contrast ratio of two colours. */
function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x)
  return (light + 0.05) / (dark + 0.05)
}

function luminance(colour: string): number {
  const channel = (from: number) => {
    const value = Number.parseInt(colour.slice(from, from + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}
