import { z } from 'zod'
import { reportJsonSchema } from '../report/index.ts'
import { userJsonSchema } from './past.ts'

function json(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    // A format says it in a word.
    override: ({ jsonSchema }) => {
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern
    },
  })
  return rest
}
const answer = (description: string, type: string, schema: object) => ({
  description,
  content: { [type]: { schema } },
})
const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` })
const early = { description: 'The monitor has not reported yet' }

/** The API behind a person's own page. */
export function ownApi(): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'tmgen monitor',
      version: '1',
      description: 'How your backups do. Read-only. Times are RFC 3339 in UTC, sizes bytes.',
    },
    paths: {
      '/api/v1/me': {
        get: {
          summary: 'Your Macs, with what was',
          responses: { 200: answer('How your backups do', 'application/json', reference('User')), 503: early },
        },
      },
    },
    components: { schemas: { User: json(userJsonSchema) } },
  }
}

/** The API behind the operator's page, made from the schemas that its answers follow. */
export function openApi(): object {
  const text = { type: 'string' }
  return {
    openapi: '3.1.0',
    info: {
      title: 'tmgen monitor',
      version: '1',
      description:
        'How everybody’s backups do. Read-only, on a unix socket: state/page/operator.sock in the workspace. Times are RFC 3339 in UTC, sizes bytes.',
    },
    paths: {
      '/api/v1/overview': {
        get: {
          summary: 'Everybody, as in tmgen monitor show --json',
          responses: { 200: answer('How everybody does', 'application/json', reference('Overview')), 503: early },
        },
      },
      '/api/v1/users/{user}': {
        get: {
          summary: 'One person, with what was',
          parameters: [{ name: 'user', in: 'path', required: true, schema: text, description: 'Name in tmgen.yaml' }],
          responses: {
            200: answer('How the person does', 'application/json', reference('User')),
            404: { description: 'There is no such person' },
            503: early,
          },
        },
      },
      '/metrics': {
        get: { summary: 'For Prometheus', responses: { 200: answer('Metrics', 'text/plain', text), 503: early } },
      },
    },
    components: { schemas: { Overview: json(reportJsonSchema), User: json(userJsonSchema) } },
  }
}
