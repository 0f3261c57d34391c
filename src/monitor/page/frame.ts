import type { Report } from '../report/index.ts'
import { span } from '../rules/index.ts'
import { type Html, html } from './html.ts'
import { ago, dateText } from './words.ts'

/** Since when a report is late, ms: there is one each minute. */
const lateAfter = 5 * 60_000

/**
 * A whole page.
 * @param now ms since 1970: the report may be old by then, and the page says so
 */
export function frame(report: Report, now: number, title: string, head: Html, main: Html): string {
  const late = now - report.at
  const warning =
    late > lateAfter
      ? html`<p class="sum alarm" role="alert">The monitor has reported nothing for ${span(late)}: what is below is old.</p>`
      : undefined
  const page = html`<html lang="en"><head><meta charset="utf-8"><title>${title}</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="stylesheet" href="/style.css"></head><body>
<a class="skip" href="#main">Skip to the content</a><header>${head}${warning}
<p class="soft">As of ${dateText(report.at)} UTC; shares looked at ${ago(report.lookedAt, report.at)}</p></header>
<main id="main">${main}</main>
<footer><nav aria-label="For programs"><a href="/api/v1/overview">JSON</a> · <a href="/openapi.json">OpenAPI</a> · <a href="/metrics">Metrics</a></nav></footer></body></html>`
  return `<!doctype html>\n${page}\n`
}
