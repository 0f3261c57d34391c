import { bytesText } from '../../bytes.ts'
import { count } from '../../count.ts'
import { dayOf, firstDay, shortDays, startOfDay } from './days.ts'
import { drawn, type Html, html } from './html.ts'
import { high, numbers, plot, wide } from './plot.ts'
import { dateText } from './words.ts'

const round = (value: number) => Math.round(value * 10) / 10

/** Size over time, with the quota as a line. */
export function sizeChart(
  points: readonly { at: number; bytes: number }[],
  quota: number | null,
  from: number,
  to: number,
): Html {
  const last = points.at(-1)
  if (!last) return html`<p class="soft">Nothing has been seen of its size yet.</p>`
  const most = Math.max(...points.map(({ bytes }) => bytes), 1)
  // Where the quota is far off, its line would press the curve flat.
  const top = quota !== null && quota > 0 && quota < most * 4 ? Math.max(quota, most) : most
  const x = (time: number) => round((Math.max(0, time - from) / (to - from)) * wide)
  const y = (bytes: number) => round(high - (bytes / top) * high)
  let line = ''
  for (const [index, { at, bytes }] of points.entries())
    line += index === 0 ? `M${x(at)} ${y(bytes)}` : `H${x(at)}V${y(bytes)}`
  line += `H${wide}`
  const start = x(points[0]?.at ?? from)
  const label = `Size from ${dateText(from)} to ${dateText(to)}: ${bytesText(last.bytes)} now, ${bytesText(most)} at most`
  const bound = quota !== null && quota <= top ? html`<path class="bound" d="M0 ${y(quota)}H${wide}"/>` : undefined
  return plot({
    caption: `Size, 90 days${quota === null ? '' : `; quota ${bytesText(quota)}`}`,
    label,
    top: bytesText(top),
    from,
    to,
    drawing: html`${bound}<path class="area" d="${drawn(`${line}V${high}H${start}Z`)}"/><path class="line" d="${drawn(line)}"/>`,
    table: numbers(
      ['Day (UTC)', 'Size'],
      lastOfDays(points).map(({ at, bytes }) => [dateText(at), bytesText(bytes)]),
    ),
  })
}

/** Backups a day as columns. */
export function backupChart(days: readonly { day: number; count: number }[], to: number): Html {
  const top = Math.max(...days.map((one) => one.count), 1)
  const width = wide / shortDays
  const total = days.reduce((sum, one) => sum + one.count, 0)
  const columns = days.map((one) => {
    const height = round((one.count / top) * high)
    const left = round(dayOf(one.day, to) * width)
    return html`<rect class="column" x="${left + 2}" y="${round(high - height)}" width="${round(width - 4)}" height="${height}"/>`
  })
  const label = `${count(total, 'backup')} on ${count(days.length, 'day')} of the last ${shortDays}, at most ${top} a day`
  return plot({
    caption: `Complete backups a day, ${shortDays} days, as the Mac dates them`,
    label,
    top: String(top),
    from: firstDay(to),
    to,
    drawing: columns,
    table: numbers(
      ['Day (UTC)', 'Backups'],
      days.map((one) => [dateText(one.day).slice(0, 10), String(one.count)]),
    ),
  })
}

/** When somebody was connected, and how. */
export function connectionChart(
  spans: readonly { from: number; to: number; path: 'direct' | 'relay' | null }[],
  from: number,
  to: number,
): Html {
  const x = (time: number) => (Math.max(0, time - from) / (to - from)) * wide
  const bars = spans.map((one) => {
    const width = Math.max(1, x(one.to) - x(one.from))
    return html`<rect class="${one.path ?? 'unknown'}" x="${round(x(one.from))}" y="0" width="${round(width)}" height="24"/>`
  })
  const label = `Connected ${count(spans.length, 'time')} in 14 days`
  return plot({
    caption: 'Connections, 14 days',
    label,
    from,
    to,
    height: 24,
    drawing: bars,
    table: numbers(
      ['From (UTC)', 'Until (UTC), how'],
      spans.slice(-50).map((one) => [dateText(one.from), `${dateText(one.to)}, ${one.path ?? 'path not known'}`]),
    ),
  })
}

function lastOfDays<T extends { at: number }>(points: readonly T[]): T[] {
  return points.filter(
    ({ at }, index) => startOfDay(at) !== startOfDay(points[index + 1]?.at ?? Number.POSITIVE_INFINITY),
  )
}
