import { TmgenError } from '../errors.ts'

/** What the server said when it refused: HTTP status and its one-line message, cleaned of anything like a key. */
export interface Refusal {
  status: number
  message: string
}

/** No answer, or half of one. A write may have been carried out all the same. */
export function unreachable(where: string, method: string, cause: string): TmgenError {
  const look = 'check the URL, and whether the server runs'
  return new TmgenError('control-unreachable', `no answer from ${where}: ${cause}`, {
    hint: method === 'GET' ? look : `${look}; the next run looks whether the request was carried out`,
  })
}

export function unexpected(where: string, { method, path }: { method: string; path: string }): TmgenError {
  return new TmgenError('control-refused', `${where} gave an unexpected answer to ${method} ${path}`, {
    hint: 'check that the URL is the control plane’s own, with no log-in page in front of its API',
  })
}

export function redirected(where: string, status: number): TmgenError {
  return new TmgenError(
    'control-refused',
    `${where} answers with a redirect (${status}), which tmgen does not follow`,
    {
      hint: 'write the URL that it leads to in tmgen.yaml; the credential is sent nowhere else',
    },
  )
}

/** The general rules for a status from 400. `wait` is the server's Retry-After in milliseconds. */
export function refused(where: string, variable: string, { status, message }: Refusal, wait: number): TmgenError {
  const said = message === '' ? `${status}` : `${status}: ${message}`
  // Headscale 0.26 answers 500 where it knows no key of that prefix.
  const isUnauthorized = status === 500 && message === 'Unauthorized'
  if (status === 401 || status === 403 || isUnauthorized) {
    return new TmgenError('control-auth', `${where} refused the credential (${said})`, {
      hint: `check ${variable}: is it complete, not expired, and allowed to do this?`,
    })
  }
  if (status === 429) {
    const seconds = Math.ceil(wait / 1000)
    return new TmgenError('control-refused', `${where} asks for fewer requests (429)`, {
      hint: `try again in ${seconds} s`,
    })
  }
  if (status === 408 || (status >= 502 && status <= 504)) {
    return new TmgenError('control-unreachable', `${where} cannot answer now (${said})`, { hint: 'try again later' })
  }
  return new TmgenError('control-refused', `${where} refused the request (${said})`)
}
