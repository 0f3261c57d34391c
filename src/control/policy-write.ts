import type { Node } from 'jsonc-parser'
import { TmgenError } from '../errors.ts'
import { type Base, cutOwn, endsLine, isComment, isSpace, markOf, markText, tokens } from './policy-marks.ts'
import { parseHuJson } from './policy-text.ts'

/** Entries of ours, each as one line of JSON, by the property of the policy that they go into. */
export interface OwnEntries {
  tagOwners: readonly string[]
  grants?: readonly string[]
  acls?: readonly string[]
  tests: readonly string[]
}

/** What a server without a policy begins with. */
const blank = '{\n}\n'

const brackets = { object: '{}', array: '[]' } as const

/**
 * Puts our entries into a HuJSON policy, in place of those that this workspace put there before; without entries it is
 * as it was before the first. Every other byte stays.
 * @throws TmgenError `control-refused` where that cannot be: it does not parse, a property is there twice or no list
 */
export function writeOwn(text: string | undefined, workspace: string, entries: OwnEntries): string {
  const before = text === undefined || text.trim() === '' ? blank : text
  const base = cutOwn(before, workspace)
  const written = parseHuJson(base.text)
  if (written === undefined) throw new TmgenError('control-refused', 'the policy is no HuJSON object')
  const wanted = properties.flatMap((name) => {
    const lines = entries[name] ?? []
    return lines.length === 0 ? [] : [{ name, lines, node: propertyOf(written, name) }]
  })
  if (wanted.length === 0) return base.text
  // Where our entries stood before, they stay; else they come first.
  for (const places of [base.places, []]) {
    const result = insert({ ...base, places }, written, wanted, workspace)
    if (isSound(result, base, wanted, workspace)) return result
  }
  throw new TmgenError('control-refused', 'the policy cannot be added to without changing the rest of it', {
    hint: 'put in by hand what tmgen policy show prints',
  })
}

const properties = ['tagOwners', 'grants', 'acls', 'tests'] as const

interface Wanted {
  name: (typeof properties)[number]
  lines: readonly string[]
  node: Node | undefined
}

function propertyOf(root: Node, name: Wanted['name']): Node | undefined {
  const found = (root.children ?? []).filter((one) => {
    return String(one.children?.[0]?.value).toLowerCase() === name.toLowerCase()
  })
  const node = found[0]?.children?.[1]
  const type = name === 'tagOwners' ? 'object' : 'array'
  if (found.length > 1) throw new TmgenError('control-refused', `the policy has ${name} twice`)
  if (node !== undefined && node.type !== type)
    throw new TmgenError('control-refused', `${name} in the policy is no ${type === 'array' ? 'list' : 'object'}`)
  return node
}

function insert(base: Base, root: Node, wanted: readonly Wanted[], workspace: string): string {
  const { text } = base
  const eol = /\r?\n/.exec(text)?.[0] ?? '\n'
  const unit = /\n(\t| +)\S/.exec(text)?.[1] ?? '  '
  /** @param next indent of what follows on the same line; undefined: a line break follows */
  const block = (lines: readonly string[], indent: string, next?: string) => {
    const end = markText[next === undefined ? 'end' : 'endLine'](workspace)
    const all = [markText.begin(workspace), ...lines.map((line) => `${line},`), end].map((line) => eol + indent + line)
    return all.join('') + (next === undefined ? '' : eol + next)
  }
  const outer = indentIn(root, text) ?? unit
  const made = wanted
    .filter(({ node }) => node === undefined)
    .map(({ name, lines }) => {
      const [opening, closing] = brackets[name === 'tagOwners' ? 'object' : 'array']
      const head = `${eol}${outer}"${name}": ${opening} ${markText.list(workspace)}`
      return `${head}${block(lines, outer + unit)}${eol}${outer}${closing},`
    })
  const splices = wanted.flatMap(({ node, lines }) => {
    if (node === undefined) return []
    const around = lineIndent(text, node.offset)
    const indent = indentIn(node, text) ?? around + unit
    const at = placeIn(node, text, base.places)
    // White space stays the person's: a line break of ours goes before a token alone.
    const next = /\s/.test(text[at] ?? '') ? undefined : /[\]}]/.test(text[at] ?? '') ? around : indent
    return [{ at, text: block(lines, indent, next) }]
  })
  if (made.length > 0) splices.push({ at: placeIn(root, text, base.lists), text: made.join('') })
  return splices
    .sort((a, b) => b.at - a.at)
    .reduce((result, splice) => result.slice(0, splice.at) + splice.text + result.slice(splice.at), text)
}

/** The indent of what stands first on a line of its own in an object or list. */
function indentIn(node: Node, text: string): string | undefined {
  const first = node.children?.[0]
  if (first === undefined) return undefined
  const before = text.slice(text.lastIndexOf('\n', first.offset) + 1, first.offset)
  return first.offset > text.indexOf('\n', node.offset) && /^[ \t]*$/.test(before) ? before : undefined
}

const lineIndent = (text: string, at: number) =>
  /^[ \t]*/.exec(text.slice(text.lastIndexOf('\n', at) + 1, at))?.[0] ?? ''

/** One of the places that lies in the object or list itself; else the end of its first line, or what it has there. */
function placeIn(node: Node, text: string, places: readonly number[]): number {
  const inside = (at: number, { offset, length }: Node) => at > offset && at < offset + length
  const children = (node.children ?? []).flatMap((one) => (one.type === 'property' ? (one.children ?? []) : [one]))
  const before = places.find((at) => inside(at, node) && !children.some((child) => inside(at, child)))
  if (before !== undefined) return before
  let first: number | undefined
  for (const token of tokens(text, node.offset + 1)) {
    if (endsLine(token)) return token.from
    const comment = text.slice(token.from, token.to)
    if (isSpace(token)) continue
    first ??= token.from
    if (!isComment(token) || comment.includes('\n') || markOf(comment)?.kind === 'begin') break
  }
  return first ?? node.offset + 1
}

/** The result parses, holds our entries where they belong, and is the person's text again once they are taken out. */
function isSound(result: string, base: Base, wanted: readonly Wanted[], workspace: string): boolean {
  const tree = parseHuJson(result)
  if (tree === undefined) return false
  const isAllThere = wanted.every(({ name, lines, node }) => {
    return propertyOf(tree, name)?.children?.length === (node?.children?.length ?? 0) + lines.length
  })
  return isAllThere && cutOwn(result, workspace).text === base.text
}
