import { makeProvider } from '../control/index.ts'
import { type Deployment, type Lock, resolve } from '../resolve/index.ts'
import type { World } from '../world.ts'
import { hostNote, hostState } from './host.ts'
import { readTemplates } from './inputs.ts'
import { readJournal } from './journal.ts'
import { observe } from './observe.ts'
import type { Observed } from './types.ts'
import { openWorkspace, startLock } from './workspace.ts'

export interface Inspection {
  dir: string
  deployment: Deployment
  lock: Lock
  observed: Observed
  templates: Readonly<Record<string, string>>
  notes: string[]
}

/**
 * Looks at a workspace for a command that only shows something: no rendering, no checks of the host, nothing written.
 * @param remote `read`: a control plane that does not answer is a note
 * @throws errors of config, lock and state files
 */
export async function inspect(
  world: World,
  from: string,
  remote: 'no' | 'read',
  dependencies = { makeProvider },
): Promise<Inspection> {
  const workspace = await openWorkspace(world, from)
  const { dir } = workspace
  const { deployment, lock } = resolve(workspace.parsed, startLock(world, workspace))
  const provider = () => dependencies.makeProvider(deployment, { world, workspaceDir: dir })
  const observed = await observe(world, { dir, deployment, tree: new Map(), remote, provider, purpose: 'show' })
  const journal = await readJournal(world, dir)
  const notes = [...observed.notes]
  const host = deployment.host === 'remote' ? undefined : hostNote(await hostState(world, dir, lock.workspace))
  if (host !== undefined) notes.unshift(host)
  if (journal !== undefined)
    notes.push(`"${journal.command}" of ${journal.at} was interrupted; the next command that writes ends it`)
  return { dir, deployment, lock, observed, templates: await readTemplates(world), notes }
}
