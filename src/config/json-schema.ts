import { z } from 'zod'
import { configSchema } from './schema.ts'

/** The part of JSON Schema (draft 7) that comes out of the config schema. */
export interface JsonSchema {
  type?: string
  /** The form of a text, in words. */
  title?: string
  description?: string
  default?: unknown
  const?: unknown
  enum?: unknown[]
  pattern?: string
  minimum?: number
  maximum?: number
  minItems?: number
  properties?: Record<string, JsonSchema>
  patternProperties?: Record<string, JsonSchema>
  required?: string[]
  additionalProperties?: boolean
  items?: JsonSchema
  oneOf?: JsonSchema[]
}

let cached: JsonSchema | undefined

/** JSON Schema of tmgen.yaml as written (defaults not filled in), `x-` keys free at every level. Draft 7: what editors know. */
export function jsonSchema(): JsonSchema {
  if (cached) return cached
  const made = z.toJSONSchema(configSchema, {
    io: 'input',
    target: 'draft-7',
    override: ({ jsonSchema: part }) => {
      if (part.type === 'object') part.patternProperties = { '^x-': {} }
    },
  })
  cached = made as JsonSchema
  return cached
}

/** The text of generated/tmgen.schema.json. */
export function configJsonSchema(): string {
  const { $schema, ...rest } = jsonSchema() as JsonSchema & { $schema?: string }
  return `${JSON.stringify({ $schema, $id: 'urn:tmgen:config:1', title: 'tmgen.yaml', ...rest }, null, 2)}\n`
}

/** The schema that governs a path of `data`: of a union, the branch that the data's own discriminator picks. */
export function schemaAt(path: readonly PropertyKey[], data: unknown): JsonSchema | undefined {
  let schema: JsonSchema | undefined = branch(jsonSchema(), data)
  let value = data
  for (const step of path) {
    value = typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[step] : undefined
    const next: JsonSchema | undefined = typeof step === 'number' ? schema?.items : schema?.properties?.[String(step)]
    schema = next && branch(next, value)
  }
  return schema
}

function branch(schema: JsonSchema, value: unknown): JsonSchema {
  if (!schema.oneOf) return schema
  const fits = (option: JsonSchema): boolean =>
    Object.entries(option.properties ?? {}).some(
      ([key, part]) =>
        part.const !== undefined &&
        typeof value === 'object' &&
        (value as Record<string, unknown> | null)?.[key] === part.const,
    )
  return schema.oneOf.find(fits) ?? schema
}
