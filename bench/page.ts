import { readFileSync, writeFileSync } from 'node:fs'

const page = new URL('../docs/performance.md', import.meta.url)

/**
 * The page with the text of some parts in place of what stood between their own marks; every other byte stays, so that
 * a long part can be run by itself. Throws when a part has no marks.
 * @param found Markdown by the name of the part
 */
export function putParts(text: string, found: ReadonlyMap<string, string>): string {
  let next = text
  for (const [name, markdown] of found) {
    const [begin, end] = [`<!-- bench ${name}: begin -->`, `<!-- bench ${name}: end -->`]
    const [from, to] = [next.indexOf(begin), next.indexOf(end)]
    if (from < 0 || to < from) throw new Error(`docs/performance.md has lost its marks of ${name}`)
    next = `${next.slice(0, from + begin.length)}\n\n${markdown.trim()}\n\n${next.slice(to)}`
  }
  return next
}

/** Writes what was measured into docs/performance.md. */
export function writePage(found: ReadonlyMap<string, string>): void {
  writeFileSync(page, putParts(readFileSync(page, 'utf8'), found))
}
