import { createHash } from 'node:crypto'
import { type ParseError, parse } from 'jsonc-parser'
import { send } from './answers.ts'
import type { Route } from './server.ts'

/** /acl with ETag and If-Match, and /acl/validate, which answers 200 even for a bad policy. */
export const aclRoutes: Route = (request, response, state) => {
  if (request.path !== '/acl' && request.path !== '/acl/validate') return false
  const policy = { 'content-type': 'application/hujson', etag: state.etag }
  if (!request.credential.scopes.includes('policy_file')) {
    send(response, 403, { message: 'calling actor does not have enough permissions to perform this function' })
    return true
  }
  if (request.method === 'GET') {
    response.writeHead(200, policy).end(state.policy)
    return true
  }
  const fault = faultOf(request.body)
  const wanted = request.headers['if-match']
  if (request.path === '/acl/validate') {
    send(response, 200, fault === undefined ? {} : { message: 'test(s) failed', data: [{ user: '', errors: [fault] }] })
  } else if (fault !== undefined) {
    send(response, 400, { message: fault })
  } else if (wanted !== undefined && wanted !== '*' && wanted !== state.etag) {
    send(response, 412, { message: 'precondition failed, invalid old hash' })
  } else {
    state.policy = request.body
    state.etag = `"${createHash('sha256').update(request.body).digest('hex')}"`
    response.writeHead(200, { ...policy, etag: state.etag }).end(state.policy)
  }
  return true
}

function faultOf(text: string): string | undefined {
  const errors: ParseError[] = []
  const value: unknown = parse(text, errors, { allowTrailingComma: true })
  if (errors.length > 0) return `line 1, column ${errors[0]?.offset ?? 0}: invalid policy`
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'policy must be an object'
  const known = ['acls', 'grants', 'tagOwners', 'groups', 'hosts', 'tests', 'ssh', 'nodeAttrs', 'autoApprovers']
  const unknown = Object.keys(value).find((key) => !known.includes(key))
  return unknown === undefined ? undefined : `unknown field "${unknown}"`
}
