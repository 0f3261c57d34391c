import { Composer, type ErrorCode, Lexer, Parser, type Document as YamlDocument } from 'yaml'
import { type TmgenError, TmgenErrors } from '../errors.ts'
import { makeError, sortByPlace } from './fault.ts'
import type { Source } from './read.ts'

/** tmgen.yaml nests 5 deep; `x-` keys may go further. Deeper input would exhaust the stack of the composer. */
const maxDepth = 64
/** 1,000 users make about 60,000; beyond this a hostile file costs seconds. */
const maxLexemes = 250_000

/** One slip can make an error of each token behind it. */
const mostFaults = 100

const notOurs = 'this does not look like a file for tmgen'
const usualHint = 'look at the indentation, brackets and quotes here and just above'
const hints: Partial<Record<ErrorCode, string>> = {
  TAB_AS_INDENT: 'indent with spaces',
  TAG_RESOLVE_FAILED: 'leave the tag out, or quote the value',
  NON_STRING_KEY: 'quote the key',
  BAD_DQ_ESCAPE: 'write \\\\ for a backslash, or use single quotes',
}

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
  const faults = [...document.errors, ...document.warnings]
    .slice(0, mostFaults)
    .map((e) => fault(source, e.pos[0], (e.message.split('\n')[0] ?? '').trim(), hints[e.code] ?? usualHint))
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
      throw new TmgenErrors([fault(source, parser.offset, `the file is nested more than ${maxDepth} deep`, notOurs)])
    }
    if (++count > maxLexemes)
      throw new TmgenErrors([fault(source, parser.offset, 'the file holds too many values', notOurs)])
  }
  found.push(...parser.end())
  return found
}

function fault(source: Source, offset: number, message: string, hint: string): TmgenError {
  // An end that is missing is noticed at the end of the file: show the last line that has text.
  return makeError('config-syntax', message, source.place(Math.min(offset, source.text.trimEnd().length)), hint)
}
