/** Environment variables that hold a credential of a control plane. */
export const variables = {
  headscaleKey: 'TMGEN_HEADSCALE_API_KEY',
  tailscaleKey: 'TMGEN_TAILSCALE_API_KEY',
  tailscaleClient: 'TMGEN_TAILSCALE_CLIENT_ID',
  tailscaleSecret: 'TMGEN_TAILSCALE_CLIENT_SECRET',
} as const

type Env = Readonly<Record<string, string | undefined>>

/** The environment for other programs: they need no credential of ours, and process lists show what they were given. */
export function withoutCredentials(env: Env): Env {
  const ours: ReadonlySet<string> = new Set(Object.values(variables))
  return Object.fromEntries(Object.entries(env).filter(([name]) => !ours.has(name)))
}
