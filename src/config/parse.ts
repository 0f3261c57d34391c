import type { z } from 'zod'
import { type Place, type TmgenError, TmgenErrors } from '../errors.ts'
import { migrate } from '../migration.ts'
import { checkParts, type Parts } from './check.ts'
import { configFormat } from './config-format.ts'
import { makeError, sortByPlace } from './fault.ts'
import { fromIssues } from './issues.ts'
import { makePlaces, type Path, type Places } from './places.ts'
import { toPlain } from './plain.ts'
import { readText } from './read.ts'
import { type Config, configSchema, userSchema } from './schema.ts'
import { parseYaml } from './yaml.ts'

/** tmgen.yaml as it was read: the config with defaults filled in, the text for edits, places for errors. */
export interface ParsedConfig {
  config: Config
  text: string
  file: string
  /** Of a file in an older format: its version, and its bytes as text. `text` is then what it becomes. */
  older?: { version: number; text: string }
  /** Place of a value; of what stands around it where the path is not written in the file. */
  placeOf(path: Path): Place
  /** Nodes and keys, for edits. */
  readonly places: Places
}

/** 1,000 users need about 0.2 MiB. */
export const maxConfigBytes = 1024 ** 2

/**
 * Reads tmgen.yaml, older formats too. Depends on the bytes alone. Throws TmgenErrors with everything that is wrong, sorted by place:
 * `config-syntax` (no UTF-8, no YAML), else `config-invalid`, `capacity` and `storage` together.
 */
export function parseConfig(bytes: Uint8Array, file: string, format = configFormat): ParsedConfig {
  const source = readText(bytes, file, 'config-syntax', maxConfigBytes)
  const document = parseYaml(source)
  const places = makePlaces(document, source)
  const errors: TmgenError[] = []
  const data = toPlain(document.contents, source, errors)
  if (errors.length > 0) throw new TmgenErrors(sortByPlace(errors))
  if (data === undefined) {
    throw new TmgenErrors([
      makeError('config-invalid', 'the file is empty', source.place(0), 'tmgen init writes a fresh one'),
    ])
  }
  const older = olderVersion(data)
  const migrated = older === undefined ? undefined : migrate(format, older, source.text)
  if (older !== undefined && migrated !== undefined) {
    // Without steps: what they give is today's, or refused.
    const parsed = parseConfig(new TextEncoder().encode(migrated), file, { ...format, migrations: [] })
    return { ...parsed, older: { version: older, text: source.text } }
  }
  const result = configSchema.safeParse(data)
  if (!result.success) errors.push(...fromIssues(result.error.issues, data, places))
  errors.push(...checkParts(result.success ? wholeParts(result.data) : validParts(data), places))
  if (!result.success || errors.length > 0) throw new TmgenErrors(sortByPlace(errors))
  return { config: result.data, text: source.text, file, placeOf: places.of, places }
}

/** The version of a config that is in an older format than today's. */
function olderVersion(data: unknown): number | undefined {
  const version = (data as { version?: unknown } | null)?.version
  return Number.isInteger(version) && (version as number) < configFormat.version ? (version as number) : undefined
}

function wholeParts(config: Config): Parts {
  return { ...config, names: config.users.map((user) => user.name) }
}

/** What of an invalid config can still be cross-checked, so that all errors are shown at once. */
function validParts(data: unknown): Parts {
  const top = (typeof data === 'object' && data !== null ? data : {}) as Record<string, unknown>
  const valid = <T extends z.ZodType>(schema: T, value: unknown): z.output<T> | undefined => {
    const result = schema.safeParse(value)
    return result.success ? result.data : undefined
  }
  const { control, storage, network, gateway, monitor, dashboard } = configSchema.shape
  const entries: unknown[] = Array.isArray(top.users) ? top.users : []
  const nameOf = (entry: unknown): unknown => (entry as { name?: unknown } | null)?.name
  const parts: Parts = {
    users: entries.map((entry) => valid(userSchema, entry)),
    names: entries.map(nameOf).map((name) => (typeof name === 'string' ? name : undefined)),
  }
  const sections = {
    control: valid(control, top.control),
    storage: valid(storage, top.storage),
    network: valid(network, top.network),
    gateway: valid(gateway, top.gateway),
    monitor: valid(monitor, top.monitor),
    dashboard: valid(dashboard, top.dashboard),
  }
  return Object.assign(parts, Object.fromEntries(Object.entries(sections).filter(([, part]) => part !== undefined)))
}
