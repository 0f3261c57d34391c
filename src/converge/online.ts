import { makeProvider } from '../control/index.ts'
import { TmgenError } from '../errors.ts'
import { nodesOf } from '../resolve/nodes.ts'
import type { Deployment } from '../resolve/types.ts'
import type { World } from '../world.ts'
import type { Observed } from './types.ts'

/** How long a control server may take to show that it is there, in ms. */
const timeoutMs = 5_000

/**
 * What runs this workspace now, as far as can be seen: its containers on this host, also those of another folder, and
 * its nodes that are online in the control plane.
 * @returns `running`, as people read it; `isSure`: an empty list means that nothing runs anywhere
 * @throws TmgenError `control-*` where a control plane that knows does not answer
 */
export async function stillRunning(
  world: World,
  dir: string,
  deployment: Deployment,
  observed: Observed,
  dependencies = { makeProvider },
): Promise<{ running: string[]; isSure: boolean }> {
  const { control, controlUrl, workspace } = deployment
  const running = await containersOf(world, workspace.id)
  if (running.length > 0) return { running, isSure: true }
  if (control.provider === 'manual') return { running, isSure: false }
  // The embedded server moves along with the workspace: one that answers belongs to a stack that runs.
  if (control.provider === 'embedded')
    return (await answers(world, controlUrl))
      ? { running: [`the control server ${controlUrl}`], isSure: true }
      : { running, isSure: false }
  const provider = dependencies.makeProvider(deployment, { world, workspaceDir: dir })
  const ids = new Set([
    ...observed.enrolled.values(),
    ...Object.values(observed.control.users).flatMap((record) => record.nodeId ?? []),
  ])
  const tags = new Set(nodesOf(deployment).map((node) => node.tag))
  const isOurs = (id: string, of: readonly string[]) => ids.has(id) || of.some((tag) => tags.has(tag))
  const nodes = (await provider.listNodes()).filter((node) => node.online && isOurs(node.id, node.tags))
  return { running: nodes.map((node) => `node ${node.hostname}`), isSure: true }
}

/** Running containers of the workspace on this host, with the folder that they were started in. */
async function containersOf(world: World, workspace: string): Promise<string[]> {
  const format = ['service', 'project.working_dir']
    .map((label) => `{{.Label "com.docker.compose.${label}"}}`)
    .join(' in ')
  try {
    const args = ['ps', '--filter', `label=tmgen.workspace=${workspace}`, '--format', format]
    const { exitCode, stdout } = await world.docker.run(args)
    return exitCode === 0 ? stdout.split('\n').filter((line) => line.trim() !== '') : []
  } catch (error) {
    if (error instanceof TmgenError) return [] // no Docker: nothing of it runs here
    throw error
  }
}

/** Whether anything answers there, an unknown certificate or an error page too. */
async function answers(world: World, url: string): Promise<boolean> {
  try {
    await world.fetch(new URL('/health', url), { signal: AbortSignal.timeout(timeoutMs), redirect: 'manual' })
    return true
  } catch (error) {
    const { code } = ((error as { cause?: unknown }).cause ?? {}) as { code?: unknown }
    return typeof code === 'string' && /CERT|SELF_SIGNED|ERR_TLS|ERR_SSL|HPE_/.test(code)
  }
}
