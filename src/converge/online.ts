import { makeProvider } from '../control/index.ts'
import type { Deployment } from '../resolve/types.ts'
import type { World } from '../world.ts'
import type { Observed } from './types.ts'

/** How long a control server may take to show that it is there, in ms. */
const timeoutMs = 5_000
/** What says that nobody listens there; anything else (an unknown certificate, an error page) is an answer. */
const nobody = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|TIMEOUT|ABORT/i

/**
 * The nodes of this workspace that are online in the control plane: another host, or a stack here, runs them.
 * @returns their names; `undefined` where nobody can be asked (provider manual)
 * @throws TmgenError `control-*`
 */
export async function onlineNodes(
  world: World,
  dir: string,
  deployment: Deployment,
  observed: Observed,
  dependencies = { makeProvider },
): Promise<string[] | undefined> {
  const { control, controlUrl, users } = deployment
  if (control.provider === 'manual') return undefined
  // The embedded server moves along with the workspace: while it answers, a stack runs with its database.
  if (control.provider === 'embedded')
    return (await answers(world, controlUrl)) ? [`the control server ${controlUrl}`] : []
  const provider = dependencies.makeProvider(deployment, { world, workspaceDir: dir })
  const ids = new Set([
    ...observed.enrolled.values(),
    ...Object.values(observed.control.users).flatMap((record) => record.nodeId ?? []),
  ])
  const tags = new Set(users.map((user) => user.tag))
  const isOurs = (id: string, of: readonly string[]) => ids.has(id) || of.some((tag) => tags.has(tag))
  const nodes = await provider.listNodes()
  return nodes.filter((node) => node.online && isOurs(node.id, node.tags)).map((node) => node.hostname)
}

async function answers(world: World, url: string): Promise<boolean> {
  try {
    await world.fetch(new URL('/health', url), { signal: AbortSignal.timeout(timeoutMs), redirect: 'manual' })
    return true
  } catch (error) {
    return !nobody.test(describe(error))
  }
}

const describe = (error: unknown): string => {
  const { name, code, cause } = error as { name?: string; code?: string; cause?: unknown }
  return [name, code, cause === undefined ? '' : describe(cause)].join(' ')
}
