import { isDeepStrictEqual } from 'node:util'
import { isAlias, isMap, isScalar, isSeq, type Node, parseDocument } from 'yaml'
import { TmgenError } from '../errors.ts'
import { Alias, Anchor, type YamlValue } from './yaml.ts'

/**
 * Reads a YAML text back as Go programs read it (YAML 1.1: `<<`, the wider set of booleans) and throws TmgenError
 * `render` unless it says `expected`. Anchors and aliases are compared by name where they stand: resolving them first
 * would take longer than all the rest of render.
 */
export function verifyYaml(path: string, text: string, expected: YamlValue): void {
  // The keys come from an object, so that none is there twice; looking for it takes n² time.
  const doc = parseDocument(text, { version: '1.1', uniqueKeys: false, prettyErrors: false })
  const error = doc.errors[0] ?? doc.warnings[0]
  if (error) throw new TmgenError('render', `${path} does not parse: ${error.message}`, { cause: error })
  const fault = difference(doc.contents, expected, '', new Set())
  if (fault !== undefined) throw new TmgenError('render', `${path} reads back as something else at ${fault || 'top'}`)
}

/** Path of the first place where the parsed node is not the value, or undefined. `seen` collects anchors so far. */
function difference(node: Node | null, value: YamlValue, at: string, seen: Set<string>): string | undefined {
  if (value instanceof Alias) {
    return isAlias(node) && node.source === value.anchor.name && seen.has(node.source) ? undefined : at
  }
  if (isAlias(node)) return at
  if (value instanceof Anchor) {
    if (node?.anchor !== value.name || seen.has(value.name)) return at
    seen.add(value.name)
    return difference(node, value.value, at, seen)
  }
  if (Array.isArray(value)) {
    if (!isSeq(node) || node.items.length !== value.length) return at
    return first(value, (item, i) => difference(node.items[i] as Node, item, `${at}[${i}]`, seen))
  }
  if (typeof value !== 'object') return isScalar(node) && node.value === value ? undefined : at
  const entries = Object.entries(value)
  if (!isMap(node) || node.items.length !== entries.length) return at
  return first(entries, ([key, item], i) => {
    const pair = node.items[i]!
    const found = isScalar(pair.key) ? pair.key.value : undefined
    const same = found === key || (key === '<<' && typeof found === 'symbol' && found.description === '<<')
    return same ? difference(pair.value as Node, item, at === '' ? key : `${at}.${key}`, seen) : `${at}.${key}`
  })
}

function first<T>(items: T[], check: (item: T, i: number) => string | undefined): string | undefined {
  for (const [i, item] of items.entries()) {
    const fault = check(item, i)
    if (fault !== undefined) return fault
  }
  return undefined
}

/** The same for JSON and a plain value. */
export function verifyJson(path: string, text: string, expected: unknown): void {
  let found: unknown
  try {
    found = JSON.parse(text)
  } catch (cause) {
    throw new TmgenError('render', `${path} does not parse: ${(cause as Error).message}`, { cause })
  }
  if (!isDeepStrictEqual(found, expected)) throw new TmgenError('render', `${path} reads back as something else`)
}
