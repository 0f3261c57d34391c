import { isMap, isScalar, isSeq, type Node, type YAMLMap, type YAMLSeq } from 'yaml'
import type { NewMac, NewUser } from './schema.ts'

/** How the person writes: taken from what stands in the file already. */
export interface Style {
  eol: string
  /** Columns from a `- ` to what it holds. */
  dash: number
  /** Columns from a key to the dashes of the list below it; 0: the list stands under the key. */
  list: number
  /** Whether the Macs of a user are a flow list. */
  flowMacs: boolean
  /** Whether logins and tags are a block list. */
  blockLogins: boolean
  /** Whether keys and values are quoted, as in JSON. */
  json: boolean
  /** Whether an empty line stands between entries. */
  spaced: boolean
}

export const plainStyle: Style = {
  eol: '\n',
  dash: 2,
  list: 2,
  flowMacs: false,
  blockLogins: false,
  json: false,
  spaced: false,
}

/** A YAML scalar that reads back as this string: plain where that is safe, else double-quoted. */
export function scalar(text: string, json = false): string {
  const plain =
    /^(\d+[hdKMGTP]|\d+(\.\d+){3}\/\d+|[A-Za-z/][A-Za-z0-9_./@+-]*|tag:[a-z0-9-]+|https?:[A-Za-z0-9.:/_-]*[A-Za-z0-9/])$/.test(
      text,
    )
  const word = /^(true|false|null)$/i.test(text)
  return plain && !word && !json ? text : JSON.stringify(text)
}

/** `{ name: alice, logins: [alice@example.com] }` */
export function flow(value: unknown, json: boolean): string {
  if (Array.isArray(value)) return `[${value.map((v) => flow(v, json)).join(', ')}]`
  if (typeof value === 'string') return scalar(value, json)
  if (typeof value !== 'object' || value === null) return String(value)
  const pairs = Object.entries(value).filter(([, v]) => v !== undefined)
  return `{ ${pairs.map(([k, v]) => `${json ? JSON.stringify(k) : k}: ${flow(v, json)}`).join(', ')} }`
}

/** Lines of a user or Mac as a block mapping, without indentation and without the dash. */
export function blockLines(value: NewUser | NewMac, style: Style): string[] {
  return Object.entries(value).flatMap(([key, part]): string[] => {
    if (part === undefined || (Array.isArray(part) && part.length === 0)) return []
    const isMacs = key === 'macs'
    if (!Array.isArray(part) || (isMacs ? style.flowMacs : !style.blockLogins)) return [`${key}: ${flow(part, false)}`]
    const items = part.flatMap((item) =>
      typeof item === 'string'
        ? [`-${' '.repeat(style.dash - 1)}${scalar(item)}`]
        : dashed(blockLines(item, style), style),
    )
    return [`${key}:`, ...items.map((line) => ' '.repeat(style.list) + line)]
  })
}

/** Puts `- ` before the first line and lines the others up with it. */
export function dashed(lines: readonly string[], style: Style): string[] {
  return lines.map((line, i) => (i === 0 ? `-${' '.repeat(style.dash - 1)}` : ' '.repeat(style.dash)) + line)
}

/** Reads the style of a list of mappings off its last entry. */
export function styleOf(text: string, list: YAMLSeq | undefined): Style {
  const style = { ...plainStyle, eol: /\r\n/.test(text) ? '\r\n' : '\n' }
  const last = list?.items.at(-1) as Node | undefined
  if (!list || !isMap(last) || !last.range || !list.range) return style
  if (list.flow || last.flow) return { ...style, json: isJson(last) }

  const dashAt = text.lastIndexOf('-', last.range[0] - 1)
  const gap = text.slice(dashAt + 1, last.range[0])
  if (/^ +$/.test(gap)) style.dash = gap.length + 1
  style.spaced = list.items.length > 1 && /\n[ \t]*\r?\n[ \t]*(#[^\n]*\n[ \t]*)*$/.test(text.slice(0, dashAt))

  const keyColumn = columnOf(text, last.range[0])
  const nested = last.items.map((pair) => pair.value).filter((v): v is YAMLSeq => isSeq(v) && v.items.length > 0)
  for (const seq of nested) {
    const holdsMaps = isMap(seq.items[0])
    if (holdsMaps) style.flowMacs = seq.flow === true
    else style.blockLogins = seq.flow !== true
    if (!seq.flow && seq.range) style.list = Math.max(0, columnOf(text, seq.range[0]) - keyColumn)
  }
  return style
}

/** Whether a mapping is written as JSON. */
export function isJson(map: YAMLMap): boolean {
  const key = map.items[0]?.key
  return isScalar(key) && key.type === 'QUOTE_DOUBLE'
}

/** Columns before an offset, from 0. */
export function columnOf(text: string, offset: number): number {
  return offset - (text.lastIndexOf('\n', offset - 1) + 1)
}
