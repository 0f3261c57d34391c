import { rmSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { History } from '../history/index.ts'
import type { Report } from '../report/index.ts'
import { Answers, type Made } from './answers.ts'
import { type HostCheck, isLocalHost, isNodeHost, type NodeNames } from './hosts.ts'
import { answerTo, type Site } from './site.ts'
import { isSocket, listenOn } from './socket.ts'

/** Bytes of a path with its query. */
const maxPath = 256

const headers = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-cache',
  vary: 'Accept-Encoding',
} as const

/** Why a request is not answered; `undefined`: it is. */
function refusalOf(
  { method, url = '', headers }: IncomingMessage,
  isOwnHost: HostCheck,
): [status: number, why: string] | undefined {
  if (!isOwnHost(headers.host ?? '')) return [421, 'This is not a page of that host.']
  if (method !== 'GET' && method !== 'HEAD') return [405, 'Read-only.']
  const hasBody = headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
  if (hasBody) return [413, 'No body is read.']
  return url.length > maxPath ? [414, 'No path is that long.'] : undefined
}

function refuse(response: ServerResponse, status: number, why: string): void {
  const allow = status === 405 ? { allow: 'GET, HEAD' } : {}
  const type = { 'content-type': 'text/plain; charset=utf-8' }
  response.writeHead(status, { ...headers, ...allow, ...type, connection: 'close' })
  response.end(`${why}\n`)
}

export interface PageServerWorld {
  now(): number
  say(line: string): void
}

/** What is served, and to which names. */
export interface PageKind {
  answer: Site
  isOwnHost: HostCheck
}

/**
 * The operator's page, for whoever may open its socket.
 * @param node what the node is called that leads there, too; null: none does
 */
export const operatorsPage = (node: () => NodeNames | null = () => null): PageKind => ({
  answer: answerTo,
  isOwnHost: (host) => {
    if (isLocalHost(host)) return true
    const names = node()
    return names !== null && isNodeHost(names)(host)
  },
})

/**
 * Serves a page on a unix socket, and on nothing else: who may open the socket may see it. It reads the method, the path,
 * `Host` and what a browser already has; no header says who asks.
 */
export class PageServer {
  readonly #world: PageServerWorld
  readonly #answers: Answers
  #listening: { server: Server; path: string } | undefined
  #fault = ''

  readonly #isOwnHost: HostCheck

  constructor(history: History, world: PageServerWorld, { answer, isOwnHost }: PageKind = operatorsPage()) {
    this.#answers = new Answers(history, answer)
    this.#isOwnHost = isOwnHost
    this.#world = world
  }

  /** From now on this is what is shown. */
  show(report: Report): void {
    this.#answers.show(report)
  }

  /** Sees to it that the socket is there. Where it cannot be, that is said once: nothing else depends on it. */
  async ensure(path: string): Promise<void> {
    try {
      if (this.#listening && isSocket(path)) return
      await this.close()
      const server = await listenOn(path, (request, response) => this.#handle(request, response))
      this.#listening = { server, path }
      this.#fault = ''
    } catch (error) {
      const fault = `there is no page: ${(error as Error).message}`
      if (fault !== this.#fault) this.#world.say(fault)
      this.#fault = fault
    }
  }

  async close(): Promise<void> {
    if (!this.#listening) return
    const { server, path } = this.#listening
    this.#listening = undefined
    try {
      if (isSocket(path)) rmSync(path)
    } catch (error) {
      // On a disk that is read-only it stays, and nobody answers there.
      this.#world.say(`a socket is left behind: ${(error as Error).message}`)
    }
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const refusal = refusalOf(request, this.#isOwnHost)
    if (refusal) {
      refuse(response, ...refusal)
      return
    }
    try {
      this.#send(request, response, this.#answers.at(request.url?.split('?', 1)[0] ?? '', this.#world.now()))
    } catch (error) {
      this.#world.say(`the page failed: ${(error as Error).message}`)
      refuse(response, 500, 'The page failed: see docker compose logs monitor.')
    }
  }

  #send(request: IncomingMessage, response: ServerResponse, { answer, body, zipped, tag }: Made): void {
    if (answer.status === 200 && request.headers['if-none-match'] === tag) {
      response.writeHead(304, { ...headers, etag: tag })
      response.end()
      return
    }
    const isZipped = /\bgzip\b/.test(request.headers['accept-encoding']?.toString() ?? '')
    const sent = isZipped ? zipped : body
    response.writeHead(answer.status, {
      ...headers,
      'content-type': answer.type,
      'content-length': sent.length,
      ...(answer.status === 200 ? { etag: tag } : {}),
      ...(answer.status === 503 ? { 'retry-after': '30' } : {}),
      ...(isZipped ? { 'content-encoding': 'gzip' } : {}),
    })
    response.end(sent)
  }
}
