import { isAlias, isMap, isPair, isScalar, isSeq, type Node } from 'yaml'
import { TmgenError } from '../errors.ts'
import type { Source } from './read.ts'

/**
 * Plain data of a YAML node: maps without prototype, `x-` keys left out at every level, an empty value (`users:`) as absent.
 * Duplicate keys and aliases are added to `errors`: an alias could loop or grow without bound, and the value is easily written out.
 */
export function toPlain(node: Node | null, source: Source, errors: TmgenError[]): unknown {
  if (isAlias(node)) {
    errors.push(
      new TmgenError('config-syntax', `the alias *${node.source} is not allowed`, {
        place: source.place(node.range?.[0] ?? 0),
        hint: 'write the value out',
      }),
    )
    return undefined
  }
  if (isScalar(node)) return isEmpty(node) ? undefined : node.value
  if (isSeq(node)) return node.items.map((item) => toPlain(item as Node | null, source, errors) ?? null)
  if (!isMap(node)) return undefined

  const plain: Record<string, unknown> = Object.create(null)
  const seen = new Map<string, number>()
  for (const pair of node.items) {
    if (!isPair(pair) || !isScalar(pair.key)) continue
    const key = String(pair.key.value)
    const offset = pair.key.range?.[0] ?? 0
    const first = seen.get(key)
    if (first !== undefined) {
      errors.push(
        new TmgenError('config-syntax', `the key "${key}" stands twice; first on line ${source.place(first).line}`, {
          place: source.place(offset),
          hint: 'delete one of the two',
        }),
      )
      continue
    }
    seen.set(key, offset)
    const value = toPlain(pair.value as Node | null, source, errors)
    if (key.startsWith('x-') || value === undefined) continue
    plain[key] = value
  }
  return plain
}

/** Nothing written after `key:`; an explicit null or ~ is a value, and a wrong one. */
function isEmpty(node: { value: unknown; source?: string }): boolean {
  return node.value === null && (node.source ?? '') === ''
}
