/** The few endpoints of a Headscale that the commands ask, in memory. Wrong credentials get 401, as the real one does. */
export class TinyHeadscale {
  users: { id: string; name: string; email: string }[] = []
  keys: Record<string, unknown>[] = []
  nodes: Record<string, unknown>[] = []
  policy = '{"grants": []}'
  version = 'v0.29.3'
  /** Requests that are refused with 500, and what it says. */
  refuse: Record<string, string> = {}
  /** Called before each request is answered. */
  before: (request: string) => void = () => undefined
  /** Requests as `METHOD path`. */
  readonly requests: string[] = []
  readonly apiKey: string
  /** What a minted key begins with; tests look for it in what is printed. */
  readonly keyPrefix: string

  constructor(apiKey: string, keyPrefix: string) {
    this.apiKey = apiKey
    this.keyPrefix = keyPrefix
  }

  fetch = async (input: unknown, init?: RequestInit): Promise<Response> => {
    const { pathname } = new URL(String(input))
    const method = init?.method ?? 'GET'
    this.requests.push(`${method} ${pathname}`)
    this.before(`${method} ${pathname}`)
    const message = this.refuse[`${method} ${pathname}`]
    if (message !== undefined) return Response.json({ code: 2, message }, { status: 500 })
    if (pathname === '/version') return Response.json({ version: this.version })
    if (new Headers(init?.headers).get('authorization') !== `Bearer ${this.apiKey}`) {
      return new Response('Unauthorized', { status: 401 })
    }
    const body = typeof init?.body === 'string' ? (JSON.parse(init.body) as Record<string, unknown>) : {}
    return Response.json(this.answer(`${method} ${pathname}`, body))
  }

  private answer(request: string, body: Record<string, unknown>): unknown {
    switch (request) {
      case 'GET /api/v1/user':
        return { users: this.users }
      case 'POST /api/v1/user': {
        const user = { id: String(this.users.length + 1), name: String(body.name), email: '' }
        this.users.push(user)
        return { user }
      }
      case 'GET /api/v1/node':
        return { nodes: this.nodes }
      case 'GET /api/v1/policy':
        return { policy: this.policy }
      case 'POST /api/v1/policy/check':
        return {}
      case 'PUT /api/v1/policy':
        this.policy = String(body.policy)
        return { policy: this.policy }
      case 'GET /api/v1/preauthkey':
        return { preAuthKeys: this.keys.map(({ key: _key, ...rest }) => rest) }
      case 'POST /api/v1/preauthkey': {
        const id = String(this.keys.length + 1)
        const key = { id, key: `${this.keyPrefix}${id}`, ...body, used: false, createdAt: '2026-01-02T03:04:05Z' }
        this.keys.push(key)
        return { preAuthKey: key }
      }
      case 'POST /api/v1/preauthkey/expire': {
        const key = this.keys.find((one) => one.id === body.id)
        if (key !== undefined) key.expiration = '2026-01-01T00:00:00Z'
        return {}
      }
      default:
        return this.change(request, body)
    }
  }

  /** DELETE /node/ID, POST /node/ID/tags and /node/ID/rename/NAME. */
  private change(request: string, body: Record<string, unknown>): unknown {
    const [, method, id, what, name] =
      /^(\w+) \/api\/v1\/node\/(\w+)(?:\/(tags|rename)(?:\/(.+))?)?$/.exec(request) ?? []
    const node = this.nodes.find((one) => one.id === id)
    if (method === undefined || node === undefined) throw new Error(`the stand-in knows no ${request}`)
    if (method === 'DELETE') this.nodes = this.nodes.filter((one) => one !== node)
    else if (what === 'tags') node.tags = body.tags
    else node.givenName = name
    return {}
  }
}
