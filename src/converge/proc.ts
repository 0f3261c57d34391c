import type { Mount } from '../world.ts'

/** Lines of a /proc table as fields, without the heading. */
function rows(text: string): string[][] {
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields.length > 3)
}

/** An address as /proc prints it (hex, in the byte order of this little-endian host) as four bytes. */
function bytesOf(hex: string): number[] {
  return [6, 4, 2, 0].map((at) => Number.parseInt(hex.slice(at, at + 2), 16))
}

/** Routes of /proc/net/route that are up, without default routes and the loopback. */
export function parseRoutes(text: string): { cidr: string; device: string }[] {
  const found: { cidr: string; device: string }[] = []
  for (const [device = '', destination = '', , flags = '', , , , mask = ''] of rows(text)) {
    const prefix = bytesOf(mask).reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0)
    const isUp = (Number.parseInt(flags, 16) & 1) === 1
    if (isUp && prefix > 0 && device !== 'lo')
      found.push({ cidr: `${bytesOf(destination).join('.')}/${prefix}`, device })
  }
  return found
}

/** Local ports of /proc/net/udp or udp6. */
export function parseUdpPorts(text: string): Set<number> {
  const ports = rows(text).map((fields) => Number.parseInt(fields[1]?.split(':')[1] ?? '', 16))
  return new Set(ports.filter((port) => port > 0))
}

/** Mounts of /proc/self/mountinfo; blanks in paths are printed there as octal escapes. */
export function parseMountInfo(text: string): Mount[] {
  const plain = (field: string) =>
    field.replace(/\\([0-7]{3})/g, (_all, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
  return text
    .split('\n')
    .map((line) => line.split(' '))
    .filter((fields) => fields.length > 8 && fields.includes('-', 6))
    .map((fields) => {
      // Optional fields, as many as there are, end with a dash.
      const [type, source, options] = fields.slice(fields.indexOf('-', 6) + 1)
      return {
        device: fields[2]!,
        root: plain(fields[3]!),
        path: plain(fields[4]!),
        type: type!,
        source: plain(source!),
        options: options?.split(',') ?? [],
      }
    })
}
