import type { Report } from '../report/index.ts'
import { type Html, html } from './html.ts'
import { ago } from './words.ts'

/** What is wrong, as a table; nothing where nothing is. */
export function problemTable(problems: Report['host'], now: number, caption: string): Html | undefined {
  if (problems.length === 0) return undefined
  const rows = problems.map(
    ({ kind, severity, since, reason, todo }) =>
      html`<tr class="${severity}"><td><span class="tag">${severity}: ${kind}</span> <br>${ago(since, now)}</td><td>${reason}</td><td class="todo">${todo}</td></tr>`,
  )
  return html`<div class="scroll stack" tabindex="0" role="region" aria-label="${caption}"><table><caption>${caption}</caption>
<thead><tr><th scope="col">What, since</th><th scope="col">Why</th><th scope="col">What to do</th></tr></thead>
<tbody>${rows}</tbody></table></div>`
}
