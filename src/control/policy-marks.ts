import { createScanner } from 'jsonc-parser'
import { TmgenError } from '../errors.ts'

/** Kinds of tokens as jsonc-parser's scanner numbers them (its enum is not there at run time). */
const kinds = { openBrace: 1, closeBrace: 2, openBracket: 3, closeBracket: 4, comma: 5, colon: 6, string: 10 } as const
const comments = { line: 12, block: 13 } as const
const spaces = { lineBreak: 14, other: 15 } as const
const end = 17

export interface Token {
  kind: number
  from: number
  to: number
}

/** All tokens of a HuJSON text from an offset on, comments and white space too. */
export function* tokens(text: string, from = 0): Generator<Token> {
  const scanner = createScanner(text, false)
  scanner.setPosition(from)
  for (let kind: number = scanner.scan(); kind !== end; kind = scanner.scan()) {
    const at = scanner.getTokenOffset()
    yield { kind, from: at, to: at + scanner.getTokenLength() }
  }
}

export const isSpace = ({ kind }: Token) => kind === spaces.lineBreak || kind === spaces.other
export const isComment = ({ kind }: Token) => kind === comments.line || kind === comments.block
export const endsLine = ({ kind }: Token) => kind === spaces.lineBreak

type MarkKind = 'begin' | 'end' | 'list'

/**
 * What tells our entries in somebody else's policy; `list` stands in a list that was not there before, `endLine` is an
 * end whose line break is ours too.
 */
export const markText: Record<MarkKind | 'endLine', (workspace: string) => string> = {
  begin: (workspace) => `/* tmgen ${workspace} begin: "tmgen policy apply" writes from here to "end" anew */`,
  end: (workspace) => `/* tmgen ${workspace} end */`,
  endLine: (workspace) => `/* tmgen ${workspace} end of these lines */`,
  list: (workspace) => `/* tmgen ${workspace} list: goes again when nothing else is in it */`,
}

/** Kind and workspace of a mark; `undefined` for any other comment. */
export function markOf(comment: string): { kind: MarkKind; workspace: string } | undefined {
  const match = /^\/\*\s*tmgen\s+([0-9a-f]{16})\s+(begin|end|list)\b/.exec(comment)
  return match === null ? undefined : { workspace: match[1]!, kind: match[2] as MarkKind }
}

/** A part of a text that is taken out. */
interface Cut {
  from: number
  to: number
}

export interface Base {
  /** The policy without anything of ours. */
  text: string
  /** Where in it entries of ours stood. */
  places: number[]
  /** Where in it whole lists of ours stood. */
  lists: number[]
}

/**
 * Takes what this workspace wrote out of a policy. A list that tmgen made stays when something else is in it by now.
 * @throws TmgenError `control-refused` where begin and end do not fit together
 */
export function cutOwn(text: string, workspace: string): Base {
  const blocks = findBlocks(text, workspace)
  const without = cut(text, blocks)
  const lists = findLists(without, workspace)
  return {
    text: cut(without, lists),
    places: startsOf(blocks).map((at) => moved(at, lists)),
    lists: startsOf(lists),
  }
}

const cut = (text: string, cuts: readonly Cut[]) =>
  [...cuts].reverse().reduce((rest, { from, to }) => rest.slice(0, from) + rest.slice(to), text)

/** Starts of the cuts, as places in the text without them. */
function startsOf(cuts: readonly Cut[]): number[] {
  let gone = 0
  return cuts.map(({ from, to }) => {
    const at = from - gone
    gone += to - from
    return at
  })
}

function moved(at: number, cuts: readonly Cut[]): number {
  return at - cuts.reduce((gone, { from, to }) => gone + Math.max(0, Math.min(at, to) - from), 0)
}

/** The line break and indent before our own text came with it. */
const withLineBreak = (text: string, from: number) => from - (/\r?\n[ \t]*$/.exec(text.slice(0, from))?.[0].length ?? 0)

/** The line break and indent that go with an end. */
function lineBreakAfter(text: string, { from, to }: Token): number {
  if (!/\bof these lines\b/.test(text.slice(from, to))) return 0
  return /^\r?\n[ \t]*/.exec(text.slice(to))?.[0].length ?? 0
}

function findBlocks(text: string, workspace: string): Cut[] {
  const found: Cut[] = []
  let open: { from: number; depth: number } | undefined
  let depth = 0
  for (const token of tokens(text)) {
    if (token.kind === kinds.openBrace || token.kind === kinds.openBracket) depth++
    if (token.kind === kinds.closeBrace || token.kind === kinds.closeBracket) depth--
    if (open !== undefined && depth < open.depth) throw damaged(text, open.from)
    const mark = token.kind === comments.block ? markOf(text.slice(token.from, token.to)) : undefined
    if (mark?.workspace !== workspace || mark.kind === 'list') continue
    if (mark.kind === 'begin' ? open !== undefined : open?.depth !== depth) throw damaged(text, token.from)
    if (mark.kind === 'begin') open = { from: token.from, depth }
    else {
      found.push({ from: withLineBreak(text, open!.from), to: token.to + lineBreakAfter(text, token) })
      open = undefined
    }
  }
  if (open !== undefined) throw damaged(text, open.from)
  return found
}

/** Lists of ours with nothing in them: `"name": [ mark ],`. */
function findLists(text: string, workspace: string): Cut[] {
  const all = [...tokens(text)].filter((token) => !isSpace(token))
  return all.flatMap((token, i) => {
    const mark = token.kind === comments.block ? markOf(text.slice(token.from, token.to)) : undefined
    if (mark?.workspace !== workspace || mark.kind !== 'list') return []
    const [name, colon, opening, closing, comma] = [all[i - 3], all[i - 2], all[i - 1], all[i + 1], all[i + 2]]
    const isEmpty =
      (opening?.kind === kinds.openBrace && closing?.kind === kinds.closeBrace) ||
      (opening?.kind === kinds.openBracket && closing?.kind === kinds.closeBracket)
    if (!isEmpty || name?.kind !== kinds.string || colon?.kind !== kinds.colon || !closing) return []
    return [{ from: withLineBreak(text, name.from), to: comma?.kind === kinds.comma ? comma.to : closing.to }]
  })
}

function damaged(text: string, at: number): TmgenError {
  const line = text.slice(0, at).split('\n').length
  return new TmgenError('control-refused', `line ${line} of the policy: begin and end of tmgen's entries do not fit`, {
    hint: 'put the two comments right by hand, or take them out with all that is between them',
  })
}
