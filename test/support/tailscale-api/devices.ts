import type { ServerResponse } from 'node:http'
import { send } from './answers.ts'
import { permitted } from './keys.ts'
import type { Request, Route } from './server.ts'
import type { State } from './state.ts'

/** /devices of the tailnet; /device/ID, its tags and name outside it. */
export const deviceRoutes: Route = (request, response, state) => {
  const match = /^\/device(?:s$|\/([^/]+)(?:\/(tags|name))?$)/.exec(request.path)
  if (match === null) return false
  if (!request.credential.scopes.includes('devices:core')) {
    send(response, 403, { message: 'calling actor does not have enough permissions to perform this function' })
    return true
  }
  const index = state.devices.findIndex((device) => device.nodeId === match[1] || device.id === match[1])
  if (match[1] === undefined) send(response, 200, { devices: state.devices })
  else if (index < 0) send(response, 404, { message: 'no such device' })
  else if (match[2] !== undefined) change(match[2], request, response, state, state.devices[index]!)
  else if (request.method === 'DELETE') {
    state.devices.splice(index, 1)
    response.writeHead(200).end()
  } else send(response, 200, state.devices[index])
  return true
}

function change(
  what: string,
  request: Request,
  response: ServerResponse,
  state: State,
  device: Record<string, unknown>,
) {
  const body = request.body === '' ? {} : (JSON.parse(request.body) as { tags?: string[]; name?: string })
  if (what === 'tags') {
    const refused = (body.tags ?? []).filter((tag) => !permitted(tag, request.credential, state))
    if (refused.length > 0)
      return send(response, 400, { message: `requested tags [${refused.join(' ')}] are invalid or not permitted` })
    device.tags = body.tags
  }
  // Its own label alone, or the full name; what the machine calls itself stays.
  if (what === 'name') device.name = `${body.name?.split('.')[0]}.tail1234.ts.net`
  return send(response, 200, {})
}

/** A device as the API describes it with fields=all. */
export function device(name: string, extra: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: '92960230385',
    nodeId: `n${name}CNTRL`,
    name: `${name}.tail1234.ts.net`,
    hostname: name,
    user: 'admin@example.com',
    addresses: ['100.87.74.78', 'fd7a:115c:a1e0::1'],
    authorized: true,
    connectedToControl: true,
    created: '2026-01-02T03:04:05Z',
    expires: '0001-01-01T00:00:00Z',
    lastSeen: '2026-01-02T03:04:05Z',
    isExternal: false,
    keyExpiryDisabled: true,
    os: 'linux',
    ...extra,
  }
}
