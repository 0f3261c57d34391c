import type { GatewayNode } from '../observation/index.ts'
import type { NodeNames } from './hosts.ts'

/** What the gateway says that a node is called, by the node's name in the gateway. */
export type NamesOf = (node: string) => Pick<NodeNames, 'dnsName' | 'ips'>

/** ms between two questions: names change when somebody renames a node; one that is not known yet has just joined. */
const again = { known: 60_000, unknown: 5_000 } as const

/** Knows what nodes are called. It asks beside what else is done: a gateway that hangs holds nothing up. */
export class GatewayNames {
  readonly #ask: () => Promise<Record<string, GatewayNode> | undefined>
  #known: ReadonlyMap<string, Pick<NodeNames, 'dnsName' | 'ips'>> = new Map()
  #askedAt = Number.NEGATIVE_INFINITY
  #isAsking = false

  constructor(ask: () => Promise<Record<string, GatewayNode> | undefined>) {
    this.#ask = ask
  }

  readonly of: NamesOf = (node) => this.#known.get(node) ?? { dnsName: '', ips: [] }

  /** Asks where it is time to. What was known stays where the gateway does not answer. @param nodes that serve a page */
  async refresh(nodes: readonly string[], now: number): Promise<void> {
    if (nodes.length === 0 || this.#isAsking) return
    const pause = nodes.every((node) => this.#known.get(node)?.dnsName) ? again.known : again.unknown
    if (Math.abs(now - this.#askedAt) < pause) return
    this.#askedAt = now
    this.#isAsking = true
    try {
      const told = await this.#ask()
      if (told)
        this.#known = new Map(
          Object.entries(told).map(([node, { dns_name = '', ips = [] }]) => [node, { dnsName: dns_name, ips }]),
        )
    } finally {
      this.#isAsking = false
    }
  }
}
