import { findNodeAtLocation, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser'
import type { z } from 'zod'
import { readText, type Source } from '../config/read.ts'
import { TmgenError, TmgenErrors } from '../errors.ts'
import { migrate } from '../migration.ts'
import { checkLock, type LockFault } from './check-lock.ts'
import { formatLock, lockSchema } from './lock.ts'
import { lockFormat } from './lock-format.ts'
import type { Lock } from './types.ts'

/** 1,000 users make 0.3 MiB; removed ones stay. */
const maxLockBytes = 8 * 1024 ** 2
/** JSON nested deeper than this is no lock, and would exhaust the stack of the parser. */
const maxDepth = 32

const restore = 'restore it from git or a backup; do not edit it by hand'

/** A lock in today's format, and the version of the format that the file has. */
export interface ReadLock {
  lock: Lock
  version: number
}

/** As readLock; the lock alone. */
export const parseLock = (bytes: Uint8Array, file: string): Lock => readLock(bytes, file).lock

/**
 * Reads tmgen.lock.json, older formats too. Throws TmgenErrors `lock-invalid` with places: no JSON, wrong shape, a newer
 * version, a number dealt twice.
 */
export function readLock(bytes: Uint8Array, file: string): ReadLock {
  const source = readText(bytes, file, 'lock-invalid', maxLockBytes)
  const { data, version } = inTodaysFormat(parseJson(source), source)
  const result = lockSchema.safeParse(data)
  if (!result.success) throw invalid(source, result.error.issues.flatMap(faultsOf))
  const faults = checkLock(result.data)
  if (faults.length > 0) throw invalid(source, faults)
  // JSON.parse silently takes the last of two equal keys; a file as we write it has none.
  if (formatLock(result.data) !== source.text) refuseDuplicates(source)
  return { lock: result.data, version }
}

function inTodaysFormat(data: unknown, source: Source): { data: unknown; version: number } {
  const found = (data as { version?: unknown } | null)?.version
  const { version } = lockFormat
  // What else is wrong with it says the schema.
  if (typeof found !== 'number' || found === version) return { data, version }
  const refuse = (message: string, hint: string) => invalid(source, [{ path: ['version'], message }], hint)
  if (found > version)
    throw refuse(
      `the file is of version ${found}, made by a newer tmgen; this one knows version ${version}`,
      'upgrade tmgen',
    )
  const migrated = tryMigrate(data as Record<string, unknown>, found)
  if (migrated === undefined) throw refuse(`the file is of version ${found}, which this tmgen cannot read`, restore)
  return { data: { ...migrated, version }, version: found }
}

/** undefined also where the content is not of the version that it claims. */
function tryMigrate(data: Record<string, unknown>, found: number): Record<string, unknown> | undefined {
  try {
    return migrate(lockFormat, found, data)
  } catch {
    return undefined
  }
}

function faultsOf(issue: z.core.$ZodIssue): LockFault[] {
  const path = issue.path as LockFault['path']
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: [...path, key], message: 'is an unknown key' }))
  // Our own messages start with a verb, zod's with a capital.
  const own = /^[a-z]/.test(issue.message)
  return [{ path, message: own ? issue.message : `is wrong: ${issue.message.replace(/^Invalid \w+: /, '')}` }]
}

function parseJson(source: Source): unknown {
  try {
    return JSON.parse(source.text)
  } catch {
    throw syntaxError(source)
  }
}

function syntaxError(source: Source): TmgenErrors {
  const errors: ParseError[] = []
  if (!tooDeep(source.text)) parseTree(source.text, errors, { disallowComments: true, allowEmptyContent: false })
  const [first] = errors
  const what = first
    ? printParseErrorCode(first.error)
        .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
        .toLowerCase()
    : 'nested too deep'
  return new TmgenErrors([
    new TmgenError('lock-invalid', `the file is not valid JSON: ${what}`, {
      place: source.place(first?.offset ?? 0),
      hint: restore,
    }),
  ])
}

/** A rough count that also takes brackets in strings for nesting: a lock has none there. */
function tooDeep(text: string): boolean {
  let depth = 0
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    depth += bracket === '[' || bracket === '{' ? 1 : -1
    if (depth > maxDepth) return true
  }
  return false
}

function invalid(source: Source, faults: readonly LockFault[], hint = restore): TmgenErrors {
  const tree = tooDeep(source.text) ? undefined : parseTree(source.text)
  return new TmgenErrors(
    faults.slice(0, 100).map(({ path, message }) => {
      let node = tree
      for (let end = path.length; end > 0 && tree; end--) {
        node = findNodeAtLocation(tree, path.slice(0, end))
        if (node) break
      }
      const where = path.length > 0 && path[0] !== 'version' ? `${path.join('.')} ` : ''
      return new TmgenError('lock-invalid', where + message, { place: source.place((node ?? tree)?.offset ?? 0), hint })
    }),
  )
}

function refuseDuplicates(source: Source): void {
  const twice: { key: string; offset: number }[] = []
  const visit = (node: ReturnType<typeof parseTree>): void => {
    const seen = new Set<string>()
    for (const child of node?.children ?? []) {
      const key = node?.type === 'object' ? child.children?.[0] : undefined
      if (key && seen.has(key.value)) twice.push({ key: key.value, offset: key.offset })
      if (key) seen.add(key.value)
      visit(child)
    }
  }
  visit(parseTree(source.text))
  if (twice.length === 0) return
  throw new TmgenErrors(
    twice.map(
      ({ key, offset }) =>
        new TmgenError('lock-invalid', `the key "${key}" stands twice`, {
          place: source.place(offset),
          hint: restore,
        }),
    ),
  )
}
