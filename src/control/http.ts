import type { z } from 'zod'
import { TmgenError } from '../errors.ts'
import type { Secret } from '../secret.ts'
import { causeOf, cleanMessage, readBounded, retryAfterMs } from './answer.ts'
import { type Refusal, redirected, refused, unexpected, unreachable } from './http-errors.ts'

export interface HttpOptions {
  fetch: typeof globalThis.fetch
  /** Base URL, with or without a path. */
  base: string
  /** Name of the system for messages, for example `Headscale`. */
  system: string
  /** Environment variable(s) the credential came from, named in `control-auth`. */
  variable: string
  /** Makes the Authorization header's value; may itself ask the server (OAuth). */
  authorization: () => Promise<Secret>
  sleep: (ms: number) => Promise<void>
  now: () => Date
  /** For one request, in milliseconds. */
  timeoutMs?: number
}

export interface Call<T> {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  path: string
  /** Shape of the answer; with `raw` it is given the text as it came. */
  schema: z.ZodType<T>
  /** Sent as JSON. */
  json?: unknown
  /** Sent as it is, with its content type in `headers`. */
  body?: string
  headers?: Record<string, string>
  /** true: the answer is text, not JSON. */
  raw?: boolean
  /** true: no Authorization header (public end points, token requests). */
  anonymous?: boolean
  /** What was sent besides the Authorization header and must not come back in a message. */
  hide?: readonly Secret[]
  /** Looks at a refusal (any status from 400) first; undefined leaves it to the general rules. */
  onRefusal?: (refusal: Refusal) => TmgenError | { value: T } | undefined
}

export interface Answer<T> {
  value: T
  headers: Headers
}

export type Http = <T>(call: Call<T>) => Promise<Answer<T>>

/** Well above an API's slowest answer; the person waits meanwhile. */
const defaultTimeoutMs = 10_000
/** Bytes: a device list of some thousand nodes fits. */
const maxAnswer = 4 * 1024 * 1024
const maxRetries = 3
/** A longer Retry-After is reported instead of waited for. */
const maxWaitMs = 30_000

/**
 * A thin JSON client for one control plane. Redirects are refused (the credential would go along), answers are read up
 * to 4 MiB, and 429 is waited out for GET and DELETE only: a POST may have made a key.
 * Throws TmgenError control-auth, control-unreachable or control-refused; never with a body or a credential in it.
 */
export function makeHttp(options: HttpOptions): Http {
  const base = checkedBase(options.base)
  return async (call) => {
    const where = `${options.system} at ${base}`
    for (let attempt = 0; ; attempt++) {
      const { response, text, sent } = await send(options, base, where, call)
      const status = response.status
      if (status < 300) return { value: parse(where, call, text), headers: response.headers }
      if (status < 400) throw redirected(where, status)
      const refusal = { status, message: cleanMessage(text, sent) }
      const special = call.onRefusal?.(refusal)
      if (special instanceof TmgenError) throw special
      if (special !== undefined) return { value: special.value, headers: response.headers }
      const wait = retryAfterMs(response.headers.get('retry-after'), options.now())
      const repeatable = call.method === 'GET' || call.method === 'DELETE'
      if (status !== 429 || !repeatable || attempt >= maxRetries || wait > maxWaitMs) {
        throw refused(where, options.variable, refusal, wait)
      }
      await options.sleep(wait)
    }
  }
}

function checkedBase(text: string): string {
  const url = new URL(text)
  if (url.username === '' && url.password === '') return text.replace(/\/+$/, '')
  throw new TmgenError('config-invalid', 'the control plane’s URL must not hold a user name or password', {
    hint: 'credentials are read from environment variables',
  })
}

async function send<T>(options: HttpOptions, base: string, where: string, call: Call<T>) {
  const headers = new Headers({ accept: call.raw ? '*/*' : 'application/json', ...call.headers })
  const authorization = call.anonymous ? undefined : await options.authorization()
  if (authorization !== undefined) headers.set('authorization', authorization.reveal())
  const sent = [...(authorization === undefined ? [] : [authorization]), ...(call.hide ?? [])]
  if (call.json !== undefined) headers.set('content-type', 'application/json')
  const body = call.json === undefined ? call.body : JSON.stringify(call.json)
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs
  try {
    const response = await options.fetch(base + call.path, {
      method: call.method,
      headers,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
      ...(body === undefined ? {} : { body }),
    })
    return { response, text: await readBounded(response, maxAnswer), sent }
  } catch (error) {
    if (error instanceof TmgenError) throw error
    throw unreachable(where, call.method, causeOf(error, timeoutMs))
  }
}

function parse<T>(where: string, call: Call<T>, text: string): T {
  let value: unknown = text
  if (!call.raw) {
    try {
      value = text.trim() === '' ? {} : JSON.parse(text)
    } catch {
      throw unexpected(where, call)
    }
  }
  const parsed = call.schema.safeParse(value)
  if (!parsed.success) throw unexpected(where, call)
  return parsed.data
}
