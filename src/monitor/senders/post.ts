import { causeOf } from '../../control/answer.ts'
import type { Secret } from '../../secret.ts'
import { SendFault } from './types.ts'

export interface PostOptions {
  fetch: typeof globalThis.fetch
  /** ms for the whole of it. */
  timeoutMs?: number
}

/** A slow receiver holds up its own channel alone, and for so long, in ms. */
const defaultTimeoutMs = 10_000

/**
 * Answers to what is in the request, not to who asks or when: too large or not understood (400, 413, 422), and what an
 * Apprise API says of a body that is too large (431) or that a service behind it does not take (424).
 */
const refusals = [400, 413, 422, 424, 431]

/** POSTs once. A redirect is a failure: it would take the content elsewhere. The answer is not read. */
export async function post(
  { fetch, timeoutMs = defaultTimeoutMs }: PostOptions,
  url: Secret,
  content: { body: string; type: string; headers?: Record<string, string> },
  signal?: AbortSignal,
): Promise<void> {
  const limit = AbortSignal.timeout(timeoutMs)
  let response: Response
  try {
    response = await fetch(url.reveal(), {
      method: 'POST',
      body: content.body,
      headers: { ...content.headers, 'content-type': content.type },
      redirect: 'manual',
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    })
  } catch (error) {
    throw new SendFault(causeOf(error, timeoutMs))
  }
  await response.body?.cancel().catch(() => {})
  if (response.status >= 300 && response.status < 400) throw new SendFault('it answers with a redirect')
  const { ok, status } = response
  if (!ok) throw new SendFault(`it answers with HTTP ${status}`, { isRefused: refusals.includes(status) })
}
