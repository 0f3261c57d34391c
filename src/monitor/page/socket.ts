import { chmodSync, lstatSync, renameSync, rmSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { Socket } from 'node:net'

/** What callers may take, together and each. Times in ms. */
export const bounds = {
  connections: 32,
  /** Of one connection: requests, and how long it may last in all. */
  requests: 100,
  lasts: 60_000,
  /** Without a byte, and for the head of a request. */
  idle: 5_000,
  header: 8 * 1024,
} as const

export const isSocket = (path: string) => lstatSync(path, { throwIfNoEntry: false })?.isSocket() ?? false

/**
 * HTTP on a unix socket that its owner and group may open. It takes the place of an old socket, but of nothing else, and
 * goes by another name until its mode is right.
 * @throws Error where it cannot listen
 */
export async function listenOn(path: string, handle: RequestListener): Promise<Server> {
  if (lstatSync(path, { throwIfNoEntry: false }) && !isSocket(path)) throw new Error(`${path} is no socket`)
  const fresh = `${path}.new`
  if (isSocket(fresh)) rmSync(fresh)
  const times = { headersTimeout: bounds.idle, requestTimeout: bounds.idle, keepAliveTimeout: bounds.idle }
  const server = createServer({ ...times, maxHeaderSize: bounds.header, connectionsCheckingInterval: 1_000 }, handle)
  server.maxConnections = bounds.connections
  server.maxRequestsPerSocket = bounds.requests
  // Without a byte either way: also somebody who does not read.
  server.setTimeout(bounds.idle * 2)
  server.on('connection', (socket: Socket) => {
    const end = setTimeout(() => socket.destroy(), bounds.lasts)
    socket.once('close', () => clearTimeout(end))
  })
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject)
    server.listen(fresh, resolve)
  })
  chmodSync(fresh, 0o660)
  renameSync(fresh, path)
  return server
}
