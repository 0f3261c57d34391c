/** Name of the node with the operators' page, of which no user is. */
export const dashboardName = 'dashboard'

/** Names that mean something else in a container, in compose or in Samba. */
export const reservedUserNames: ReadonlySet<string> = new Set(
  'root daemon bin sys sync games man lp mail news uucp proxy backup list irc nobody gateway headscale monitor dashboard samba shares uplink tmgen guest global homes printers admin'.split(
    ' ',
  ),
)

/** Share names that Samba gives a meaning. */
export const reservedMacNames: ReadonlySet<string> = new Set('global homes printers print ipc admin'.split(' '))

const unit: Record<string, number> = { K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4, P: 1024 ** 5 }

/**
 * Says what is wrong with a quota, or undefined. Samba takes `^\d+\s*[KMGTP]?$` for `fruit:time machine max size`
 * and silently reads anything else ("500GB", "1.5T") as no limit, so tmgen refuses it. A bare number is bytes to
 * Samba and always a slip, so a letter is required.
 */
export function checkQuota(text: string): string | undefined {
  if (/^0+[KMGTP]?$/.test(text)) return 'must be more than 0 (Samba takes 0 as no limit)'
  if (!/^\d{1,15}[KMGTP]$/.test(text))
    return 'must be whole digits and one of K, M, G, T, P (Samba takes anything else as no limit)'
  if (!Number.isSafeInteger(quotaBytes(text))) return 'must be less than 8P'
  return undefined
}

/** Bytes of a checked quota; NaN for anything else. */
export function quotaBytes(text: string): number {
  const match = /^(\d+)([KMGTP])$/.exec(text)
  return match ? Number(match[1]) * (unit[match[2] ?? ''] ?? Number.NaN) : Number.NaN
}

/** Ways to tell somebody what the monitor found. */
export const channelKinds = ['mail', 'webhook', 'ntfy', 'apprise'] as const
export type ChannelKind = (typeof channelKinds)[number]

/** How the connection to a mail server is kept private: from its first byte, by STARTTLS before anything is told, or not. */
export const mailTls = ['starttls', 'implicit', 'none'] as const
export type MailTls = (typeof mailTls)[number]

const seconds: Record<string, number> = { m: 60, h: 3_600, d: 86_400 }

/** Seconds of a checked `5m`, `72h` or `3d`. */
export function durationSeconds(text: string): number {
  return Number.parseInt(text, 10) * (seconds[text.at(-1) ?? ''] ?? Number.NaN)
}

/** Says what is wrong with a path on the Docker host, or undefined. Lexical only: links are followed by observe. */
export function checkPath(path: string): string | undefined {
  if (!path.startsWith('/')) return 'must be an absolute path'
  if (/\p{Cc}/u.test(path)) return 'must not hold control characters'
  if (path === '/') return 'must not be /'
  if (path.endsWith('/')) return 'must not end with /'
  if (/\/\.{0,2}(\/|$)/.test(path)) return 'must not hold //, /./ or /../'
  return undefined
}

/**
 * Says what is wrong with the URL of a control server or API, or undefined. Tailscale clients accept plain http only
 * from loopback and private addresses; names without a dot and the usual names of a LAN are taken as private.
 */
export function checkUrl(text: string): string | undefined {
  if (!/^https?:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/.test(text) || !URL.canParse(text)) return 'must be an http or https URL'
  const url = new URL(text)
  if (url.protocol === 'http:' && !isPrivateHost(url.hostname))
    return 'must start with https://: plain http works on loopback and private addresses only'
  return undefined
}

function isPrivateHost(host: string): boolean {
  const octets = /^(\d+)\.(\d+)\.\d+\.\d+$/.exec(host)?.slice(1).map(Number)
  if (octets) {
    const [a = 0, b = 0] = octets
    return (
      a === 127 || a === 10 || (a === 192 && b === 168) || (a === 172 && b >= 16 && b < 32) || (a === 169 && b === 254)
    )
  }
  if (host.startsWith('[')) return host === '[::1]' || /^\[f[cd]/.test(host) || /^\[fe[89ab]/.test(host)
  return !host.includes('.') || /\.(localhost|local|lan|internal|home\.arpa|test)$/.test(host)
}
