import { z } from 'zod'
import { TmgenError } from '../errors.ts'
import { checkVersion, type HeadscaleServer, nodeGone, nodeOwner, readServer } from './headscale-features.ts'
import {
  bareName,
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
import type { Provider } from './types.ts'

const nothing = z.unknown()
/** A Headscale server of one's own, through its REST API v1. `now` dates the keys' expiry. */
export function headscaleProvider(http: Http, now: () => Date): Provider {
  const users = async () => {
    const schema = z.object({ users: usersSchema })
    return (await http({ method: 'GET', path: '/api/v1/user', schema })).value.users
  }
  let told: HeadscaleServer | undefined
  const server = async () => {
    told ??= await readServer(http)
    return told
  }
  const create = async (name: string) => {
    const schema = z.object({ user: userSchema })
    return (await http({ method: 'POST', path: '/api/v1/user', json: { name }, schema })).value.user
  }
  const keys = async () => {
    const { features } = await server()
    const schema = z.object({ preAuthKeys: keysSchema })
    const list = async (path: string) => (await http({ method: 'GET', path, schema })).value.preAuthKeys
    if (features.keys === 'byId') return list('/api/v1/preauthkey')
    const all = []
    for (const { id } of await users()) {
      for (const key of await list(`/api/v1/preauthkey?user=${id}`)) all.push({ ...key, owner: id })
    }
    return all
  }
  const mint = async (what: { aclTags?: string[]; user?: string }, expirySeconds: number) => {
    const expiration = new Date(now().getTime() + expirySeconds * 1000).toISOString()
    const json = { ...what, reusable: false, ephemeral: false, expiration }
    const schema = z.object({ preAuthKey: keySchema })
    return mintedKey((await http({ method: 'POST', path: '/api/v1/preauthkey', json, schema })).value.preAuthKey)
  }
  return {
    check: async () => {
      const { version } = await server()
      checkVersion(version)
      await users()
      return { server: 'Headscale', version }
    },
    listUsers: async () => loginNames(await users()),
    createUser: async (name) => {
      await create(bareName(name))
    },
    listKeys: async () => (await keys()).map(keyInfo),
    mintNodeKey: async ({ tag, expirySeconds }) => {
      const { features } = await server()
      if (features.keys === 'byId') return mint({ aclTags: [tag] }, expirySeconds)
      const owner = (await users()).find((user) => user.name === nodeOwner) ?? (await create(nodeOwner))
      return mint({ aclTags: [tag], user: owner.id }, expirySeconds)
    },
    mintJoinKey: async ({ user, expirySeconds }) => mint({ user: findUser(await users(), user).id }, expirySeconds),
    expireKey: async (id) => {
      const expire = (json: object) =>
        http({ method: 'POST', path: '/api/v1/preauthkey/expire', json, schema: nothing })
      if ((await server()).features.keys === 'byId') return void (await expire({ id }))
      const key = (await keys()).find((one) => one.id === id)
      if (key !== undefined && 'owner' in key) await expire({ user: key.owner, key: key.key })
    },
    deleteNode: async (id) => {
      const path = `/api/v1/node/${encodeURIComponent(id)}`
      const onRefusal = ({ status, message }: { status: number; message: string }) =>
        status === 404 || nodeGone.test(message) ? { value: undefined } : undefined
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
    policyFeatures: async () => {
      const { keys: _keys, ...features } = (await server()).features
      return features
    },
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
