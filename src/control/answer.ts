import { TmgenError } from '../errors.ts'
import type { Secret } from '../secret.ts'

/** Reads a body as UTF-8 text, at most `limit` bytes; a longer one is cancelled, not kept. */
export async function readBounded(response: Response, limit: number): Promise<string> {
  if (response.body === null) return ''
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > limit)
      throw new TmgenError('control-refused', `the control plane’s answer is larger than ${limit} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/**
 * The server's message out of `{"message"}` (both systems) or a short plain text, as one line of at most 200 characters
 * without anything that looks like a key. Anything else is ''.
 * @param sent secrets of the request: a server, or a proxy before it, may repeat what it was sent
 */
export function cleanMessage(body: string, sent: readonly Secret[] = []): string {
  let text = ''
  try {
    const value: unknown = JSON.parse(body)
    if (typeof value === 'object' && value !== null && 'message' in value) text = String(value.message)
  } catch {
    if (!body.includes('<')) text = body
  }
  return oneLine(without(text, sent))
}

/** `Bearer KEY` is a secret of two words, of which the second counts. */
function without(text: string, sent: readonly Secret[]): string {
  const words = sent.flatMap((secret) => secret.reveal().split(' ')).filter((word) => word.length >= 8)
  return words.reduce((left, word) => left.replaceAll(word, '[secret]'), text)
}

/** One line of at most 200 characters, keys of either system replaced. */
export function oneLine(text: string): string {
  return text
    .replace(/\b(tskey|hskey|nodekey|privkey)[-:][\w-]+/g, '[secret]')
    .replace(/\b(Bearer|Basic) +\S+/gi, '$1 [secret]')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, 200)
}

const causes: Record<string, string> = {
  ECONNREFUSED: 'connection refused (ECONNREFUSED)',
  ECONNRESET: 'connection reset (ECONNRESET)',
  ENOTFOUND: 'the name cannot be resolved (ENOTFOUND)',
  EAI_AGAIN: 'the name server does not answer (EAI_AGAIN)',
  EHOSTUNREACH: 'no route to the host (EHOSTUNREACH)',
  ENETUNREACH: 'no route to the network (ENETUNREACH)',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed (NODE_EXTRA_CA_CERTS names further authorities)',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is from an unknown authority (NODE_EXTRA_CA_CERTS names further ones)',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'its certificate is from an unknown authority (NODE_EXTRA_CA_CERTS names further ones)',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'its certificate is from an unknown authority (NODE_EXTRA_CA_CERTS names further ones)',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS (http instead of https?)',
  UND_ERR_SOCKET: 'the connection ended in the middle of the answer',
}

/** Why a fetch failed, from Node's nested causes; never the request itself. */
export function causeOf(error: unknown, timeoutMs: number): string {
  for (let e: unknown = error, depth = 0; e instanceof Error && depth < 5; e = e.cause, depth++) {
    if (e.name === 'TimeoutError') return `nothing within ${timeoutMs / 1000} s`
    const first = e instanceof AggregateError ? (e.errors[0] as unknown) : e
    const code = first instanceof Error && 'code' in first ? String(first.code) : undefined
    if (code !== undefined && /^[A-Z][A-Z0-9_]+$/.test(code)) return causes[code] ?? code
  }
  return 'the connection failed'
}

/** Milliseconds of a Retry-After header (seconds or an HTTP date); 1 s where it says nothing. */
export function retryAfterMs(header: string | null, now: Date): number {
  if (header === null) return 1000
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000
  const at = Date.parse(header)
  return Number.isNaN(at) ? 1000 : Math.max(0, at - now.getTime())
}
