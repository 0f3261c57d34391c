import { isPair, isScalar, isSeq, type Node, type Pair, type YAMLMap, type YAMLSeq } from 'yaml'
import { appendWords, contentEnd, exactEnd, type Splice } from './splice.ts'
import { cutFromFlow, cutLine } from './splice-cut.ts'
import { columnOf, flow, isJson } from './style.ts'

/** The entry of a key in a mapping. */
export const pairOf = (map: YAMLMap, key: string): Pair | undefined =>
  map.items.find((pair) => isScalar(pair.key) && pair.key.value === key)

/** Ways to give a key of a mapping a value, the nicest first; a key that is not there yet comes behind the first one. */
export function setKey(text: string, map: YAMLMap, key: string, value: unknown): Splice[][] {
  const pair = pairOf(map, key)
  const written = flow(value, isJson(map))
  if (pair) {
    const [node, name] = [pair.value as Node | null, pair.key as Node]
    if (!node?.range || (isScalar(node) && node.source === '')) {
      const colon = text.indexOf(':', name.range?.[1] ?? 0)
      return colon < 0 ? [] : [[{ at: colon + 1, length: 0, text: ` ${written}` }]]
    }
    // A block list stands below its key: what replaces it stands behind the key.
    const isBlock = isSeq(node) && !node.flow
    const from = isBlock ? text.indexOf(':', name.range?.[1] ?? 0) + 1 : node.range[0]
    return [[{ at: from, length: exactEnd(node) - from, text: isBlock ? ` ${written}` : written }]]
  }
  const first = map.items[0]
  const last = ((first?.value ?? first?.key) as Node | undefined)?.range?.[1]
  if (!first || last === undefined || !map.range) return []
  const entry = `${isJson(map) ? JSON.stringify(key) : key}: ${written}`
  if (map.flow) return [[{ at: last, length: 0, text: `, ${entry}` }]]
  const eol = /\r\n/.test(text) ? '\r\n' : '\n'
  const end = contentEnd(text, exactEnd(isPair(first) ? ((first.value ?? first.key) as Node) : map))
  return [[{ at: end, length: 0, text: `${eol}${' '.repeat(columnOf(text, map.range[0]))}${entry}` }]]
}

/**
 * Ways to make a list of words read `after`: words that go are cut and new ones appended; else the list is written anew
 * where it stands.
 */
export function setWords(text: string, map: YAMLMap, key: string, after: readonly string[]): Splice[][] {
  const list = pairOf(map, key)?.value
  const anew = setKey(text, map, key, [...after])
  if (!isSeq(list) || !list.items.every((item) => isScalar(item)) || after.length === 0) return anew
  const words = list.items.map((item) => String((item as { value: unknown }).value))
  const added = after.filter((word) => !words.includes(word))
  const cuts = list.items.filter((_, index) => !after.includes(words[index] ?? ''))
  const splices: Splice[] = []
  for (const item of cuts) splices.push(...(cutItem(text, list, item as Node) ?? []))
  // Behind the last one also where that goes: both are part of one edit.
  splices.push(
    ...appendWords(
      text,
      list,
      added.map((word) => flow(word, isJson(map))),
    ),
  )
  return [splices, ...anew]
}

function cutItem(text: string, list: YAMLSeq, item: Node): Splice[] | undefined {
  const [from, to] = item.range ?? []
  if (from === undefined || to === undefined) return undefined
  if (list.flow) return cutFromFlow(text, from, to)[0]
  return cutLine(text, text.lastIndexOf('-', from), to)[0]
}
