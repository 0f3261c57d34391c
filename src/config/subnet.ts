/** How tmgen uses a subnet. Addresses are unsigned 32-bit numbers. */
export interface SubnetLayout {
  cidr: string
  prefix: number
  base: number
  /** .1: the bridge itself. */
  bridge: number
  /** .2 */
  gateway: number
  /** First and last address that users get. */
  first: number
  last: number
  /** CIDR that Docker deals dynamic addresses from: the end of the subnet, away from reserved addresses. */
  dynamicRange: string
  /** Number of users that fit. */
  capacity: number
}

const privateRanges = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].map((cidr) => parseCidr(cidr))

/** Dotted quad of a number. */
export function showIp(ip: number): string {
  return [24, 16, 8, 0].map((shift) => (ip >>> shift) & 255).join('.')
}

/** Number of a dotted quad in canonical form (no leading zeros), else undefined. */
export function parseIp(text: string): number | undefined {
  if (!/^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/.test(text)) return undefined
  const octets = text.split('.').map(Number)
  if (octets.some((o) => o > 255)) return undefined
  return octets.reduce((sum, o) => sum * 256 + o, 0)
}

/** An IPv4 CIDR; host bits may be set. */
export function parseCidr(text: string): { ip: number; prefix: number; base: number } | undefined {
  const match = /^([\d.]+)\/(0|[1-9]\d?)$/.exec(text)
  const ip = parseIp(match?.[1] ?? '')
  const prefix = Number(match?.[2])
  if (ip === undefined || !(prefix <= 32)) return undefined
  return { ip, prefix, base: ip - (ip % 2 ** (32 - prefix)) }
}

/** Says what is wrong with network.subnet, with a hint, or gives its layout. */
export function layoutSubnet(cidr: string): SubnetLayout | { fault: string; hint: string } {
  const parsed = parseCidr(cidr)
  if (!parsed) return { fault: 'must be an IPv4 subnet in CIDR form', hint: 'for example 10.77.0.0/22' }
  const { ip, prefix, base } = parsed
  if (prefix < 22) {
    return { fault: 'is too large: a Linux bridge has 1,023 ports', hint: `use /22 or longer: ${showIp(base)}/22` }
  }
  if (prefix > 28) {
    return { fault: 'is too small: a /28 is the least, for 9 users', hint: 'use /28 to /22; a /22 holds 1,005 users' }
  }
  if (ip !== base) return { fault: 'has bits set behind its prefix', hint: `did you mean ${showIp(base)}/${prefix}?` }
  const isPrivate = privateRanges.some((r) => r && base - (base % 2 ** (32 - r.prefix)) === r.base)
  if (!isPrivate) {
    return { fault: 'is not private', hint: 'take it from 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16 (RFC 1918)' }
  }
  const size = 2 ** (32 - prefix)
  const dynamic = prefix <= 25 ? 16 : 4
  const last = base + size - dynamic - 1
  return {
    cidr,
    prefix,
    base,
    bridge: base + 1,
    gateway: base + 2,
    first: base + 3,
    last,
    dynamicRange: `${showIp(base + size - dynamic)}/${32 - Math.log2(dynamic)}`,
    capacity: last - base - 2,
  }
}
