import { z } from 'zod'
import { printable, printableJson } from '../ui/printable.ts'

export type LogSource = 'gateway' | 'samba'

/** A line of a container's log, as it may be shown. */
export interface LogLine {
  /** UTC with nine digits of a second, as Docker writes it: sorts as text. */
  time: string
  source: LogSource
  message: string
  /** What a line of the gateway says besides; empty for Samba. */
  fields: Record<string, unknown>
}

const stamp = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z) (.*)$/s

/** The gateway's own lines; those of a node name it. Everything in them comes from outside. */
const gatewayLine = z.looseObject({
  logger: z.literal('gateway'),
  node: z.string(),
  level: z.string(),
  msg: z.string(),
})

/** Splits the time off that `docker logs --timestamps` puts in front. */
export function stamped(line: string): { time: string; text: string } | undefined {
  const found = stamp.exec(line)
  return found ? { time: found[1]!, text: found[2]! } : undefined
}

/** A line of the gateway, if it is about this node; what does not parse is nobody's. */
export function gatewayLogLine(time: string, text: string, node: string): LogLine | undefined {
  let data: unknown
  try {
    data = JSON.parse(text)
  } catch {
    return undefined
  }
  const parsed = gatewayLine.safeParse(data)
  if (!parsed.success || parsed.data.node !== node) return undefined
  const { logger: _logger, node: _node, msg, ts: _ts, ...fields } = parsed.data
  return { time, source: 'gateway', message: msg, fields }
}

/** A line of a user's own Samba container. */
export function sambaLogLine(time: string, text: string): LogLine {
  return { time, source: 'samba', message: text, fields: {} }
}

/** One line for people: time to the second, source, message, then key=value. */
export function showLine({ time, source, message, fields }: LogLine): string {
  const { level, ...rest } = fields
  const loud = level === undefined || level === 'info' || level === 'debug' ? '' : `${printable(String(level))}: `
  const pairs = Object.entries(rest)
    .filter(([, value]) => value !== '' && value !== null)
    .map(([key, value]) => ` ${printable(key)}=${showValue(value)}`)
  return `${time.slice(0, 19)}Z ${source.padEnd(7)} ${loud}${printable(message)}${pairs.join('')}`
}

function showValue(value: unknown): string {
  const text = printable(typeof value === 'string' ? value : JSON.stringify(value))
  return typeof value === 'string' && /[\s"=]/.test(text) ? `"${text.replaceAll('"', '\\"')}"` : text
}

/** One line for programs. */
export function jsonLine({ time, source, message, fields }: LogLine): string {
  return printableJson({ time, source, message, ...(source === 'gateway' ? { fields } : {}) })
}

const unitSeconds = { s: 1, m: 60, h: 3600, d: 86_400 } as const

/** `--since` as Docker takes it: a time span is counted back from `now`. */
export function sinceTime(text: string, now: Date): string {
  const unit = text.at(-1) as keyof typeof unitSeconds
  if (!/^\d+[smhd]$/.test(text)) return new Date(text).toISOString()
  return new Date(now.getTime() - Number(text.slice(0, -1)) * unitSeconds[unit] * 1000).toISOString()
}
