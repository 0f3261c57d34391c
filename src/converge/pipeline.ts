import { join } from 'node:path'
import { type ParsedConfig, parseConfig } from '../config/index.ts'
import { makeProvider } from '../control/index.ts'
import type { Provider } from '../control/types.ts'
import { TmgenError, TmgenErrors } from '../errors.ts'
import { render } from '../render/index.ts'
import { type Deployment, type Lock, mirrorOf, resolve } from '../resolve/index.ts'
import type { Secret } from '../secret.ts'
import type { World } from '../world.ts'
import { apply, ensureState } from './apply.ts'
import { loadRenderInputs } from './inputs.ts'
import { journalOf, readJournal } from './journal.ts'
import { leaverOf } from './leaving.ts'
import { observe } from './observe.ts'
import { type Desired, plan } from './plan.ts'
import { recover } from './recover.ts'
import { makePassword, makeWorkspaceKey, readPasswords, readWorkspaceKey } from './secrets.ts'
import { readManifest, stateFiles, stateText } from './state-files.ts'
import type { Observed, Step } from './types.ts'
import { findWorkspace, lockTextAfter, openWorkspace, startLock } from './workspace.ts'

/** Steps that stay on this machine: what `generate` may do. */
const localSteps: ReadonlySet<Step['kind']> = new Set<Step['kind']>([
  'write-file',
  'remove-file',
  'make-password',
  'storage',
])
const remoteSteps: Step['kind'][] = [
  'create-login',
  'write-policy',
  'mint-key',
  'expire-key',
  'paste-key',
  'record-node',
]
const endSteps: Step['kind'][] = ['archive-storage', 'mark-storage', 'delete-node', 'forget-user']
const permitted = {
  local: localSteps,
  access: new Set<Step['kind']>([...localSteps, 'create-login', 'write-policy', 'stop-container']),
  all: new Set<Step['kind']>([...localSteps, ...remoteSteps, 'stop-container']),
  end: new Set<Step['kind']>([...localSteps, 'write-policy', 'expire-key', 'stop-container', ...endSteps]),
}

/** What a command asks of the pipeline. */
export interface Command {
  /** As the person typed it, without secrets: for the run lock and the journal. */
  name: string
  /** Returns the new text of tmgen.yaml; every byte outside the edit stays. */
  edit?: (parsed: ParsedConfig) => string
  /** Users whose nodes forget which account each login belongs to. */
  rebind?: readonly string[]
  /**
   * `local`: what `generate` may do, without the control plane; `access`: also who may connect, and the end of
   * containers that nobody needs; `all`: what `add user` and `provision` may do.
   */
  permits: 'local' | 'access' | 'all'
  /** `no`: the network is not touched; `read`: a control plane that does not answer is a note; `write`: it is an error. */
  remote: 'no' | 'read' | 'write'
  /** Users whose logins and keys are seen to; absent: all. */
  users?: readonly string[]
  /** Name of a user who is removed, in two runs: access ends by `edit`, then all else. */
  remove?: string
  /** Users who get a new SMB password. */
  newPasswords?: readonly string[]
  /** Auth keys that the person hands over, by user name. */
  keys?: ReadonlyMap<string, Secret>
  /** Plan only: nothing is written, no lock is taken. */
  checkOnly?: boolean
  /** With `checkOnly`: what would be refused is in the outcome beside the rest, instead of thrown. */
  tellRefusals?: boolean
  /** Looks at the running containers too; where Docker does not answer that is a note. */
  stack?: boolean
  /** Shown what will be done before anything is; when it throws, every file is as it was. */
  review?: (planned: Outcome) => Promise<void>
  /** Told of each step as it begins, and at once of what an interrupted run left. */
  onStep?: (step: Step) => void
  onNote?: (note: string) => void
}

export interface Outcome {
  dir: string
  parsed: ParsedConfig
  deployment: Deployment
  lock: Lock
  /** As it was; undefined in a workspace that had none yet. */
  lockBefore: Lock | undefined
  observed: Observed
  /** Done, or with `checkOnly` what would be done. */
  steps: Step[]
  notes: string[]
  /** Why a command that writes would refuse all of it; empty unless `tellRefusals`. */
  refusals: TmgenError[]
}

/** What tests put in place of the real control planes. */
export interface Dependencies {
  makeProvider: typeof makeProvider
}

/**
 * The one way of every command: load, resolve, render, observe, plan, apply, under the run lock and after the recovery
 * of an interrupted run. A failure before apply leaves every file as it was; one in apply before tmgen.yaml is written
 * is taken back at once, a later one is finished by the next run.
 * @throws TmgenError or TmgenErrors of any stage
 */
export async function pipeline(
  world: World,
  from: string,
  command: Command,
  dependencies: Dependencies = { makeProvider },
): Promise<Outcome> {
  const dir = await findWorkspace(world, from)
  const run = (wanted: Command) => runOnce(world, dir, wanted, dependencies)
  if (command.checkOnly === true) {
    const outcome = await run(command)
    const journal = await readJournal(world, dir)
    if (journal !== undefined)
      outcome.notes.unshift(
        `"${journal.command}" of ${journal.at} was interrupted; the next command that writes ends it`,
      )
    return outcome
  }
  await ensureState(world, dir)
  const release = await world.holdLock(join(dir, stateFiles.runLock), command.name)
  try {
    const recovery = await recoverHere(world, dir, dependencies)
    for (const note of recovery.notes) command.onNote?.(note)
    if (recovery.mustFinish) {
      const { edit: _edit, keys: _keys, rebind: _rebind, newPasswords: _new, ...others } = command
      const { remove: _remove, review: _review, ...rest } = others
      await run({ ...rest, name: `${command.name} (finishing)`, permits: 'local', remote: 'no' })
    }
    const { remove } = command
    const outcome =
      remove === undefined ? await run(command) : await removeUser(world, dir, { ...command, remove }, dependencies)
    return { ...outcome, notes: [...recovery.notes, ...outcome.notes] }
  } finally {
    await release()
  }
}

/**
 * Removes a user in two runs: the first takes the user out of tmgen.yaml, cuts the route and stops the container; the
 * second puts the data aside, ends node and key, and forgets the user. Killed in between, the user is in the lock alone,
 * and the same command goes on there.
 */
async function removeUser(
  world: World,
  dir: string,
  command: Command & { remove: string },
  dependencies: Dependencies,
): Promise<Outcome> {
  const cut = await runOnce(world, dir, command, dependencies, { phase: 'cut' })
  const storage = cut.observed.leaving?.user.storage
  const { edit: _edit, ...rest } = command
  const end = await runOnce(world, dir, rest, dependencies, { phase: 'end', storage }).catch((error) => {
    command.onNote?.(`the access of ${command.remove} has ended; the rest is not done: run the same command again`)
    throw error
  })
  return { ...end, steps: [...cut.steps, ...end.steps], notes: [...new Set([...cut.notes, ...end.notes])] }
}

async function recoverHere(world: World, dir: string, dependencies: Dependencies) {
  return recover(world, dir, async () => {
    const { parsed } = await openConfig(world, dir)
    return dependencies.makeProvider({ control: parsed.config.control }, { world, workspaceDir: dir })
  })
}

async function openConfig(world: World, dir: string) {
  const yaml = await world.disk.readFile(join(dir, 'tmgen.yaml'))
  if (yaml === undefined) throw new TmgenError('config-missing', `no tmgen.yaml in ${dir}`)
  return { parsed: parseConfig(yaml, 'tmgen.yaml') }
}

/** Passwords of all served users: read, or made in memory where there is none; apply writes those. */
async function gatherSecrets(world: World, dir: string, deployment: Deployment, renewed: readonly string[]) {
  const known = await readWorkspaceKey(world, dir)
  const workspaceKey = known ?? makeWorkspaceKey(world.randomBytes)
  const names = deployment.users.filter((user) => user.enabled).map((user) => user.name)
  const found = await readPasswords(
    world,
    dir,
    names.filter((name) => !renewed.includes(name)),
  )
  const made = new Map(names.filter((name) => !found.has(name)).map((name) => [name, makePassword(world.randomBytes)]))
  return { all: new Map([...found, ...made]), made, workspaceKey, isNewKey: known === undefined }
}

async function runOnce(
  world: World,
  dir: string,
  command: Command,
  dependencies: Dependencies,
  removal?: { phase: 'cut' | 'end'; storage?: string | undefined },
): Promise<Outcome> {
  const workspace = await openWorkspace(world, dir)
  const { parsed: before } = workspace
  const text = command.edit?.(before) ?? before.text
  const parsed = text === before.text ? before : parseConfig(new TextEncoder().encode(text), 'tmgen.yaml')
  const start = startLock(world, workspace)
  const { remove } = command
  const isEnd = removal?.phase === 'end'
  const gone = Object.keys(start.users).filter((id) => isEnd && start.users[id]?.name === remove)
  const { deployment, lock } = resolve(parsed, start, command.rebind, gone)
  // What is looked at still has the user who is forgotten in the end.
  const seen = isEnd ? resolve(parsed, start) : { deployment, lock }

  const secrets = await gatherSecrets(world, dir, deployment, command.newPasswords ?? [])
  const inputs = await loadRenderInputs(world, secrets.all, secrets.workspaceKey)
  const manifest = await readManifest(world, dir)
  const written = Object.values(manifest.files)
  const tree = render(deployment, { ...inputs, readBack: new Set(written.map((file) => file.sha256)) })
  const desired: Desired = {
    deployment,
    tree,
    yaml: { before: before.text, after: text },
    lock: { before: workspace.lockText, after: lockTextAfter(workspace, lock) },
    mirror: { before: workspace.mirrorText, after: stateText(mirrorOf(lock)) },
  }
  let made: Provider | undefined
  const provider = () => {
    made ??= dependencies.makeProvider(deployment, { world, workspaceDir: dir })
    return made
  }
  const purpose = command.checkOnly === true ? 'plan' : 'write'
  const configured = removal?.storage ?? before.config.users.find((user) => user.name === remove)?.storage
  const leaver = remove === undefined ? undefined : leaverOf(remove, seen.lock, seen.deployment, manifest, configured)
  const { remote, stack = false } = command
  const seenAs = { dir, deployment: seen.deployment, tree, remote, provider, purpose, leaver, stack } as const
  const observed = await observe(world, seenAs)
  const pasted = command.keys ?? new Map<string, Secret>()
  const now = world.now()
  const renewed = new Set(command.newPasswords)
  const kinds = permitted[isEnd ? 'end' : command.permits]
  const leaving = remove === undefined || removal === undefined ? undefined : { name: remove, phase: removal.phase }
  const permission = { kinds, leaving, users: command.users, renewed, pasted: new Set(pasted.keys()), now }
  const { steps, notes, refusals } = plan(desired, observed, permission)
  if (refusals.length > 0 && !(purpose === 'plan' && command.tellRefusals)) throw new TmgenErrors(refusals)
  const lockBefore = workspace.lock
  const outcome: Outcome = { dir, parsed, deployment, lock, lockBefore, observed, steps, notes, refusals }
  if (purpose === 'plan') return outcome
  await command.review?.(outcome)

  const hadControl = workspace.control !== undefined
  const about = {
    command: command.name,
    desired,
    lockBefore,
    lock,
    yamlHash: workspace.yamlHash,
    hadControl,
    leaving: isEnd && observed.leaving !== undefined ? remove : undefined,
    at: now,
  }
  const pending = { passwords: secrets.made, pasted, workspaceKey: secrets.isNewKey ? secrets.workspaceKey : undefined }
  const onStep = command.onStep ?? (() => undefined)
  try {
    const journal = journalOf(about, steps)
    notes.push(
      ...(await apply(world, { dir, desired, observed, steps, secrets: pending, journal, provider, onStep, isEnd })),
    )
  } catch (error) {
    if (error instanceof TmgenError) await takeBack(world, dir, dependencies, command)
    throw error
  }
  return outcome
}

/** After a failure inside apply: undoes what can be undone now. What cannot is left to the next run, by the journal. */
async function takeBack(world: World, dir: string, dependencies: Dependencies, command: Command): Promise<void> {
  try {
    await recoverHere(world, dir, dependencies)
  } catch (error) {
    if (!(error instanceof TmgenError)) throw error
    command.onNote?.(`not all could be undone now (${error.message}); the next tmgen command does it`)
  }
}
