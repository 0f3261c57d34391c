import { z } from 'zod'
import { TmgenError } from '../errors.ts'
import { Secret } from '../secret.ts'
import { variables } from './credentials.ts'
import { type HttpOptions, makeHttp } from './http.ts'

const { tailscaleKey: apiKey, tailscaleClient: clientId, tailscaleSecret: clientSecret } = variables

/** A token is renewed this long before it ends, so that none runs out between check and use. */
const marginMs = 60_000

type Credential = Pick<HttpOptions, 'variable' | 'authorization'>

/**
 * The Tailscale credential from the environment: an API key, or else an OAuth client, whose token is asked for at the
 * first call and kept until shortly before it ends. Throws TmgenError `secret` naming what is missing.
 */
export function tailscaleCredential(
  env: Readonly<Record<string, string | undefined>>,
  options: Omit<HttpOptions, keyof Credential>,
): Credential {
  const key = read(env, apiKey)
  if (key !== undefined) {
    const header = new Secret(`Bearer ${key}`)
    return { variable: apiKey, authorization: async () => header }
  }
  const id = read(env, clientId)
  const secret = read(env, clientSecret)
  if (id === undefined || secret === undefined) {
    const missing = [id === undefined ? clientId : '', secret === undefined ? clientSecret : ''].filter((name) => name)
    const partly = missing.length === 1
    throw new TmgenError('secret', `no Tailscale credential: ${partly ? missing[0] : apiKey} is not set`, {
      hint: partly
        ? `an OAuth client needs both ${clientId} and ${clientSecret}`
        : `export ${apiKey}, or ${clientId} and ${clientSecret} of an OAuth client with the scopes auth_keys and devices:core`,
    })
  }
  return oauth(id, new Secret(secret), options)
}

function read(env: Readonly<Record<string, string | undefined>>, name: string): string | undefined {
  const value = env[name]?.trim()
  if (value === undefined || value === '') return undefined
  if (/^[\x21-\x7e]+$/.test(value)) return value
  throw new TmgenError('secret', `the environment variable ${name} holds characters that no key has`)
}

function oauth(id: string, secret: Secret, options: Omit<HttpOptions, keyof Credential>): Credential {
  const variable = `${clientId} and ${clientSecret}`
  const none = async () => new Secret('')
  const http = makeHttp({ ...options, variable, authorization: none })
  let cached: { header: Secret; until: number } | undefined
  return {
    variable,
    authorization: async () => {
      const now = options.now().getTime()
      if (cached !== undefined && now < cached.until) return cached.header
      const form = new URLSearchParams({
        client_id: id,
        client_secret: secret.reveal(),
        grant_type: 'client_credentials',
      })
      const { value } = await http({
        method: 'POST',
        path: '/api/v2/oauth/token',
        anonymous: true,
        hide: [secret],
        body: form.toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        schema: z.object({ access_token: z.string().min(1), expires_in: z.number().positive() }),
        onRefusal: ({ status }) => {
          if (status !== 400) return undefined
          return new TmgenError('control-auth', 'Tailscale refused the OAuth client (400)', {
            hint: `check ${variable}`,
          })
        },
      })
      cached = { header: new Secret(`Bearer ${value.access_token}`), until: now + value.expires_in * 1000 - marginMs }
      return cached.header
    },
  }
}
