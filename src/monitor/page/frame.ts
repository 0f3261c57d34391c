import { isFresh } from '../report/doubts.ts'
import type { Report } from '../report/index.ts'
import { type Html, html } from './html.ts'
import { ago, dateText } from './words.ts'

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
  const as = `${dateText(report.at)} UTC`
  const age = isFresh(report, now)
    ? html`As of ${as}; shares looked at ${ago(report.lookedAt, report.at)}`
    : html`What is below is old: as of ${as}`
  const linked = links.map(([name, path], index) => html`${index === 0 ? '' : ' · '}<a href="${path}">${name}</a>`)
  const page = html`<html lang="en"><head><meta charset="utf-8"><title>${title}</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="stylesheet" href="/style.css"></head><body>
<a class="skip" href="#main">Skip to the content</a><header>${head}
<p class="soft">${age}</p></header>
<main id="main">${main}</main>
<footer><nav aria-label="For programs">${linked}</nav></footer></body></html>`
  return `<!doctype html>\n${page}\n`
}
