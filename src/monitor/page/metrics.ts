import { macStates, type Report } from '../report/index.ts'
import { severities } from '../rules/index.ts'

interface Sample {
  labels: Record<string, string>
  value: number
}

export interface Metric {
  name: string
  type: 'gauge' | 'counter'
  /** Names of its labels, in the order in which they are written. */
  labels: readonly string[]
  help: string
  samples(report: Report): Sample[]
}

/** Unix time in seconds, 0 for never. */
const seconds = (time: number | null) => (time === null ? 0 : time / 1000)
const one = (value: number): Sample[] => [{ labels: {}, value }]

type Mac = Report['macs'][number]
const ofMacs = (value: (mac: Mac) => number | null) => (report: Report) =>
  report.macs.flatMap((each) => {
    const number = value(each)
    return number === null ? [] : [{ labels: { user: each.user, mac: each.mac }, value: number }]
  })

const macLabels = ['user', 'mac'] as const

/**
 * All metrics of the monitor. Labels are bounded: people, Macs, alerts and disks of tmgen.yaml, and words of fixed lists.
 * What a Mac wrote is in none.
 */
export const metrics: readonly Metric[] = [
  {
    name: 'tmgen_last_success_timestamp_seconds',
    type: 'gauge',
    labels: macLabels,
    help: 'When the last backup that counts was complete, Unix time; 0 before the first.',
    samples: ofMacs(({ lastSuccess }) => seconds(lastSuccess)),
  },
  {
    name: 'tmgen_mac_backup_running',
    type: 'gauge',
    labels: macLabels,
    help: '1 while a backup runs.',
    samples: ofMacs(({ running }) => Number(running)),
  },
  {
    name: 'tmgen_mac_sessions',
    type: 'gauge',
    labels: macLabels,
    help: 'Connections to the share at the last look, as Samba says.',
    samples: ofMacs(({ connection }) => connection?.sessions ?? null),
  },
  {
    name: 'tmgen_mac_open_files',
    type: 'gauge',
    labels: macLabels,
    help: 'Files and folders of the share that were open at the last look, as Samba says.',
    samples: ofMacs(({ connection }) => connection?.openFiles ?? null),
  },
  {
    name: 'tmgen_mac_quota_bytes',
    type: 'gauge',
    labels: macLabels,
    help: 'Quota of the share.',
    samples: ofMacs(({ quotaBytes }) => quotaBytes),
  },
  {
    name: 'tmgen_mac_snapshots',
    type: 'gauge',
    labels: macLabels,
    help: 'Complete backups that the history of the Mac lists.',
    samples: ofMacs(({ seen }) => seen?.backups ?? null),
  },
  {
    name: 'tmgen_mac_used_bytes',
    type: 'gauge',
    labels: macLabels,
    help: 'Bands times their size, as Time Machine counts.',
    samples: ofMacs(({ seen }) => seen?.usedBytes ?? null),
  },
  {
    name: 'tmgen_mac_state',
    type: 'gauge',
    labels: [...macLabels, 'state'],
    help: '1 for the state that the Mac’s backup is in, 0 for the others.',
    samples: ({ macs }) =>
      macs.flatMap(({ user, mac, state }) =>
        macStates.map((each) => ({ labels: { user, mac, state: each }, value: Number(each === state) })),
      ),
  },
  {
    name: 'tmgen_mac_problems',
    type: 'gauge',
    labels: [...macLabels, 'severity'],
    help: 'What is wrong with the Mac’s backup, by severity.',
    samples: ({ macs }) =>
      macs.flatMap(({ user, mac, problems }) =>
        severities.map((severity) => ({
          labels: { user, mac, severity },
          value: problems.filter((each) => each.severity === severity).length,
        })),
      ),
  },
  {
    name: 'tmgen_mac_read_back_ratio',
    type: 'gauge',
    labels: macLabels,
    help: 'Part of the bands that was read back well of late, 0 to 1.',
    samples: ofMacs(({ verified }) => verified && (verified.bands === 0 ? 0 : verified.covered / verified.bands)),
  },
  {
    name: 'tmgen_mac_read_back_faults',
    type: 'gauge',
    labels: [...macLabels, 'kind'],
    help: 'Bands that changed without a write, could not be read, or are larger than they may be.',
    samples: ({ macs }) =>
      macs.flatMap(({ user, mac, verified }) =>
        Object.entries(verified?.faults ?? {}).map(([kind, value]) => ({ labels: { user, mac, kind }, value })),
      ),
  },
  {
    name: 'tmgen_mac_read_back_timestamp_seconds',
    type: 'gauge',
    labels: macLabels,
    help: 'When a round of reading back ended last, Unix time; 0 before the first.',
    samples: ofMacs(({ verified }) => seconds(verified?.at ?? null)),
  },
  {
    name: 'tmgen_user_node_up',
    type: 'gauge',
    labels: ['user'],
    help: '1 while the person’s node ran at the last look.',
    samples: ({ nodes }) =>
      nodes.map(({ user, seen }) => ({ labels: { user }, value: Number(seen?.state === 'running') })),
  },
  {
    name: 'tmgen_user_sessions',
    type: 'gauge',
    labels: ['user'],
    help: 'Open connections of the person at the last look.',
    samples: ({ nodes }) => nodes.map(({ user, seen }) => ({ labels: { user }, value: seen?.sessions ?? 0 })),
  },
  {
    name: 'tmgen_server_problems',
    type: 'gauge',
    labels: ['severity'],
    help: 'What is wrong with the server, by severity.',
    samples: ({ host }) =>
      severities.map((severity) => ({
        labels: { severity },
        value: host.filter((each) => each.severity === severity).length,
      })),
  },
  {
    name: 'tmgen_disk_free_bytes',
    type: 'gauge',
    labels: ['path'],
    help: 'What is free on a disk that holds shares.',
    samples: ({ disks }) => disks.map(({ path, freeBytes }) => ({ labels: { path }, value: freeBytes })),
  },
  {
    name: 'tmgen_disk_size_bytes',
    type: 'gauge',
    labels: ['path'],
    help: 'Size of a disk that holds shares.',
    samples: ({ disks }) => disks.map(({ path, totalBytes }) => ({ labels: { path }, value: totalBytes })),
  },
  {
    name: 'tmgen_monitor_last_look_timestamp_seconds',
    type: 'gauge',
    labels: [],
    help: 'When the shares were looked at last, Unix time; 0 before the first.',
    samples: ({ lookedAt }) => one(seconds(lookedAt)),
  },
  {
    name: 'tmgen_monitor_last_report_timestamp_seconds',
    type: 'gauge',
    labels: [],
    help: 'When the monitor last thought about it, Unix time; each minute.',
    samples: ({ at }) => one(seconds(at)),
  },
  {
    name: 'tmgen_monitor_alerts_waiting',
    type: 'gauge',
    labels: ['channel'],
    help: 'Notifications that wait to be delivered.',
    samples: ({ channels }) => channels.map(({ name, waiting }) => ({ labels: { channel: name }, value: waiting })),
  },
  {
    name: 'tmgen_monitor_alerts_lost_total',
    type: 'counter',
    labels: ['channel'],
    help: 'Notifications that were given up.',
    samples: ({ channels }) => channels.map(({ name, lost }) => ({ labels: { channel: name }, value: lost })),
  },
]

/** The Prometheus text format, version 0.0.4. */
export function metricsText(report: Report): string {
  const lines: string[] = []
  for (const { name, type, labels, help, samples } of metrics) {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
    for (const sample of samples(report)) {
      const pairs = labels.map((label) => `${label}="${escaped(sample.labels[label] ?? '')}"`)
      lines.push(`${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${sample.value}`)
    }
  }
  return `${lines.join('\n')}\n`
}

const escaped = (value: string) =>
  value.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`))
