import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { aclRoutes } from './acl.ts'
import { type Fault, readBody, send, sendFault } from './answers.ts'
import { deviceRoutes } from './devices.ts'
import { keyRoutes } from './keys.ts'
import { type Credential, credentialOf, issueToken, makeState, type State } from './state.ts'

export interface Request {
  method: string
  /** Below /api/v2/tailnet/NAME or /api/v2, without the query. */
  path: string
  query: URLSearchParams
  headers: IncomingMessage['headers']
  body: string
  credential: Credential
}

export type Route = (request: Request, response: ServerResponse, state: State) => boolean

export interface StandIn {
  url: string
  state: State
  /** The next requests whose `METHOD path` matches fail like this, `times` times. */
  fail(matching: RegExp, fault: Fault, times?: number): void
  /** `METHOD path` of what was asked, in order. */
  requests: string[]
  stop(): Promise<void>
}

const routes: Route[] = [keyRoutes, deviceRoutes, aclRoutes]

/** Tailscale's API v2 on loopback, as far as tmgen uses it; the official Go client is run against it. */
export async function startStandIn(): Promise<StandIn> {
  const state = makeState()
  const faults: { matching: RegExp; fault: Fault; left: number }[] = []
  const requests: string[] = []
  const server = createServer((incoming, response) => {
    void answer(incoming, response).catch(() => response.destroy())
  })
  const answer = async (incoming: IncomingMessage, response: ServerResponse) => {
    const url = new URL(incoming.url ?? '/', 'http://stand-in')
    const line = `${incoming.method} ${url.pathname}`
    requests.push(line)
    const body = await readBody(incoming)
    const due = faults.find(({ matching, left }) => left > 0 && matching.test(line))
    if (due !== undefined) {
      due.left--
      return sendFault(response, due.fault)
    }
    if (url.pathname === '/api/v2/oauth/token') return issueToken(incoming, response, body, state)
    const credential = credentialOf(incoming.headers.authorization, state)
    if (credential === undefined) return send(response, 401, { message: 'API token invalid' })
    const match = /^\/api\/v2(?:\/tailnet\/([^/]+))?(\/.*)$/.exec(url.pathname)
    const tailnet = decodeURIComponent(match?.[1] ?? '-')
    if (match === null || (tailnet !== '-' && tailnet !== state.tailnet)) {
      return send(response, 404, { message: 'tailnet not found' })
    }
    const { method = 'GET', headers } = incoming
    const request = { method, path: match[2] ?? '/', query: url.searchParams, headers, body, credential }
    if (routes.some((route) => route(request, response, state))) return response
    return send(response, 404, { message: 'not found' })
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    url: `http://127.0.0.1:${port}`,
    state,
    requests,
    fail: (matching, fault, times = 1) => void faults.push({ matching, fault, left: times }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
