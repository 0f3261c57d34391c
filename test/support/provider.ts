import {
  allFeatures,
  type KeyInfo,
  type NodeInfo,
  type PolicyDocument,
  type Provider,
} from '../../src/control/types.ts'
import { TmgenError } from '../../src/errors.ts'
import type { Deployment } from '../../src/resolve/types.ts'
import { Secret } from '../../src/secret.ts'
import type { Moment } from './world.ts'

type Kind = Deployment['control']['provider']

/** A control plane in memory: what the server holds, whichever client speaks with it. */
export class FakePlane {
  keys: KeyInfo[] = []
  nodes: NodeInfo[] = []
  users: string[] | undefined = []
  policy: PolicyDocument | undefined = undefined
  features = allFeatures
  /** Calls that change something, in their order. */
  readonly calls: string[] = []
  /** Called around each call; throws to fail it. */
  hook: (call: string, moment: Moment) => void = () => undefined
  #next = 1
  readonly #kind: Kind

  /** Headscale keeps no key descriptions; Tailscale does. */
  constructor(kind: Kind = 'headscale') {
    this.#kind = kind
  }

  /** A plane of its own with the same content. */
  clone(): FakePlane {
    const copy = new FakePlane(this.#kind)
    copy.keys = this.keys.map((key) => ({ ...key }))
    copy.nodes = this.nodes.map((one) => ({ ...one }))
    copy.users = this.users?.slice()
    copy.policy = this.policy
    copy.features = this.features
    copy.#next = this.#next
    return copy
  }

  serialize(): string {
    const { keys, nodes, users, policy } = this
    return JSON.stringify({ kind: this.#kind, next: this.#next, keys, nodes, users, policy })
  }

  static parse(text: string): FakePlane {
    const read = JSON.parse(text, (name, value) => (name === 'expires' || name === 'created' ? new Date(value) : value))
    const plane = new FakePlane(read.kind)
    plane.#next = read.next
    return Object.assign(plane, { keys: read.keys, nodes: read.nodes, users: read.users, policy: read.policy })
  }

  /** Keys that could still enrol a node with this tag. */
  usable(tag: string, now: Date): KeyInfo[] {
    return this.keys.filter(
      (key) => key.tags.includes(tag) && !key.used && (key.expires === undefined || key.expires > now),
    )
  }

  provider(now: () => Date): Provider {
    const call = async <T>(name: string, action: () => T): Promise<T> => {
      this.hook(name, 'before')
      const result = action()
      this.hook(name, 'after')
      return result
    }
    const changing = async <T>(name: string, action: () => T): Promise<T> => {
      return call(name, () => {
        this.calls.push(name)
        return action()
      })
    }
    const mint = (tags: string[], description: string | undefined, seconds: number) => {
      const id = String(this.#next++)
      const expires = new Date(now().getTime() + seconds * 1000)
      const kept = this.#kind === 'tailscale' ? description : undefined
      this.keys.push({ id, tags, used: false, reusable: false, expires, description: kept })
      return { id, key: new Secret(`fake-key-number-${id.padStart(6, '0')}`), expires }
    }
    const nodeOf = (id: string): NodeInfo => {
      const found = this.nodes.find((one) => one.id === id)
      if (found === undefined) throw new TmgenError('control-refused', `no node ${id}`)
      return found
    }
    return {
      check: () => call('check', () => ({ server: 'fake', version: undefined })),
      listKeys: () => call('listKeys', () => this.keys.map((key) => ({ ...key }))),
      listNodes: () => call('listNodes', () => this.nodes.map((one) => ({ ...one, tags: [...one.tags] }))),
      listUsers: () => call('listUsers', () => this.users?.slice()),
      readPolicy: () => call('readPolicy', () => this.policy),
      policyFeatures: () => call('policyFeatures', () => this.features),
      checkPolicy: () => call('checkPolicy', () => undefined),
      writePolicy: (policy) =>
        changing('writePolicy', () => {
          this.policy = policy
        }),
      createUser: (name) => changing(`createUser ${name}`, () => void this.users?.push(name)),
      mintNodeKey: (r) => changing(`mint ${r.tag}`, () => mint([r.tag], r.description, r.expirySeconds)),
      mintJoinKey: (r) => changing(`join ${r.user}`, () => mint([], undefined, r.expirySeconds)),
      renameNode: (id, name) =>
        changing(`rename ${id} ${name}`, () => void Object.assign(nodeOf(id), { hostname: name })),
      tagNode: (id, tags) =>
        changing(`tag ${id} ${tags.join()}`, () => {
          // As both systems do: a tag that the policy does not define is refused.
          const unknown = tags.filter((tag) => this.policy?.text.includes(`"${tag}"`) !== true)
          if (unknown.length > 0) throw new TmgenError('control-refused', `tags ${unknown} are not permitted`)
          nodeOf(id).tags = [...tags]
        }),
      deleteNode: (id) =>
        changing(`delete ${id}`, () => {
          this.nodes = this.nodes.filter((one) => one.id !== id)
        }),
      expireKey: (id) =>
        changing(`expire ${id}`, () => {
          const key = this.keys.find((one) => one.id === id)
          if (key === undefined) throw new TmgenError('control-refused', `no key ${id}`)
          key.expires = new Date(now().getTime() - 1000)
        }),
    }
  }
}
