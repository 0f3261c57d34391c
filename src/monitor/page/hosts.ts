import { isIP } from 'node:net'

/**
 * Whether a `Host` header names the listener that it came to. Another name is that of a page somewhere which was led here
 * (DNS rebinding), and could read what it is answered.
 */
export type HostCheck = (host: string) => boolean

/** For a socket that its owner alone opens: where curl, or a browser behind ssh, says it is. */
export const isLocalHost: HostCheck = (host) => /^(localhost|127\.0\.0\.1|\[::1\]|monitor)(:\d{1,5})?$/.test(host)

/** What a node of the tailnet is called. */
export interface NodeNames {
  /** The name it was given; nobody outside the tailnet can have a name without a dot. */
  hostname: string
  /** The full name, as the gateway says; `''`: not known yet. */
  dnsName: string
  ips: readonly string[]
}

const fullName = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/

/** For a node's http port: its own name, with or without the tailnet's, and its own addresses. */
export function isNodeHost({ hostname, dnsName, ips }: NodeNames): HostCheck {
  const name = dnsName.toLowerCase()
  const names = [hostname, ...(name.length <= 253 && fullName.test(name) ? [name, name.split('.', 1)[0]] : [])]
  const addresses = ips.flatMap((ip) => (isIP(ip) === 4 ? ip : isIP(ip) === 6 ? `[${ip.toLowerCase()}]` : []))
  const own = new Set([...names, ...addresses])
  return (host) => own.has(host.toLowerCase().replace(/:80$/, '').replace(/\.$/, ''))
}
