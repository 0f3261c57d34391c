/** Names that mean something else in a container, in compose or in Samba. */
export const reservedUserNames: ReadonlySet<string> = new Set(
  'root daemon bin sys sync games man lp mail news uucp proxy backup list irc nobody gateway headscale monitor samba shares uplink tmgen guest global homes printers admin'.split(
    ' ',
  ),
)

/** Share names that Samba gives a meaning. */
export const reservedMacNames: ReadonlySet<string> = new Set('global homes printers print ipc admin'.split(' '))

const unit: Record<string, number> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4, P: 1024 ** 5 }

/**
 * Says what is wrong with a quota, or undefined. Samba takes `^\d+\s*[KMGTP]?$` for `fruit:time machine max size`
 * and silently reads anything else ("500GB", "1.5T") as no limit, so tmgen refuses it.
 */
export function checkQuota(text: string): string | undefined {
  const match = /^(\d{1,15})([KMGTP]?)$/.exec(text)
  if (!match) return 'must be digits and one of K, M, G, T, P, for example 500G (Samba takes anything else as no limit)'
  const bytes = quotaBytes(text)
  if (bytes <= 0) return 'must be more than 0 (Samba takes 0 as no limit)'
  if (!Number.isSafeInteger(bytes)) return 'is larger than 8P'
  return undefined
}

/** Bytes of a checked quota. */
export function quotaBytes(text: string): number {
  const match = /^(\d+)([KMGTP]?)$/.exec(text)
  return match ? Number(match[1]) * (unit[match[2] ?? ''] ?? Number.NaN) : Number.NaN
}
