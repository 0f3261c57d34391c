import { Composer, Lexer, Parser, type Document as YamlDocument } from 'yaml'
import { TmgenError, TmgenErrors } from '../errors.ts'
import type { Source } from './read.ts'

/** tmgen.yaml nests 5 deep; `x-` keys may go further. Deeper input would exhaust the stack of the composer. */
const maxDepth = 64
/** 1,000 users make about 60,000; beyond this a hostile file costs seconds. */
const maxLexemes = 250_000

/** Parses YAML 1.2 (core schema, one document); throws TmgenErrors `config-syntax`, all that were found, in order of place. */
export function parseYaml(source: Source): YamlDocument.Parsed {
  const composer = new Composer({
    schema: 'core',
    strict: true,
    // Checked in plain.ts: the check of the package takes quadratic time.
    uniqueKeys: false,
    stringKeys: true,
    prettyErrors: false,
  })
  const [document, second] = [...composer.compose(tokens(source), true, source.text.length)]
  if (!document) throw new Error('the YAML composer gave no document')
  const faults = [...document.errors, ...document.warnings].map((e) =>
    fault(source, e.pos[0], (e.message.split('\n')[0] ?? '').trim()),
  )
  if (second) {
    faults.push(
      fault(source, second.range[0], 'a second YAML document starts here', 'keep one document; delete the --- line'),
    )
  }
  if (faults.length > 0) throw new TmgenErrors(sortByPlace(faults))
  return document
}

function tokens(source: Source) {
  const parser = new Parser()
  const found = []
  let count = 0
  for (const lexeme of new Lexer().lex(source.text)) {
    found.push(...parser.next(lexeme))
    if (parser.stack.length > maxDepth) {
      throw new TmgenErrors([fault(source, parser.offset, `is nested more than ${maxDepth} deep`)])
    }
    if (++count > maxLexemes) throw new TmgenErrors([fault(source, parser.offset, 'holds too many values')])
  }
  found.push(...parser.end())
  return found
}

function fault(source: Source, offset: number, message: string, hint?: string): TmgenError {
  return new TmgenError('config-syntax', message, {
    place: source.place(Math.min(offset, source.text.length)),
    ...(hint === undefined ? {} : { hint }),
  })
}

/** Errors with a place first, by line and column; equal places keep their order. */
export function sortByPlace(errors: readonly TmgenError[]): TmgenError[] {
  const line = (e: TmgenError): number => e.place?.line ?? Number.POSITIVE_INFINITY
  return [...errors].sort(
    (a, b) => (line(a) === line(b) ? 0 : line(a) - line(b)) || (a.place?.column ?? 0) - (b.place?.column ?? 0),
  )
}
