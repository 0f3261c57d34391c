import type { Report } from '../report/index.ts'
import { span } from '../rules/index.ts'
import { type Html, html } from './html.ts'
import { ago, dateText } from './words.ts'

/** Since when a report is late, ms: there is one each minute. */
const lateAfter = 5 * 60_000

type Link = readonly [name: string, path: string]
const operatorLinks: readonly Link[] = [
  ['JSON', '/api/v1/overview'],
  ['OpenAPI', '/openapi.json'],
  ['Metrics', '/metrics'],
]
/** What there is on a person's own site. */
export const ownLinks: readonly Link[] = [
  ['JSON', '/api/v1/me'],
  ['OpenAPI', '/openapi.json'],
]

/**
 * A whole page.
 * @param now ms since 1970: the report may be old by then, and the page says so
 */
export function frame(
  report: Report,
  now: number,
  title: string,
  head: Html,
  main: Html,
  links: readonly Link[] = operatorLinks,
): string {
  const late = now - report.at
  const warning =
    late > lateAfter
      ? html`<p class="sum alarm" role="alert">The monitor has reported nothing for ${span(late)}: what is below is old.</p>`
      : undefined
  const linked = links.map(([name, path], index) => html`${index === 0 ? '' : ' · '}<a href="${path}">${name}</a>`)
  const page = html`<html lang="en"><head><meta charset="utf-8"><title>${title}</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="stylesheet" href="/style.css"></head><body>
<a class="skip" href="#main">Skip to the content</a><header>${head}${warning}
<p class="soft">As of ${dateText(report.at)} UTC; shares looked at ${ago(report.lookedAt, report.at)}</p></header>
<main id="main">${main}</main>
<footer><nav aria-label="For programs">${linked}</nav></footer></body></html>`
  return `<!doctype html>\n${page}\n`
}
