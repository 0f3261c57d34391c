/** IP protocols (name and number) without TCP's ports; a rule for these alone reaches nothing that a node serves. */
const otherProtocols = new Set(
  'udp 17 icmp 1 ipv6-icmp 58 igmp 2 ipv4 ip-in-ip 4 egp 8 igp 9 gre 47 esp 50 ah 51 sctp 132'.split(' '),
)

export function isOtherProtocol(name: string): boolean {
  return otherProtocols.has(name.toLowerCase())
}

/**
 * Whether a port text lets a TCP port through, here 445: `*`, `445`, `1-1000`, `80,445`, `tcp:445`, `tcp:*`, `*:*`; not
 * `udp:445`. What it cannot read counts as yes.
 */
export function coversPort(text: string, wanted: number): boolean {
  const split = text.lastIndexOf(':')
  const protocol = split < 0 ? '' : text.slice(0, split).trim()
  if (isOtherProtocol(protocol)) return false
  const ports = text.slice(split + 1).trim()
  // A bare protocol, as in `ip: ["icmp"]`.
  if (split < 0 && /[a-z]/i.test(ports) && isOtherProtocol(ports)) return false
  return ports.split(',').some((part) => {
    const match = /^\s*(\d{1,5})\s*(?:-\s*(\d{1,5}))?\s*$/.exec(part)
    if (match === null) return true
    const from = Number(match[1])
    const to = match[2] === undefined ? from : Number(match[2])
    return from <= wanted && wanted <= to
  })
}
