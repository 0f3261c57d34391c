import { isDeepStrictEqual } from 'node:util'
import { parse } from 'yaml'
import { TmgenError } from '../errors.ts'

/**
 * Reads a rendered text back and throws TmgenError `render` when it does not parse or says something else than
 * `expected`. YAML is read as Go programs read it: YAML 1.1 has `<<` and the wider set of booleans.
 */
export function verify(path: string, format: 'yaml' | 'json', text: string, expected: unknown): void {
  let found: unknown
  try {
    // The keys come from an object, so that none is there twice; the check for it takes n² time.
    found = format === 'json' ? JSON.parse(text) : parse(text, { version: '1.1', uniqueKeys: false, maxAliasCount: -1 })
  } catch (cause) {
    throw new TmgenError('render', `${path} does not parse: ${(cause as Error).message}`, { cause })
  }
  if (!isDeepStrictEqual(found, expected)) throw new TmgenError('render', `${path} reads back as something else`)
}
