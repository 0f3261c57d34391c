import type { Path } from './places.ts'
import { type ChannelKind, channelKinds } from './rules.ts'

/**
 * Where a secret goes that was written into `monitor` of tmgen.yaml, or of a user in it: into a file.
 * @param path of the value, or of the unknown key
 * @returns the hint; undefined where nothing at the path looks like one
 */
export function secretHint(path: Path, value: unknown, data: unknown): string | undefined {
  const isUser = path[0] === 'users' && path[2] === 'monitor'
  if (!isUser && path[0] !== 'monitor') return undefined
  const folder = isUser ? `secrets/monitor/users/${userAt(data, path[1])}` : 'secrets/monitor'
  const [first, second] = path.slice(isUser ? 3 : 1)
  const key = String(first === 'mail' && second !== undefined ? second : first)
  if (/pass/i.test(key)) return 'the password goes into secrets/monitor/mail-password'
  if (/token/i.test(key)) return `the token goes into ${folder}/ntfy-token`
  if (key === 'ping' && typeof value === 'string') return `ping: true, and the address into ${folder}/ping`
  const kind = addressed.find((one) => one === key)
  if (kind !== undefined) return wayHint(kind, folder)
  if (key !== 'alerts') return undefined
  const inside = addressed.find((one) => typeof value === 'object' && value !== null && one in value)
  if (inside !== undefined) return wayHint(inside, folder)
  return typeof value === 'string' && value.includes('://')
    ? `name the way (${addressed.join(', ')}); its address goes into a file of that name in ${folder}/`
    : undefined
}

/** Ways whose address lies in a file. */
const addressed = channelKinds.filter((kind) => kind !== 'mail')

const wayHint = (kind: ChannelKind, folder: string) => `alerts: [${kind}], and the address into ${folder}/${kind}`

function userAt(data: unknown, index: unknown): string {
  const { users } = data as { users?: { name?: unknown }[] }
  const name = users?.[Number(index)]?.name
  return typeof name === 'string' && /^[a-z][a-z0-9-]{0,29}$/.test(name) ? name : 'NAME'
}

/** The key of what may be a password, a token, or an address that is one, up to its value. */
const secretKey =
  /(?:pass|token|secret(?!File)|api[-_]?key|auth[-_]?key)[\w-]{0,40}["']?\s{0,9}:|(?<![\w-])(?:ntfy|webhook|apprise)["']?\s{0,9}:/i
/** A key behind which an address does not belong. */
const way = /(?<![\w-])(?:alerts|ping)["']?\s{0,9}:/
const scheme = /[a-z][a-z0-9+.-]{0,20}:\/\//i
/** No list in tmgen.yaml holds URLs. */
const listed = /^\s*-\s+["']?(?=[a-z][a-z0-9+.-]{0,20}:\/\/)/i

/** A line of tmgen.yaml as errors show it: it ends where a secret may begin that does not belong there. */
export function withoutSecrets(line: string): string {
  const ends: number[] = []
  for (const pattern of [secretKey, listed]) {
    const found = pattern.exec(line)
    if (found) ends.push(found.index + found[0].length)
  }
  const from = way.exec(line)?.index
  const at = from === undefined ? -1 : line.slice(from).search(scheme)
  if (from !== undefined && at >= 0) ends.push(from + at)
  const end = Math.min(...ends)
  if (end === Number.POSITIVE_INFINITY || line.slice(end).trim() === '') return line
  return `${line.slice(0, end).trimEnd()} …`
}
