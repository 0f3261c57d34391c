import { type JsonSchema, jsonSchema } from './json-schema.ts'

/** docs/reference/config.md: every key with type, default and meaning, from the schema. */
export function configReference(): string {
  const sections: string[] = []
  collect('', jsonSchema(), sections)
  return [
    '# tmgen.yaml',
    '',
    'Every key, its type, its default and what it means. This page is made from the schema that tmgen checks the file with.',
    '',
    'Unknown keys are errors. Keys that start with `x-` are free at every level. Aliases (`*name`) are not allowed.',
    'A file has at most 1 MiB, one YAML document, and is UTF-8.',
    '',
    ...sections,
  ].join('\n')
}

function collect(path: string, schema: JsonSchema, sections: string[]): void {
  const title = path === '' ? 'Top level' : `\`${path}\``
  sections.push(`## ${title}`, '')
  if (path !== '' && schema.description) sections.push(`${schema.description}.`, '')
  const discriminator =
    schema.oneOf &&
    Object.keys(schema.oneOf[0]?.properties ?? {}).find((k) => schema.oneOf?.[0]?.properties?.[k]?.const !== undefined)
  for (const option of schema.oneOf ?? [schema]) {
    const own = discriminator === undefined ? undefined : option.properties?.[discriminator]
    if (own && discriminator !== undefined) {
      sections.push(`### \`${discriminator}: ${String(own.const)}\``, '', `${own.description ?? ''}.`, '')
    }
    sections.push('| key | type | default | meaning |', '| --- | --- | --- | --- |')
    for (const [key, part] of Object.entries(option.properties ?? {})) {
      const value = part.default !== undefined ? code(part.default) : option.required?.includes(key) ? 'required' : ''
      sections.push(
        `| \`${key}\` | ${typeOf(part)} | ${value} | ${cell(part.description ?? part.items?.description ?? '')} |`,
      )
    }
    sections.push('')
  }
  for (const option of schema.oneOf ?? [schema]) {
    for (const [key, part] of Object.entries(option.properties ?? {})) {
      const below = path === '' ? key : `${path}.${key}`
      if (part.properties || part.oneOf) collect(below, part, sections)
      else if (part.items?.properties)
        collect(
          `${below}[]`,
          { ...part.items, ...(part.description ? { description: part.description } : {}) },
          sections,
        )
    }
  }
}

function typeOf(schema: JsonSchema): string {
  if (schema.const !== undefined) return code(schema.const)
  if (schema.enum) return schema.enum.map(code).join(' or ')
  if (schema.oneOf || schema.properties) return 'mapping'
  if (schema.type === 'array')
    return schema.items?.properties ? 'list of mappings' : `list of ${typeOf(schema.items ?? {})}`
  if (schema.type === 'integer') {
    return schema.minimum !== undefined ? `whole number, ${schema.minimum} to ${schema.maximum}` : 'whole number'
  }
  if (schema.title !== undefined) return schema.title
  return schema.type === 'boolean' ? '`true` or `false`' : 'text'
}

function code(value: unknown): string {
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
