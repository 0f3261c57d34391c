import { isScalar, isSeq, type Node, type YAMLMap } from 'yaml'
import { commentsEnd, contentEnd, exactEnd, lineEnd, type Splice } from './splice.ts'
import { columnOf } from './style.ts'

/** Ways to take a key out of a mapping: its line where it has one to itself, or its part of a flow mapping. */
export function dropKey(text: string, map: YAMLMap, key: string): Splice[][] {
  const pair = map.items.find((one) => isScalar(one.key) && one.key.value === key)
  const [from, to] = [(pair?.key as Node | undefined)?.range?.[0], (pair?.value as Node | null)?.range?.[1]]
  if (!pair || from === undefined || to === undefined) return []
  if (map.flow) return cutFromFlow(text, from, to)
  return cutLine(text, from, to)
}

/** Ways to take an entry out of a list of mappings, with the comments that are indented as deep as it is. */
export function cutEntry(text: string, list: Node | undefined, index: number): Splice[][] {
  const item = isSeq(list) ? (list.items[index] as Node | undefined) : undefined
  if (!isSeq(list) || !item?.range) return []
  const [from, to] = item.range
  if (list.flow) return [...cutFromFlow(text, from, to), [{ at: from, length: to - from, text: '' }]]
  const dash = text.lastIndexOf('-', from - 1)
  const indent = columnOf(text, dash)
  const start = dash - indent
  const content = contentEnd(text, exactEnd(item))
  const isLast = index === list.items.length - 1
  return [commentsEnd(text, content, indent), content].map((end) => {
    const next = /^\r?\n/.exec(text.slice(end))?.[0].length ?? 0
    // Of two empty lines around it one goes too; the last entry takes the one that set it apart.
    const above = /(?<=\n)[ \t]*\r?\n$/.exec(text.slice(0, start))?.[0].length ?? 0
    const below = /^[ \t]*\r?\n/.exec(text.slice(end + next))?.[0].length ?? 0
    const before = isLast && index > 0 ? above : 0
    const behind = !isLast && above + Number(index === 0) > 0 ? below : 0
    return [{ at: start - before, length: end + next + behind - start + before, text: '' }]
  })
}

/** Cuts a piece that has its line to itself, with the line. */
export function cutLine(text: string, from: number, to: number): Splice[][] {
  const start = from - columnOf(text, from)
  const end = lineEnd(text, to)
  if (!/^[ \t]*$/.test(text.slice(start, from)) || !/^[ \t]*$/.test(text.slice(to, end))) return []
  const next = /^\r?\n/.exec(text.slice(end))?.[0].length ?? 0
  if (next > 0) return [[{ at: start, length: end + next - start, text: '' }]]
  // The last line of the file: the break before it goes instead.
  const before = /\r?\n$/.exec(text.slice(0, start))?.[0].length ?? 0
  return [[{ at: start - before, length: end - start + before, text: '' }]]
}

/** Cuts a piece of a flow collection with the comma before it, or the one behind where it is the first. */
export function cutFromFlow(text: string, from: number, to: number): Splice[][] {
  const before = /,[ \t]*$/.exec(text.slice(0, from))?.[0].length
  if (before !== undefined) return [[{ at: from - before, length: to - from + before, text: '' }]]
  const behind = /^[ \t]*,[ \t]*/.exec(text.slice(to))?.[0].length
  return behind === undefined ? [] : [[{ at: from, length: to - from + behind, text: '' }]]
}
