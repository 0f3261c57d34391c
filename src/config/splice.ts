import { isMap, isNode, isPair, isScalar, isSeq, type Node, type YAMLMap, type YAMLSeq } from 'yaml'
import type { NewMac, NewUser } from './schema.ts'
import { blockLines, columnOf, dashed, flow, styleOf } from './style.ts'

/** Replaces `length` characters at `at` (0: inserts). */
export interface Splice {
  at: number
  length: number
  text: string
}

/** Applies splices; places refer to the text before. */
export function applySplices(text: string, splices: readonly Splice[]): string {
  return [...splices]
    .sort((a, b) => b.at - a.at)
    .reduce((result, s) => result.slice(0, s.at) + s.text + result.slice(s.at + s.length), text)
}

/** Ways to add an entry to a list that has entries, the nicest first. */
export function appendItem(text: string, list: YAMLSeq, value: NewUser | NewMac): Splice[][] {
  const last = list.items.at(-1) as Node | undefined
  if (!last?.range || !list.range) return []
  const style = styleOf(text, list)
  if (list.flow) {
    const item = flow(value, style.json)
    return [...flowLine(text, list, last, item, style.eol), [insert(last.range[1], `, ${item}`)]]
  }
  const indent = columnOf(text, text.lastIndexOf('-', last.range[0] - 1))
  const body = isMap(last) && last.flow ? [flow(value, style.json)] : blockLines(value, style)
  const lines = dashed(body, style).map((line) => ' '.repeat(indent) + line)
  const block = lines.map((line) => style.eol + line).join('')
  const spaced = style.spaced ? style.eol + block : block
  const end = contentEnd(text, exactEnd(last))
  const places = [commentsEnd(text, end, indent), end, contentEnd(text, last.range[2])]
  return [
    ...places.map((at) => [insert(at, spaced)]),
    [insert(text.length, startLine(text, style.eol) + block.slice(style.eol.length))],
  ]
}

/** Adds words to a list of words that has some. */
export function appendWords(text: string, list: YAMLSeq, words: readonly string[]): Splice[] {
  const last = list.items.at(-1) as Node | undefined
  if (!last?.range || words.length === 0) return []
  if (list.flow) return [insert(last.range[1], words.map((word) => `, ${word}`).join(''))]
  const dash = text.lastIndexOf('-', last.range[0] - 1)
  const lead = styleOf(text, undefined).eol + ' '.repeat(columnOf(text, dash)) + text.slice(dash, last.range[0])
  return [insert(contentEnd(text, last.range[1]), words.map((word) => lead + word).join(''))]
}

/** Adds an entry on a line of its own, where the last entry has one. */
function flowLine(text: string, list: YAMLSeq, last: Node, item: string, eol: string): Splice[][] {
  const [start, end] = last.range ?? [0, 0]
  const column = columnOf(text, start)
  const indent = text.slice(start - column, start)
  if (!/^[ \t]+$/.test(indent) || !list.range) return []
  const comma = /^\s*,/.exec(text.slice(end, list.range[1]))
  const tail = end + (comma?.[0].length ?? 0)
  const at = lineEnd(text, tail)
  // The closing bracket stands on the same line: everything goes before it.
  if (at >= list.range[1] - 1) return comma ? [] : [[insert(end, `,${eol}${indent}${item}`)]]
  return [comma ? [insert(at, `${eol}${indent}${item},`)] : [insert(end, ','), insert(at, `${eol}${indent}${item}`)]]
}

/** Ways to write the first entry of `users`: the key is absent, empty, or `[]`. */
export function firstUser(text: string, root: YAMLMap, value: NewUser): Splice[][] {
  const style = styleOf(text, undefined)
  const pair = root.items.find((p) => (p.key as { value?: unknown } | null)?.value === 'users')
  const key = pair?.key as Node | undefined
  const list = pair?.value as Node | null | undefined
  const lines = dashed(blockLines(value, style), style).map((line) => style.eol + ' '.repeat(style.list) + line)
  const block = lines.join('')

  if (!pair || !key?.range) {
    const last = root.items.at(-1)
    const end = ((last?.value ?? last?.key) as Node | undefined)?.range?.[1]
    const json = (last?.key as { type?: string } | undefined)?.type === 'QUOTE_DOUBLE'
    const item = flow({ users: [value] }, json).slice(2, -2)
    if (root.flow) return end === undefined ? [] : [[insert(end, `, ${item}`)]]
    const text1 = `users:${block}${style.eol}`
    const ends = [text.length, ...(end === undefined ? [] : [contentEnd(text, end)])]
    return ends.map((at) => [
      insert(at, startLine(text.slice(0, at), style.eol) + (at === text.length ? text1 : text1.trimEnd())),
    ])
  }
  if (isSeq(list) && list.flow && list.range) {
    const json = (key as { type?: string }).type === 'QUOTE_DOUBLE'
    const inside = [insert(list.range[0] + 1, flow(value, json))]
    const written = text.slice(list.range[0], list.range[1])
    if (root.flow || !/^\[[ \t]*\]$/.test(written)) return [inside]
    const before = /[ \t]*$/.exec(text.slice(0, list.range[0]))?.[0].length ?? 0
    const cut = { at: list.range[0] - before, length: before + written.length, text: '' }
    return [[cut, insert(lineEnd(text, list.range[1]), block)], [inside[0]!]]
  }
  return [[insert(lineEnd(text, key.range[1]), block)]]
}

function insert(at: number, text: string): Splice {
  return { at, length: 0, text }
}

/** End of the line of an offset, before its line break. */
export function lineEnd(text: string, offset: number): number {
  const end = text.indexOf('\n', offset)
  if (end < 0) return text.length
  return end > 0 && text[end - 1] === '\r' ? end - 1 : end
}

/** Where a node's own text ends: the range of a block collection may take in comments behind it. */
export function exactEnd(node: Node): number {
  let at = node
  for (;;) {
    const item = isMap(at) && !at.flow ? at.items.at(-1) : isSeq(at) && !at.flow ? at.items.at(-1) : undefined
    const inner = isPair(item) ? (bare(item.value) ?? item.key) : item
    if (!isNode(inner)) return at.range?.[1] ?? 0
    at = inner
  }
}

/** A value that is written; `key:` alone has one without text. */
function bare(value: unknown): unknown {
  return isScalar(value) && value.source === '' ? undefined : value
}

/** End of the last line that a value stands on; white space behind the value is not part of it. */
export function contentEnd(text: string, valueEnd: number): number {
  let end = valueEnd
  while (end > 0 && /\s/.test(text[end - 1] ?? '')) end--
  return lineEnd(text, end)
}

/** Goes past comment lines that are indented deeper than the dashes: they belong to the entry above. */
export function commentsEnd(text: string, from: number, indent: number): number {
  let end = from
  for (;;) {
    const next = /^\r?\n([ \t]*)#[^\n]*/.exec(text.slice(end, end + 2000))
    if (!next || (next[1]?.length ?? 0) <= indent) return end
    end = lineEnd(text, end + (text[end] === '\r' ? 2 : 1))
  }
}

/** What must come before a line that is added at the end of `text`. */
function startLine(text: string, eol: string): string {
  return text === '' || text.endsWith('\n') ? '' : eol
}
