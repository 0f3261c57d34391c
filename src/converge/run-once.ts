import { parseConfig } from '../config/index.ts'
import type { Provider } from '../control/types.ts'
import { TmgenError, TmgenErrors } from '../errors.ts'
import { type Lock, resolve } from '../resolve/index.ts'
import type { Secret } from '../secret.ts'
import type { World } from '../world.ts'
import { apply } from './apply.ts'
import type { Command, Dependencies, Outcome, Stage } from './command.ts'
import { hostNote, hostState, refuseOtherHost } from './host.ts'
import { observeImport } from './importing.ts'
import { journalOf } from './journal.ts'
import { observe } from './observe.ts'
import { plan } from './plan.ts'
import { takeBack } from './recover-here.ts'
import { desiredOf, gatherSecrets, permissionOf, requestOf } from './stages.ts'
import { readManifest } from './state-files.ts'
import type { Observed } from './types.ts'
import { openWorkspace, startLock } from './workspace.ts'

/**
 * One run: load, resolve, render, observe, plan, apply.
 * @param stage of a verb that takes several
 * @throws TmgenError or TmgenErrors of any of them; a failure inside apply is taken back as far as it can be at once
 */
export async function runOnce(
  world: World,
  dir: string,
  command: Command,
  dependencies: Dependencies,
  stage?: Stage,
): Promise<Outcome> {
  const workspace = await openWorkspace(world, dir)
  const { parsed: before } = workspace
  const text = command.edit?.(before) ?? before.text
  const parsed = text === before.text ? before : parseConfig(new TextEncoder().encode(text), 'tmgen.yaml')
  const locked = startLock(world, workspace)
  const start = command.editLock?.(locked) ?? locked
  const phase = stage?.phase
  const isEnd = phase === 'end'
  const gone = Object.keys(start.users).filter((id) => isEnd && start.users[id]?.name === command.remove)
  const importing = command.importing && (await observeImport(world, command.importing))
  const uids = new Map(importing === undefined ? [] : [[importing.user, importing.uid]])
  const resolved = resolve(parsed, start, command.rebind, gone, uids)
  const { deployment, lock } = resolved
  // On a host that is elsewhere lies the state of the nodes too, and nothing here knows of it.
  const host = deployment.host === 'remote' ? 'here' : await hostState(world, dir, lock.workspace)
  if (command.checkOnly !== true && command.adopt !== true) refuseOtherHost(host)
  refuseAmidRename(start, command)

  const secrets = await gatherSecrets(world, dir, deployment, command.newPasswords ?? [])
  const manifest = await readManifest(world, dir)
  const desired = await desiredOf(world, workspace, command, { ...resolved, manifest, secrets, text })
  let made: Provider | undefined
  const provider = () => {
    made ??= dependencies.makeProvider(deployment, { world, workspaceDir: dir })
    return made
  }
  // What is looked at still has the user who is forgotten in the end.
  const seen = isEnd ? resolve(parsed, start) : resolved
  const request = {
    dir,
    tree: desired.tree,
    provider,
    ...requestOf(command, stage, { seen, deployment, manifest, before }),
  }
  const observed: Observed = { ...(await observe(world, request)), ...(importing === undefined ? {} : { importing }) }
  const now = world.now()
  const { steps, notes, refusals } = plan(desired, observed, permissionOf(command, stage, { before, parsed, now }))
  notes.unshift(...resolved.moved)
  const elsewhere = command.adopt === true ? undefined : hostNote(host)
  if (elsewhere !== undefined) notes.unshift(elsewhere)
  const isCheck = command.checkOnly === true
  if (refusals.length > 0 && !(isCheck && command.tellRefusals)) throw new TmgenErrors(refusals)
  const lockBefore = workspace.lock
  const outcome: Outcome = { dir, parsed, deployment, lock, lockBefore, observed, steps, notes, refusals }
  if (isCheck) return outcome
  // What the server would refuse is not asked about.
  for (const step of steps) if (step.kind === 'write-policy' && step.over) await provider().checkPolicy(step.text)
  await command.review?.(outcome)

  const about = {
    command: command.name,
    desired,
    lockBefore,
    lock,
    yamlHash: workspace.yamlHash,
    hadControl: workspace.control !== undefined,
    again: againOf(command, phase, observed),
    at: now,
  }
  const pasted = command.keys ?? new Map<string, Secret>()
  const pending = { passwords: secrets.made, pasted, workspaceKey: secrets.isNewKey ? secrets.workspaceKey : undefined }
  const onStep = command.onStep ?? (() => undefined)
  try {
    const journal = journalOf(about, steps)
    const way = { journal, provider, onStep, isEnd: isForward(phase) }
    notes.push(...(await apply(world, { dir, desired, observed, steps, secrets: pending, ...way })))
  } catch (error) {
    if (error instanceof TmgenError) await takeBack(world, dir, dependencies, command)
    throw error
  }
  return outcome
}

/** Phases in which nothing is taken back: the same command goes on. */
const isForward = (phase: Stage['phase'] | undefined) => phase === 'end' || phase === 'move' || phase === 'purge'

/** What a person types to go on with a run that was killed, where that is not simply undone. */
function againOf(command: Command, phase: Stage['phase'] | undefined, observed: Observed): string | undefined {
  const { remove, rename, rekey, purge } = command
  if (remove !== undefined && (phase === 'purge' || (phase === 'end' && observed.leaving !== undefined)))
    return `remove user ${remove}${purge ? ' --purge' : ''}`
  if (phase !== 'move' && phase !== 'back') return undefined
  return rename === undefined ? `rotate ${rekey} --key` : `rename user ${rename.from} ${rename.to}`
}

/** What lies under a former name is not to be replaced or removed under the new one. */
function refuseAmidRename({ users }: Lock, { remove, newPasswords = [], rekey }: Command): void {
  const touched = [remove, rekey, ...newPasswords]
  for (const { name, formerly } of Object.values(users))
    if (formerly !== undefined && (touched.includes(name) || touched.includes(formerly)))
      throw new TmgenError('usage', `${name} is still being renamed`, {
        hint: `first: tmgen rename user ${formerly} ${name}`,
      })
}
