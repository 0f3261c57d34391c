import type { ServerResponse } from 'node:http'
import { z } from 'zod'
import { send } from './answers.ts'
import type { Route } from './server.ts'
import type { Credential, State, StoredKey } from './state.ts'

const ninetyDays = 90 * 24 * 3600
const createSchema = z.object({
  keyType: z.enum(['', 'auth']).optional(),
  description: z.string().default(''),
  expirySeconds: z.number().int().default(0),
  capabilities: z.object({
    devices: z.object({
      create: z.object({
        reusable: z.boolean().default(false),
        ephemeral: z.boolean().default(false),
        preauthorized: z.boolean().default(false),
        tags: z
          .array(z.string())
          .nullish()
          .transform((tags) => tags ?? []),
      }),
    }),
  }),
})

/** /keys and /keys/ID. The list holds ids and descriptions only, as the real one may. */
export const keyRoutes: Route = (request, response, state) => {
  const match = /^\/keys(?:\/([^/]+))?$/.exec(request.path)
  if (match === null) return false
  if (!request.credential.scopes.includes('auth_keys')) {
    send(response, 403, { message: 'calling actor does not have enough permissions to perform this function' })
    return true
  }
  const key = state.keys.get(match[1] ?? '')
  if (match[1] === undefined && request.method === 'GET') {
    // The keys of an OAuth client belong to the tailnet: without all=true only a person's own are listed.
    const all = request.query.get('all') === 'true' || request.credential.tags !== undefined
    const keys = all ? [...state.keys.values()].map(({ id, description }) => ({ id, description })) : []
    send(response, 200, { keys })
  } else if (match[1] === undefined && request.method === 'POST') {
    create(request.body, request.credential, response, state)
  } else if (key === undefined) {
    send(response, 404, { message: 'key not found' })
  } else if (request.method === 'DELETE') {
    state.keys.delete(key.id)
    response.writeHead(200).end()
  } else {
    send(response, 200, shown(key))
  }
  return true
}

function create(body: string, credential: Credential, response: ServerResponse, state: State): ServerResponse {
  const parsed = createSchema.safeParse(JSON.parse(body))
  if (!parsed.success) return send(response, 400, { message: 'invalid request body' })
  const { description, expirySeconds, capabilities } = parsed.data
  const { tags, ...flags } = capabilities.devices.create
  if (!/^[A-Za-z0-9 -]{0,50}$/.test(description)) return send(response, 400, { message: 'invalid description' })
  if (expirySeconds > ninetyDays) return send(response, 400, { message: 'expirySeconds must be at most 7776000' })
  if (!tags.every((tag) => permitted(tag, credential, state)) || (credential.tags !== undefined && tags.length === 0)) {
    return send(response, 400, { message: `requested tags [${tags.join(' ')}] are invalid or not permitted` })
  }
  const id = `k${state.next++}CNTRL`
  const now = Date.now()
  const expires = new Date(now + (expirySeconds || ninetyDays) * 1000).toISOString()
  const key: StoredKey = { id, description, created: new Date(now).toISOString(), expires, tags, ...flags }
  state.keys.set(id, key)
  return send(response, 200, { ...shown(key), key: `tskey-auth-${id}-stand-in` })
}

/** A person's key may use each tag of the policy; an OAuth client its own tags and those that they own. */
export function permitted(tag: string, credential: Credential, state: State): boolean {
  const owners = state.tagOwners[tag]
  if (owners === undefined) return false
  return credential.tags === undefined || credential.tags.some((own) => own === tag || owners.includes(own))
}

function shown({ id, description, created, expires, ...create }: StoredKey) {
  return { id, keyType: 'auth', description, created, expires, capabilities: { devices: { create } } }
}
