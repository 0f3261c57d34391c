import { closest, distance } from 'fastest-levenshtein'
import type { z } from 'zod'
import { TmgenError } from '../errors.ts'
import { schemaAt } from './json-schema.ts'
import type { Path, Places } from './places.ts'
import { checkQuota } from './rules.ts'

type Issue = z.core.$ZodIssue

/** `users[0].macs[1].quota`, as people write paths; the top level is `the file`. */
export function showPath(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'the file'
  return path.map((step, i) => (typeof step === 'number' ? `[${step}]` : `${i > 0 ? '.' : ''}${String(step)}`)).join('')
}

/** Turns what zod found in `data` into errors with places. */
export function fromIssues(issues: readonly Issue[], data: unknown, places: Places): TmgenError[] {
  return issues.flatMap((issue) => fromIssue(issue, data, places))
}

function fromIssue(issue: Issue, data: unknown, places: Places): TmgenError[] {
  const path = issue.path as Path
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey(key, path, data, places))
  }
  const invalid = (message: string, hint?: string): TmgenError[] => [
    new TmgenError('config-invalid', `${showPath(path)} ${message}`, {
      place: places.of(path),
      ...(hint === undefined ? {} : { hint }),
    }),
  ]
  const value = valueAt(path, data)
  if (value === undefined) {
    const about = schemaAt(path, data)
    const values = allowedValues(issue)
    const hint = values ? `one of ${values.join(', ')}` : about?.description
    return [
      new TmgenError('config-invalid', `${showPath(path)} is missing`, {
        place: places.of(path),
        ...(hint === undefined ? {} : { hint }),
      }),
    ]
  }
  const values = allowedValues(issue)
  if (values)
    return invalid(
      values.length === 1 ? `must be ${values[0]}` : `must be one of ${values.join(', ')}`,
      nearest(value, values),
    )
  if (issue.code === 'invalid_type')
    return invalid(wrongType(issue.expected, value, path), quoteHint(issue.expected, value, path))
  if (issue.code === 'too_small') {
    return invalid(issue.origin === 'array' ? 'must not be empty' : `must be at least ${issue.minimum}`)
  }
  if (issue.code === 'too_big') {
    return invalid(
      issue.origin === 'string' ? `must have at most ${issue.maximum} characters` : `must be at most ${issue.maximum}`,
    )
  }
  return invalid(issue.message)
}

function unknownKey(key: string, path: Path, data: unknown, places: Places): TmgenError {
  const known = Object.keys(schemaAt(path, data)?.properties ?? {})
  const near = nearest(key, known)
  const hint =
    near ?? (known.length > 0 ? `known keys here: ${known.join(', ')}; keys that start with x- are free` : undefined)
  return new TmgenError('config-invalid', `unknown key "${key}"${path.length > 0 ? ` in ${showPath(path)}` : ''}`, {
    place: places.ofKey([...path, key]),
    ...(hint === undefined ? {} : { hint }),
  })
}

/** The one that was probably meant: at most 2 slips away, or a third of a longer word. */
function nearest(value: unknown, known: readonly string[]): string | undefined {
  // The cap keeps a hostile key of a megabyte from costing seconds.
  if (typeof value !== 'string' || value.length > 64 || known.length === 0) return undefined
  const near = closest(value.toLowerCase(), known)
  return distance(value.toLowerCase(), near) <= Math.max(2, Math.floor(near.length / 3))
    ? `did you mean ${near}?`
    : undefined
}

function allowedValues(issue: Issue): string[] | undefined {
  if (issue.code === 'invalid_value') return issue.values.map(String)
  if (issue.code === 'invalid_union' && 'options' in issue && Array.isArray(issue.options))
    return issue.options.map(String)
  return undefined
}

function wrongType(expected: string, value: unknown, path: Path): string {
  // YAML reads an unquoted 0, -5 or 1.5 as a number: say what is wrong with the quota, not with its type.
  if (isQuota(path) && typeof value === 'number') return checkQuota(String(value)) ?? 'is no quota'
  const names: Record<string, string> = {
    string: 'text',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
    array: 'a list',
    object: 'a mapping (key: value)',
  }
  return `must be ${names[expected] ?? expected}, not ${describe(value)}`
}

const isQuota = (path: Path): boolean => path.at(-1) === 'quota' || path.at(-1) === 'memory'

function quoteHint(expected: string, value: unknown, path: Path): string | undefined {
  if (isQuota(path)) return undefined
  const scalar = typeof value === 'number' || typeof value === 'boolean'
  if (expected === 'string' && scalar) return `quote it: "${value}"`
  if (expected === 'array' && (scalar || typeof value === 'string')) return `write a list: [${value}]`
  return undefined
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
