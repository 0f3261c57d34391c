import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import type { History } from '../../../src/monitor/history/index.ts'
import { metrics, metricsText } from '../../../src/monitor/page/metrics.ts'
import { openApi } from '../../../src/monitor/page/openapi.ts'
import { userJsonSchema } from '../../../src/monitor/page/past.ts'
import { answerTo } from '../../../src/monitor/page/site.ts'
import { reportJsonSchema } from '../../../src/monitor/report/index.ts'
import { at, reportOf, wellMac } from './people.ts'

const docs = join(import.meta.dirname, '../../../docs')
/** A history that knows nothing. */
const history = { runs: () => [] } as unknown as History
const get = (path: string, report = reportOf(2, (index) => index === 1)) => answerTo({ report, history }, path, at)

function kept(name: string, wanted: string): void {
  const file = join(docs, name)
  if (process.env.UPDATE === '1') writeFileSync(file, wanted)
  expect(readFileSync(file, 'utf8')).toBe(wanted)
}

describe('metrics', () => {
  test('are in the text format: a help, a type and samples each, and each series once', () => {
    const report = { ...reportOf(2, (index) => index === 1), host: [] }
    report.macs[0] = wellMac('person-001', 'macbook', { lastSuccess: null, seen: null })
    const faults = { rot: 2, unreadable: 0, oversize: 0 }
    report.macs[1]!.verified = { at, bands: 200, covered: 50, percent: 25, faults, failed: '' }
    const { type, body } = get('/metrics', report)
    expect(type).toBe('text/plain; version=0.0.4; charset=utf-8')
    const lines = body.trimEnd().split('\n')
    const series = lines.filter((line) => !line.startsWith('#')).map((line) => line.replace(/ [^ ]+$/, ''))
    expect(new Set(series).size).toBe(series.length)
    for (const line of lines)
      expect(line).toMatch(/^# (HELP|TYPE) tmgen_\w+ .|^tmgen_\w+(\{(\w+="[^"]*",?)+\})? -?\d+(\.\d+)?(e\+\d+)?$/)
    expect(lines).toContain('tmgen_last_success_timestamp_seconds{user="person-001",mac="macbook"} 0')
    expect(lines).toContain('tmgen_mac_state{user="person-002",mac="macbook",state="missing"} 1')
    expect(lines).toContain('tmgen_mac_state{user="person-002",mac="macbook",state="ok"} 0')
    expect(lines).toContain('tmgen_mac_problems{user="person-002",mac="macbook",severity="alarm"} 1')
    expect(lines).toContain('tmgen_mac_read_back_ratio{user="person-002",mac="macbook"} 0.25')
    expect(lines).toContain('tmgen_mac_read_back_faults{user="person-002",mac="macbook",kind="rot"} 2')
    expect(lines.some((line) => line.startsWith('tmgen_mac_used_bytes{user="person-001"'))).toBe(false)
  })

  test('a path with quotes and line ends stays in its label, and what a Mac wrote is in none', () => {
    const report = reportOf(1)
    report.disks = [{ path: '/srv/"a"\\b\nc', users: 1, people: [], totalBytes: 2, freeBytes: 1 }]
    report.macs[0] = wellMac('person-001', 'macbook', { reason: 'Evil.sparsebundle is gone', state: 'vanished' })
    expect(metricsText(report)).toContain('tmgen_disk_free_bytes{path="/srv/\\"a\\"\\\\b\\nc"} 1\n')
    expect(metricsText(report)).not.toContain('Evil')
  })

  test('docs/reference/monitor-metrics.md names them all (UPDATE=1 writes it)', () => {
    const rows = metrics.map(
      ({ name, type, labels, help }) =>
        `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
    )
    kept(
      'reference/monitor-metrics.md',
      `# Metrics of the monitor

\`GET /metrics\` on the monitor's socket (\`state/page/operator.sock\` in the workspace) answers in the Prometheus text format;
[monitoring](../how-to/monitoring.md) shows how to scrape it. The [gateway's](metrics.md) are on a socket of their own.
This page is made from the list of metrics.

Labels are bounded: people, Macs, ways of alerts and disks as tmgen.yaml names them, and words of fixed lists. No metric
holds a login, a device, an address, or anything that a Mac wrote. What was not seen has no series.

| metric | type | labels | what |
| --- | --- | --- | --- |
${rows.join('\n')}

- \`state\`: [what can be wrong](../explanation/monitor.md#what-can-be-wrong), and \`ok\`, \`running\`, \`waiting\` (for a first
  backup that is not overdue).
- \`severity\`: \`alarm\`, \`warning\`, \`note\`.
`,
    )
  })

  test('the Grafana dashboard asks for no metric that is not there', () => {
    const dashboard = readFileSync(join(docs, 'reference/grafana-dashboard.json'), 'utf8')
    const gateway = readFileSync(join(docs, 'reference/metrics.md'), 'utf8')
    const known = new Set([
      ...metrics.map(({ name }) => name),
      ...[...gateway.matchAll(/^\| `(tmgen_gateway_\w+)`/gm)].map(([, name]) => name),
    ])
    const { panels } = JSON.parse(dashboard) as { panels: { title: string; targets?: { expr: string }[] }[] }
    const asked = panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => expr.match(/tmgen_\w+/g) ?? []))
    expect(asked.length).toBeGreaterThanOrEqual(panels.length)
    for (const name of asked) expect(known).toContain(name)
  })
})

describe('the API', () => {
  test('docs/reference/monitor-api.yaml is what the schemas say (UPDATE=1 writes it)', () => {
    kept(
      'reference/monitor-api.yaml',
      `# Made from the schemas of src/monitor.\n${stringify(openApi(), { lineWidth: 120, aliasDuplicateObjects: false })}`,
    )
    expect(parse(readFileSync(join(docs, 'reference/monitor-api.yaml'), 'utf8'))).toEqual(
      JSON.parse(get('/openapi.json').body),
    )
  })

  test('answers as described, with nothing more', () => {
    // What a schema does not know it leaves out.
    for (const [path, schema] of [
      ['/api/v1/overview', reportJsonSchema],
      ['/api/v1/users/person-002', userJsonSchema],
    ] as const) {
      const told = JSON.parse(get(path).body)
      expect(schema.parse(told)).toEqual(told)
    }
    const described = Object.keys((openApi() as { paths: object }).paths)
    for (const path of described) expect(get(path.replace('{user}', 'person-001')).status).toBe(200)
  })
})
