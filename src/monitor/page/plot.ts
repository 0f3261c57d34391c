import { type Html, html } from './html.ts'
import { dateText } from './words.ts'

/** Width and height of a chart's plot, in the units of its drawing. */
export const wide = 640
export const high = 120

interface Plot {
  caption: string
  /** What it shows, for who does not see it. */
  label: string
  /** The value at its upper edge. */
  top?: string
  from: number
  to: number
  height?: number
  drawing: Html | readonly Html[]
  table: Html
}

/** A chart: its drawing takes any width, so its words stand around it and keep their size. */
export function plot({ caption, label, top, from, to, height = high, drawing, table }: Plot): Html {
  return html`<figure class="chart"><figcaption>${caption}</figcaption>${top === undefined ? undefined : html`<p class="soft">${top}</p>`}
<svg class="${height === high ? 'tall' : 'flat'}" viewBox="0 0 ${wide} ${height}" preserveAspectRatio="none" role="img" aria-label="${label}">
${drawing}<path class="axis" d="M0 ${height}H${wide}"/></svg>
<p class="ends soft"><span>${dateText(from).slice(0, 10)}</span><span>${dateText(to).slice(0, 10)}</span></p>${table}</figure>`
}

/** A table that says what a chart shows. */
export function numbers(head: readonly [string, string], rows: readonly (readonly [string, string])[]): Html {
  if (rows.length === 0) return html``
  return html`<details><summary>As a table</summary><div class="scroll" tabindex="0" role="region" aria-label="${head[1]}">
<table><thead><tr><th scope="col">${head[0]}</th><th scope="col">${head[1]}</th></tr></thead>
<tbody>${rows.map(([a, b]) => html`<tr><td>${a}</td><td>${b}</td></tr>`)}</tbody></table></div></details>`
}
