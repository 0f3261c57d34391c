import type { ShareLook } from '../backups/index.ts'
import { bytesText } from '../bytes.ts'
import { quotasOf, type SeenStorage } from '../limits/index.ts'
import type { MacReport, Report } from '../monitor/report/report.ts'
import { keyCommand } from '../resolve/nodes.ts'
import type { DeployedMac, DeployedNode, DeployedUser, Deployment } from '../resolve/types.ts'
import type { GatewayStatus } from '../stack/gateway-status.ts'
import { nodeNotes } from '../stack/node-notes.ts'
import { type Service, serviceText } from '../stack/services.ts'
import { printable } from '../ui/printable.ts'
import type { UserRow } from './rows.ts'

/** What of one Mac's share was seen; a string says why nothing was. */
export type ShareSeen = ShareLook | 'not made yet' | { fault: string } | undefined

export interface MacStatus {
  name: string
  quota: string
  quotaBytes: number
  /** An estimate (bands times band size); null: no bundle, or not known. */
  usedBytes: number | null
  /** ISO 8601, UTC. */
  lastWrite: string | null
  lastBackup: string | null
  /** Complete backups in the history. */
  backups: number | null
  /** As the monitor judges it; null: it does not report. */
  monitor: string | null
  /** Connections to the share, and since when the oldest stands, as the monitor saw it last; null: not known. */
  connection: { sessions: number; since: string | null } | null
  warnings: string[]
}

/** How one node does. */
export interface NodeStatus {
  name: string
  enabled: boolean
  /** `state` and `ips` as the gateway says; null: it does not answer, or runs elsewhere. */
  node: { hostname: string; name: string; state: string | null; ips: string[] }
  /** How packets go to the person's Macs: those that are connected, else those heard of lately; null: none. */
  path: 'direct' | 'relay' | null
  /** Open connections. */
  sessions: number | null
  key: UserRow['key']
  warnings: string[]
}

/** How one user does. */
export interface StatusRow extends NodeStatus {
  /** The container in a word; null: Docker does not answer, or runs elsewhere. */
  samba: string | null
  macs: MacStatus[]
  /** What keeps this user from filling the disk; null: storage on another machine, or user disabled. */
  limit: LimitStatus | null
}

/** `enforced`: read back just now; `advisory`: the Mac alone keeps to its quota, `why` says why. */
export interface LimitStatus {
  state: 'enforced' | 'advisory'
  bytes: number | null
  /** `filesystem`, `project`, `qgroup` or `refquota` */
  by: string | null
  why: string | null
}

/** What is known of one user. */
export interface Seen {
  user: DeployedUser
  /** The user's row of `tmgen list`. */
  listed: UserRow
  deployment: Pick<Deployment, 'control'>
  /** undefined: the gateway does not answer, or runs elsewhere. */
  gateway: GatewayStatus | undefined
  services: ReadonlyMap<string, Service> | undefined
  /** By Mac. */
  shares: ReadonlyMap<string, ShareSeen>
  storage: SeenStorage | undefined
  /** What the monitor found last; undefined: it does not report. */
  report?: Report | undefined
}

/**
 * How one node does.
 * @param listed the fully qualified name, where the control plane told it, and the key
 */
export function nodeStatus(
  deployed: DeployedNode,
  listed: { name: string; key: UserRow['key'] },
  deployment: Pick<Deployment, 'control'>,
  gateway: GatewayStatus | undefined,
): NodeStatus {
  const { name, enabled, hostname } = deployed
  const node = gateway?.nodes[name]
  const { state } = listed.key
  const warnings: string[] = []
  if (enabled) {
    if (state === 'missing' || state === 'expired')
      warnings.push(`the auth key is ${state}: ${keyCommand(name, deployment)}`)
    if (gateway && node?.state !== 'running')
      warnings.push(`the node is ${node ? node.state : 'unknown to the gateway'}`)
    warnings.push(...nodeNotes(name, node))
  }
  return {
    name,
    enabled,
    node: {
      hostname,
      name: node?.dns_name || listed.name,
      state: node?.state ?? (gateway && enabled ? 'unknown' : null),
      ips: node?.ips ?? [],
    },
    path: pathOf(node?.peers ?? []),
    sessions: node?.connections ?? null,
    key: listed.key,
    warnings,
  }
}

/** How one user does. */
export function statusRow(seen: Seen, now: Date): StatusRow {
  const { user, listed, deployment, gateway, services, shares, storage, report } = seen
  const node = nodeStatus(user, { name: listed.node.name, key: listed.key }, deployment, gateway)
  const samba = services && serviceText(services.get(`samba-${user.name}`))
  const macs = user.macs.map((mac) =>
    macStatus(mac, shares.get(mac.name), judgedOf(report, user.name, mac.name), user.watch.stale, now),
  )
  const warnings = [...node.warnings]
  if (user.enabled) {
    if (samba !== undefined && samba !== 'healthy' && samba !== 'starting')
      warnings.push(`Samba is ${samba}: tmgen logs ${user.name} --samba`)
    const limit = storage?.limit
    if (limit?.state === 'enforced' && limit.bytes < quotasOf(user))
      warnings.push(
        `the limit (${bytesText(limit.bytes)}) is smaller than the quotas: tmgen storage limit ${user.name}`,
      )
    for (const mac of macs) warnings.push(...mac.warnings.map((text) => `${mac.name}: ${text}`))
  }
  return {
    ...node,
    samba: user.enabled ? (samba ?? null) : null,
    macs,
    limit: storage === undefined || !user.enabled ? null : limitStatus(storage),
    warnings,
  }
}

/** A limit as JSON tells it. */
export function limitStatus({ limit }: SeenStorage): LimitStatus {
  return limit.state === 'enforced'
    ? { state: limit.state, bytes: limit.bytes, by: limit.by, why: null }
    : { state: limit.state, bytes: null, by: null, why: printable(limit.why) }
}

/** The relay counts where anybody who is connected needs it. */
function pathOf(peers: GatewayStatus['nodes'][string]['peers']): StatusRow['path'] {
  const connected = peers.filter((peer) => peer.connections > 0)
  const paths = (connected.length > 0 ? connected : peers).map((peer) => peer.path)
  return paths.includes('relay') ? 'relay' : paths.includes('direct') ? 'direct' : null
}

function connectionOf(judged: MacReport | undefined): MacStatus['connection'] {
  if (!judged?.connection) return null
  const { sessions, since } = judged.connection
  return { sessions, since: since === null ? null : new Date(since).toISOString() }
}

const judgedOf = (report: Report | undefined, user: string, mac: string) =>
  report?.macs.find((one) => one.user === user && one.mac === mac)

/** @param stale ms: a backup that is older is told, where no monitor judges */
function macStatus(
  { name, quota, quotaBytes }: DeployedMac,
  seen: ShareSeen,
  judged: Report['macs'][number] | undefined,
  stale: number,
  now: Date,
): MacStatus {
  const bare = {
    ...{ name, quota, quotaBytes, usedBytes: null, lastWrite: null, lastBackup: null, backups: null },
    monitor: judged?.state ?? null,
    connection: connectionOf(judged),
  }
  const found = (judged?.problems ?? []).filter(({ severity }) => severity !== 'note').map(({ reason }) => reason)
  if (seen === undefined) return { ...bare, warnings: found.map(printable) }
  if (seen === 'not made yet')
    return { ...bare, warnings: ['the share is not made yet: docker compose up -d', ...found.map(printable)] }
  if ('fault' in seen)
    return judged?.seen
      ? byMonitor(bare, judged.seen, found)
      : { ...bare, warnings: [`${seen.fault}: not known what is in it`, ...found.map(printable)] }
  const { bundles } = seen
  const warnings = [...seen.notes]
  for (const bundle of bundles) if (bundle.damaged) warnings.push(`the Mac found ${bundle.name} damaged`)
  const last = newest(bundles.map((bundle) => bundle.lastBackup))
  if (bundles.length === 0) warnings.push('no backup yet')
  else if (last === undefined) warnings.push('no complete backup yet')
  else if (!judged && now.getTime() - last.getTime() > stale) warnings.push(`no complete backup since ${day(last)}`)
  const used = bundles.flatMap((bundle) => bundle.usedBytes ?? [])
  const counts = bundles.flatMap((bundle) => bundle.backups ?? [])
  return {
    ...bare,
    usedBytes: used.length === 0 ? null : sum(used),
    lastWrite: seen.lastWrite?.toISOString() ?? null,
    lastBackup: last?.toISOString() ?? null,
    backups: counts.length === 0 ? null : sum(counts),
    // Names of bundles are the Mac's.
    warnings: [...new Set([...warnings, ...found].map(printable))],
  }
}

/** What the monitor saw, where this process may not look: a share belongs to its user alone. */
function byMonitor(
  bare: Omit<MacStatus, 'warnings'>,
  seen: NonNullable<MacReport['seen']>,
  found: string[],
): MacStatus {
  const iso = (time: number | null) => (time === null ? null : new Date(time).toISOString())
  const { usedBytes, backups, bundles } = seen
  const empty = bundles === 0 ? ['no backup yet'] : seen.lastBackup === null ? ['no complete backup yet'] : []
  return {
    ...bare,
    usedBytes,
    backups,
    lastWrite: iso(seen.lastWrite),
    lastBackup: iso(seen.lastBackup),
    warnings: [...new Set([...seen.notes, ...empty, ...found].map(printable))],
  }
}

const sum = (all: readonly number[]) => all.reduce((total, one) => total + one, 0)
const day = (date: Date) => date.toISOString().slice(0, 10)

function newest(dates: readonly (Date | undefined)[]): Date | undefined {
  const times = dates.flatMap((date) => date?.getTime() ?? [])
  return times.length === 0 ? undefined : new Date(Math.max(...times))
}
