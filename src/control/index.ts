import { setTimeout } from 'node:timers/promises'
import { TmgenError } from '../errors.ts'
import type { Deployment } from '../resolve/types.ts'
import { Secret } from '../secret.ts'
import type { World } from '../world.ts'
import { variables } from './credentials.ts'
import { embeddedProvider } from './embedded.ts'
import { headscaleProvider } from './headscale.ts'
import { makeHttp } from './http.ts'
import { manualProvider } from './manual.ts'
import { tailscaleProvider } from './tailscale.ts'
import { tailscaleCredential } from './tailscale-auth.ts'
import type { Provider } from './types.ts'

export { type BroaderRule, broaderRules } from './broader.ts'
export { type Finding, findingText, judgePolicy, shutOut } from './judge.ts'
export { keyDescription, ownKeys } from './keys.ts'
export { formatPolicy, type Policy, policyFor } from './policy.ts'
export { editPolicy, type PolicyEdit } from './policy-own.ts'
export type * from './types.ts'

const headscaleVariable = variables.headscaleKey

export interface ProviderContext {
  world: World
  /** Absolute path; `docker compose` for the embedded Headscale runs there. */
  workspaceDir: string
  /** Waits; passed in by tests. */
  sleep?: (ms: number) => Promise<void>
}

/**
 * The provider of a deployment. Credentials come from world.env; a missing one throws TmgenError `secret` that names
 * the variable. Nothing is sent before the first call.
 */
export function makeProvider(deployment: Pick<Deployment, 'control'>, context: ProviderContext): Provider {
  const { world, sleep = async (ms: number) => void (await setTimeout(ms)) } = context
  const { control } = deployment
  const common = { fetch: world.fetch, sleep, now: () => world.now() }
  switch (control.provider) {
    case 'manual':
      return manualProvider()
    case 'embedded':
      return embeddedProvider(world.docker, context.workspaceDir, control.baseDomain)
    case 'headscale': {
      const value = new Secret(`Bearer ${required(world, headscaleVariable)}`)
      const authorization = async () => value
      const options = { ...common, base: control.url, system: 'Headscale', variable: headscaleVariable, authorization }
      return headscaleProvider(makeHttp(options), common.now)
    }
    case 'tailscale': {
      const options = { ...common, base: control.api, system: 'Tailscale' }
      return tailscaleProvider(makeHttp({ ...options, ...tailscaleCredential(world.env, options) }), control.tailnet)
    }
  }
}

function required(world: World, name: string): string {
  const value = world.env[name]?.trim()
  if (value !== undefined && /^[\x21-\x7e]+$/.test(value)) return value
  const fault = value === undefined || value === '' ? 'is not set' : 'holds characters that no key has'
  throw new TmgenError('secret', `the environment variable ${name} ${fault}`, {
    hint: `make an API key on the server (headscale apikeys create) and export ${name}`,
  })
}
