import { z } from 'zod'
import { TmgenError } from '../errors.ts'
import {
  bareName,
  checkVersion,
  findUser,
  keyInfo,
  keySchema,
  keysSchema,
  loginNames,
  mintedKey,
  nodeInfo,
  nodesSchema,
  userSchema,
  usersSchema,
} from './headscale-json.ts'
import type { Http } from './http.ts'
import { allFeatures, type PolicyFeatures, type Provider } from './types.ts'

const nothing = z.unknown()
/** Expiring by id came with 0.28: the mark of an API new enough, where a build names no version. */
const swagger = z.object({
  definitions: z.object({ v1ExpirePreAuthKeyRequest: z.object({ properties: z.object({ id: z.unknown() }) }) }),
})

/** A Headscale server of one's own, through its REST API v1. `now` dates the keys' expiry. */
export function headscaleProvider(http: Http, now: () => Date): Provider {
  const users = async () => {
    const schema = z.object({ users: usersSchema })
    return (await http({ method: 'GET', path: '/api/v1/user', schema })).value.users
  }
  const mint = async (what: { aclTags: string[] } | { user: string }, expirySeconds: number) => {
    const expiration = new Date(now().getTime() + expirySeconds * 1000).toISOString()
    const json = { ...what, reusable: false, ephemeral: false, expiration }
    const schema = z.object({ preAuthKey: keySchema })
    return mintedKey((await http({ method: 'POST', path: '/api/v1/preauthkey', json, schema })).value.preAuthKey)
  }
  return {
    kind: 'headscale',
    check: async () => {
      const version = await serverVersion(http)
      await users()
      return { server: 'Headscale', version }
    },
    listUsers: async () => loginNames(await users()),
    createUser: async (name) => {
      await http({
        method: 'POST',
        path: '/api/v1/user',
        json: { name: bareName(name) },
        schema: z.object({ user: userSchema }),
      })
    },
    listKeys: async () => {
      const schema = z.object({ preAuthKeys: keysSchema })
      return (await http({ method: 'GET', path: '/api/v1/preauthkey', schema })).value.preAuthKeys.map(keyInfo)
    },
    mintNodeKey: ({ tag, expirySeconds }) => mint({ aclTags: [tag] }, expirySeconds),
    mintJoinKey: async ({ user, expirySeconds }) => mint({ user: findUser(await users(), user).id }, expirySeconds),
    expireKey: async (id) => {
      await http({ method: 'POST', path: '/api/v1/preauthkey/expire', json: { id }, schema: nothing })
    },
    deleteNode: async (id) => {
      const path = `/api/v1/node/${encodeURIComponent(id)}`
      const onRefusal = ({ status, message }: { status: number; message: string }) =>
        status === 404 || /node not found/i.test(message) ? { value: undefined } : undefined
      await http({ method: 'DELETE', path, schema: nothing, onRefusal })
    },
    renameNode: async (id, name) => {
      const path = `/api/v1/node/${encodeURIComponent(id)}/rename/${encodeURIComponent(name)}`
      await http({ method: 'POST', path, schema: nothing })
    },
    tagNode: async (id, tags) => {
      const path = `/api/v1/node/${encodeURIComponent(id)}/tags`
      await http({ method: 'POST', path, json: { tags }, schema: nothing })
    },
    listNodes: async () => {
      const schema = z.object({ nodes: nodesSchema })
      const { value } = await http({ method: 'GET', path: '/api/v1/node', schema })
      return value.nodes.map((node) => nodeInfo(node))
    },
    readPolicy: async () => {
      const { value } = await http({
        method: 'GET',
        path: '/api/v1/policy',
        schema: z.object({ policy: z.string() }),
        onRefusal: ({ status, message }) => {
          return status >= 500 && message.includes('acl policy not found') ? { value: { policy: '' } } : undefined
        },
      })
      return value.policy.trim() === '' ? undefined : { text: value.policy, etag: undefined }
    },
    policyFeatures: () => policyFeatures(http),
    checkPolicy: async (text) => {
      // A server before 0.29 has no such call; setting a policy judges it there too.
      const onRefusal = ({ status }: { status: number }) =>
        status === 404 || status === 405 || status === 501 ? { value: undefined } : undefined
      await http({ method: 'POST', path: '/api/v1/policy/check', json: { policy: text }, schema: nothing, onRefusal })
    },
    writePolicy: async ({ text }) => {
      await http({
        method: 'PUT',
        path: '/api/v1/policy',
        json: { policy: text },
        schema: nothing,
        onRefusal: ({ status, message }) => {
          if (status < 500 || !message.includes('update is disabled')) return undefined
          return new TmgenError('control-refused', 'Headscale takes its policy from a file', {
            hint: 'set policy.mode: database in its configuration, or put the rules of `tmgen policy show` in that file',
          })
        },
      })
    },
  }
}

/** Grants and tests came with 0.29, together with the call that checks a policy. */
async function policyFeatures(http: Http): Promise<PolicyFeatures> {
  const old: PolicyFeatures = { grants: false, tests: false }
  const { value } = await http({
    method: 'GET',
    path: '/version',
    schema: z.object({ version: z.string() }),
    anonymous: true,
    // 0.26 has no such page.
    onRefusal: ({ status }) => (status === 404 ? { value: { version: '0.26' } } : undefined),
  })
  const match = /^v?(\d+)\.(\d+)/.exec(value.version)
  if (match !== null) return Number(match[1]) > 0 || Number(match[2]) >= 29 ? allFeatures : old
  const schema = z.object({ paths: z.record(z.string(), z.unknown()) })
  const api = await http({ method: 'GET', path: '/swagger/v1/openapiv2.json', schema, anonymous: true })
  return '/api/v1/policy/check' in api.value.paths ? allFeatures : old
}

async function serverVersion(http: Http): Promise<string | undefined> {
  const { value } = await http({
    method: 'GET',
    path: '/version',
    schema: z.object({ version: z.string() }),
    anonymous: true,
    onRefusal: ({ status }) => (status === 404 ? { value: { version: '0.26 or older' } } : undefined),
  })
  const version = checkVersion(value.version)
  if (version === undefined) {
    await http({ method: 'GET', path: '/swagger/v1/openapiv2.json', schema: swagger, anonymous: true })
  }
  return version
}
