import { makeProvider, type Provider } from '../../../src/control/index.ts'
import type { DeployedUser, Deployment } from '../../../src/resolve/types.ts'
import type { Docker, World } from '../../../src/world.ts'

export interface Surroundings {
  fetch?: typeof fetch
  docker?: Docker
  env?: Record<string, string>
  now?: () => Date
  /** What was slept, in ms. */
  slept?: number[]
}

/** A provider in a world that holds only what providers use; nothing is really slept. */
export function providerFor(control: object, around: Surroundings = {}): Provider {
  const world = {
    fetch: around.fetch ?? fetch,
    docker: around.docker,
    env: around.env ?? {},
    now: around.now ?? (() => new Date()),
  } as unknown as World
  const sleep = async (ms: number) => void around.slept?.push(ms)
  return makeProvider({ control: control as Deployment['control'] }, { world, workspaceDir: '/w', sleep })
}

export function user(name: string, extra: Partial<DeployedUser> = {}): DeployedUser {
  const fields = {
    id: `u-${name}`,
    name,
    tag: `tag:tm-${name}`,
    logins: [`${name}@example.com`],
    tags: [],
    enabled: true,
    ports: [445],
  }
  return { ...fields, ...extra } as DeployedUser
}

export function deployment(provider: Deployment['control']['provider'], users: DeployedUser[]): Deployment {
  return { control: { provider }, users } as unknown as Deployment
}

/** The error of a promise that must fail. */
export async function faultOf(promise: Promise<unknown>): Promise<Error & { code: string; hint?: string }> {
  try {
    await promise
  } catch (error) {
    return error as Error & { code: string; hint?: string }
  }
  throw new Error('it did not fail')
}
