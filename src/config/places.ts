import { isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap, type Document as YamlDocument } from 'yaml'
import type { Place } from '../errors.ts'
import type { Source } from './read.ts'

export type Path = readonly (string | number)[]

/** Where the values of a config stand in its text. */
export interface Places {
  /** Place of the value; of the nearest value around it when the path is not written in the file. */
  of(path: Path): Place
  /** Place of the key itself. */
  ofKey(path: Path): Place
  /** The YAML node, if the path is written in the file. */
  node(path: Path): Node | undefined
}

export function makePlaces(document: YamlDocument, source: Source): Places {
  // A map is searched once: a hostile one has 100,000 unknown keys, and each is an error with a place.
  const indexes = new WeakMap<YAMLMap, Map<unknown, Pair>>()
  const pairsOf = (map: YAMLMap): Map<unknown, Pair> => {
    const known = indexes.get(map)
    if (known) return known
    const index = new Map(map.items.map((pair) => [isScalar(pair.key) ? pair.key.value : pair.key, pair]))
    indexes.set(map, index)
    return index
  }
  const offset = (path: Path, wantKey: boolean): number => {
    let node = document.contents as Node | null | undefined
    let at = node?.range?.[0] ?? 0
    for (const [index, step] of path.entries()) {
      const last = index === path.length - 1
      if (isSeq(node) && typeof step === 'number') {
        node = node.items[step] as Node | undefined
        if (node?.range) at = node.range[0]
      } else if (isMap(node)) {
        const pair = pairsOf(node).get(step)
        const key = pair?.key as Node | undefined
        node = pair?.value as Node | null | undefined
        const bare = isScalar(node) && node.source === ''
        if (key?.range && ((wantKey && last) || !node?.range || bare)) at = key.range[0]
        else if (node?.range) at = node.range[0]
      } else break
      if (node === undefined) break
    }
    return at
  }
  return {
    of: (path) => source.place(offset(path, false)),
    ofKey: (path) => source.place(offset(path, true)),
    node: (path) => (path.length === 0 ? document.contents : document.getIn(path, true)) as Node | undefined,
  }
}
