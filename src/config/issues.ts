import { closest, distance } from 'fastest-levenshtein'
import type { z } from 'zod'
import type { TmgenError } from '../errors.ts'
import { configFormat } from './config-format.ts'
import { makeError, splitHint } from './fault.ts'
import { schemaAt } from './json-schema.ts'
import type { Path, Places } from './places.ts'
import { checkQuota } from './rules.ts'
import { secretHint } from './slips.ts'

type Issue = z.core.$ZodIssue

/** `users[0].macs[1].quota`, as people write paths; the top level is `the file`. */
export function showPath(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'the file'
  return path.map((step, i) => (typeof step === 'number' ? `[${step}]` : `${i > 0 ? '.' : ''}${String(step)}`)).join('')
}

/** One fault a place: of what is wrong in its type or form already, the rest says nothing more. Unknown keys are all told. */
export function firstOfEach(issues: readonly Issue[]): Issue[] {
  const seen = new Set<string>()
  return issues.filter((issue) => {
    if (issue.code === 'unrecognized_keys') return true
    const path = JSON.stringify(issue.path)
    if (seen.has(path)) return false
    seen.add(path)
    return true
  })
}

/** Turns what zod found in `data` into errors with places and hints. */
export function fromIssues(issues: readonly Issue[], data: unknown, places: Places): TmgenError[] {
  return firstOfEach(issues).flatMap((issue) => {
    const path = issue.path as Path
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(key, path, data, places))
    const [message, hint] = explain(issue, path, data)
    const usual = schemaAt(path, data)?.description
    const secret = secretHint(path, valueAt(path, data), data)
    return [makeError('config-invalid', `${showPath(path)} ${message}`, places.of(path), secret ?? hint ?? usual)]
  })
}

/** What is wrong with the value at a path, and what to do. */
function explain(issue: Issue, path: Path, data: unknown): [string, string | undefined] {
  const value = valueAt(path, data)
  const allowed = allowedValues(issue)
  const newest = configFormat.version
  if (path.length === 1 && path[0] === 'version' && typeof value === 'number' && value > newest)
    return [
      `is ${value}, of a newer tmgen; this one knows version ${newest}`,
      'install the tmgen that wrote it, or a newer one',
    ]
  if (value === undefined) return ['is missing', allowed ? `one of ${allowed.join(', ')}` : undefined]
  if (allowed?.length === 1) return [`must be ${allowed[0]}`, undefined]
  if (allowed) return [`must be one of ${allowed.join(', ')}`, nearest(value, allowed)]

  const { minimum, maximum } = schemaAt(path, data) ?? {}
  const range = minimum === undefined ? undefined : `${minimum} to ${maximum}`
  const own = splitHint(issue.message)
  if (issue.code === 'invalid_type' && own[1] === undefined) return wrongType(issue.expected, value, path)
  if (issue.code === 'too_small') {
    return issue.origin === 'array' ? ['must not be empty', undefined] : [`must be at least ${issue.minimum}`, range]
  }
  if (issue.code === 'too_big') {
    const what = issue.origin === 'string' ? `must have at most ${issue.maximum} characters` : undefined
    return [what ?? `must be at most ${issue.maximum}`, range]
  }
  return own
}

function unknownKey(key: string, path: Path, data: unknown, places: Places): TmgenError {
  const known = Object.keys(schemaAt(path, data)?.properties ?? {})
  const message = `unknown key "${key}"${path.length > 0 ? ` in ${showPath(path)}` : ''}`
  const hint =
    secretHint([...path, key], undefined, data) ??
    nearest(key, known) ??
    `known keys here: ${known.join(', ')}; keys that start with x- are free`
  return makeError('config-invalid', message, places.ofKey([...path, key]), hint)
}

/** The one that was probably meant: at most 2 slips away, or a third of a longer word. */
export function nearest(value: unknown, known: readonly string[]): string | undefined {
  // The cap keeps a hostile key of a megabyte from costing seconds.
  if (typeof value !== 'string' || value.length > 64 || known.length === 0) return undefined
  const near = closest(value.toLowerCase(), known)
  const limit = Math.max(2, Math.floor(near.length / 3))
  return distance(value.toLowerCase(), near) <= limit ? `did you mean ${near}?` : undefined
}

function allowedValues(issue: Issue): string[] | undefined {
  if (issue.code === 'invalid_value') return issue.values.map(String)
  if (issue.code === 'invalid_union' && 'options' in issue && Array.isArray(issue.options))
    return issue.options.map(String)
  return undefined
}

const typeNames: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping (key: value)',
}

function wrongType(expected: string, value: unknown, path: Path): [string, string | undefined] {
  const key = path.at(-1)
  const isQuota = key === 'quota' || key === 'memory' || key === 'bytes'
  // YAML reads an unquoted 0, -5 or 1.5 as a number: say what is wrong with the quota, not with its type.
  if (isQuota && typeof value === 'number') return [checkQuota(String(value)) ?? 'is no quota', undefined]
  const message = `must be ${typeNames[expected] ?? expected}, not ${describe(value)}`
  const scalar = typeof value === 'number' || typeof value === 'boolean'
  if (expected === 'string' && scalar && !isQuota) return [message, `quote it: "${value}"`]
  if (expected === 'array' && (scalar || typeof value === 'string')) return [message, `write a list: [${value}]`]
  return [message, undefined]
}

function describe(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a mapping'
  return typeof value === 'string' ? 'text' : String(value)
}

function valueAt(path: Path, data: unknown): unknown {
  let value = data
  for (const step of path) value = (value as Record<string | number, unknown> | undefined | null)?.[step]
  return value
}
