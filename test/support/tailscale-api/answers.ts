import type { IncomingMessage, ServerResponse } from 'node:http'

/** How a request can go wrong: a status with a message, no answer at all, half an answer, or a body of one's own. */
export type Fault =
  | { status: number; message?: string; headers?: Record<string, string> }
  | { hang: true }
  | { halfBody: true }
  | { reset: true }
  | { body: string; status?: number; type?: string }

export function send(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): ServerResponse {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  return response.end(JSON.stringify(value))
}

export function sendFault(response: ServerResponse, fault: Fault): ServerResponse {
  if ('hang' in fault) return response
  if ('reset' in fault) {
    return response.destroy()
  }
  if ('halfBody' in fault) {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
    response.write('{"keys": [')
    response.flushHeaders()
    setImmediate(() => response.destroy())
    return response
  }
  if ('body' in fault) {
    response.writeHead(fault.status ?? 200, { 'content-type': fault.type ?? 'text/html' })
    return response.end(fault.body)
  }
  return send(response, fault.status, { message: fault.message ?? 'injected' }, fault.headers)
}

export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
