/** Files beside the folders secrets/ and state/ that make a workspace; generated/ follows from them. */
export const topFiles = [
  'tmgen.yaml',
  'tmgen.lock.json',
  'compose.yaml',
  'docker-compose.base.yml',
  '.env',
  '.gitignore',
] as const
export const folders = ['secrets', 'state'] as const

/** Of this moment or this host alone, or a cache. `host.json` and `.host` are here because a restored workspace has no host yet. */
const leftOut = [
  /^state\/headscale-copies(\/|$)/,
  /^state\/(tmgen\.run\.lock|journal\.json|backup\.json|host\.json|status(\/|$))/,
  // The monitor's history, and its socket: what is needed of it is seen anew on the disk.
  /^state\/(monitor|page)(\/|$)/,
  /^state\/gateway\/\.(reserve$|host)/,
  /^state\/gateway\/[^/]+\/tailscaled\.log/,
  /^state\/gateway\/[^/]+\/profile-data\/[^/]+\/netmap-cache(\/|$)/,
  // SQLite makes it anew from the log beside it.
  /^state\/headscale\/db\.sqlite-shm$/,
  /\.tmgen-tmp$/,
]

export const isLeftOut = (path: string): boolean => leftOut.some((pattern) => pattern.test(path))

/** Folders deeper than this are none of ours; state/gateway/NAME/profile-data/ID/... has five. */
export const deepest = 12
const plainName = /^[\x20-\x2e\x30-\x5b\x5d-\x7e]{1,255}$/

/** Whether a file may lie at `path` of a workspace that is restored: no way out of it, and nothing else than it needs. */
export function isPlace(path: string): boolean {
  if ((topFiles as readonly string[]).includes(path)) return true
  const parts = path.split('/')
  const isSound = parts.every((part) => plainName.test(part) && part !== '.' && part !== '..')
  const isOurs = parts.length >= 2 && (folders as readonly string[]).includes(parts[0] ?? '')
  return isSound && isOurs && parts.length <= deepest && !isLeftOut(path)
}

/** Mode that restore gives a file. */
export const modeAt = (path: string): number => (/^(secrets|state)\//.test(path) ? 0o600 : 0o644)
