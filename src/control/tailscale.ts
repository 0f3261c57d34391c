import { z } from 'zod'
import { TmgenError } from '../errors.ts'
import { Secret } from '../secret.ts'
import { oneLine } from './answer.ts'
import type { Http } from './http.ts'
import { tagOwnersHint } from './policy.ts'
import { deviceSchema, keyInfo, keySchema, nodeInfo } from './tailscale-json.ts'
import { allFeatures, type KeyInfo, type Provider } from './types.ts'

const hujson = 'application/hujson'
const anything = z.unknown()
/** What the API takes as a key's description. */
const descriptionRule = /^[A-Za-z0-9 -]{1,50}$/

/** Tailscale's API v2, or anything that speaks it; `tailnet` is a name or `-` for the credential's own. */
export function tailscaleProvider(http: Http, tailnet: string): Provider {
  const root = `/api/v2/tailnet/${encodeURIComponent(tailnet)}`
  const listed = async () => {
    const schema = z.object({ keys: z.array(keySchema).nullish() })
    return (await http({ method: 'GET', path: `${root}/keys?all=true`, schema })).value.keys ?? []
  }
  const devices = async () => {
    const schema = z.object({ devices: z.array(deviceSchema).nullish() })
    return (await http({ method: 'GET', path: `${root}/devices?fields=all`, schema })).value.devices ?? []
  }
  /** A single-use key that was used is gone: 404. */
  const oneKey = async (id: string) => {
    const path = `${root}/keys/${encodeURIComponent(id)}`
    const schema = keySchema.optional()
    return (await http({ method: 'GET', path, schema, onRefusal: gone })).value
  }
  const checkPolicy = async (text: string) => {
    const validation = await http({
      method: 'POST',
      path: `${root}/acl/validate`,
      body: text,
      headers: { 'content-type': hujson },
      schema: z.object({
        message: z.string().default(''),
        data: z.array(z.object({ errors: z.array(z.string()).default([]) })).nullish(),
      }),
    })
    // Validation answers 200 even when it fails.
    const { message, data } = validation.value
    if (message === '') return
    const details = [message, ...(data ?? []).flatMap((item) => item.errors)].join('; ')
    throw new TmgenError('control-refused', `Tailscale refused the policy: ${oneLine(details)}`)
  }
  return {
    check: async () => {
      await listed()
      await devices()
      return { server: 'Tailscale', version: undefined }
    },
    listKeys: async () => {
      const keys: KeyInfo[] = []
      for (const short of await listed()) {
        // The list may hold ids alone; what it says already rules out other people's keys without a request for each.
        if (short.keyType !== undefined && short.keyType !== 'auth') continue
        if (short.description && !short.description.startsWith('tmgen ')) continue
        const key = short.capabilities === undefined ? await oneKey(short.id) : short
        if (key !== undefined && (key.keyType ?? 'auth') === 'auth') keys.push(keyInfo(key))
      }
      return keys
    },
    listNodes: async () => (await devices()).filter((device) => !device.isExternal).map(nodeInfo),
    listUsers: async () => undefined,
    createUser: async () => {
      throw new TmgenError('control-refused', 'people join a Tailscale network themselves', {
        hint: 'invite the person in the admin console',
      })
    },
    mintNodeKey: async ({ tag, description, expirySeconds }) => {
      if (!descriptionRule.test(description)) throw new RangeError('a key description is 1 to 50 of [A-Za-z0-9 -]')
      const create = { reusable: false, ephemeral: false, preauthorized: true, tags: [tag] }
      const { value } = await http({
        method: 'POST',
        path: `${root}/keys`,
        json: { keyType: 'auth', description, expirySeconds, capabilities: { devices: { create } } },
        schema: z.object({ id: z.string().min(1), key: z.string().min(1), expires: z.iso.datetime({ offset: true }) }),
        onRefusal: ({ status, message }) =>
          status === 400 && /\btags?\b/i.test(message) ? tagRefused(tag, message) : undefined,
      })
      return { id: value.id, key: new Secret(value.key), expires: new Date(value.expires) }
    },
    mintJoinKey: async () => {
      throw new TmgenError(
        'control-refused',
        'a Mac joins Tailscale by logging in with the browser; there is no join key',
      )
    },
    expireKey: async (id) => {
      const path = `${root}/keys/${encodeURIComponent(id)}`
      await http({ method: 'DELETE', path, schema: anything, onRefusal: gone })
    },
    deleteNode: async (id) => {
      await http({
        method: 'DELETE',
        path: `/api/v2/device/${encodeURIComponent(id)}`,
        schema: anything,
        onRefusal: gone,
      })
    },
    renameNode: async (id, name) => {
      const path = `/api/v2/device/${encodeURIComponent(id)}/name`
      await http({ method: 'POST', path, json: { name }, schema: anything })
    },
    tagNode: async (id, tags) => {
      const path = `/api/v2/device/${encodeURIComponent(id)}/tags`
      await http({
        method: 'POST',
        path,
        json: { tags },
        schema: anything,
        onRefusal: ({ status, message }) =>
          status === 400 && /\btags?\b/i.test(message) ? tagRefused(tags.join(', '), message) : undefined,
      })
    },
    readPolicy: async () => {
      const call = { method: 'GET', path: `${root}/acl`, headers: { accept: hujson }, raw: true } as const
      const { value, headers } = await http({ ...call, schema: z.string() })
      return value.trim() === '' ? undefined : { text: value, etag: headers.get('etag') ?? undefined }
    },
    policyFeatures: async () => allFeatures,
    checkPolicy,
    writePolicy: async ({ text, etag }) => {
      await checkPolicy(text)
      // Without an ETag only the policy that nobody has edited yet may be replaced.
      const headers = { 'content-type': hujson, accept: hujson, 'if-match': etag ?? '"ts-default"' }
      const call = { method: 'POST', path: `${root}/acl`, body: text, headers } as const
      await http({ ...call, raw: true, schema: anything, onRefusal: changed })
    },
  }
}

function gone({ status }: { status: number }): { value: undefined } | undefined {
  return status === 404 ? { value: undefined } : undefined
}

function changed({ status }: { status: number }): TmgenError | undefined {
  if (status !== 412) return undefined
  return new TmgenError('control-changed', 'the policy was changed on the server meanwhile (412)', {
    hint: 'run the command again: it reads the new one first',
  })
}

function tagRefused(tag: string, message: string): TmgenError {
  return new TmgenError('control-refused', `Tailscale does not permit ${tag} here (400: ${message})`, {
    hint: tagOwnersHint(tag),
  })
}
