import { join } from 'node:path'
import { type ParsedConfig, parseConfig } from '../config/index.ts'
import { makeProvider } from '../control/index.ts'
import type { Provider } from '../control/types.ts'
import { TmgenError, TmgenErrors } from '../errors.ts'
import { type RestoreAccess, render, restoreFiles } from '../render/index.ts'
import { type DeployedUser, type Deployment, type Lock, mirrorOf, resolve } from '../resolve/index.ts'
import { servedUsers } from '../resolve/nodes.ts'
import type { Secret } from '../secret.ts'
import type { World } from '../world.ts'
import { apply, ensureState } from './apply.ts'
import { claimHost, hostNote, hostState, refuseOtherHost } from './host.ts'
import { type ImportWish, observeImport } from './importing.ts'
import { loadRenderInputs } from './inputs.ts'
import { journalOf, readJournal } from './journal.ts'
import { leaverOf } from './leaving.ts'
import { observe } from './observe.ts'
import { copiesOf } from './old-formats.ts'
import { type Desired, plan } from './plan.ts'
import type { PurgeRequest } from './purge.ts'
import { recover } from './recover.ts'
import { rekeyUser } from './rekey-user.ts'
import { removeUser } from './remove-user.ts'
import { renameUser } from './rename-user.ts'
import { makePassword, makeWorkspaceKey, readPasswords, readWorkspaceKey } from './secrets.ts'
import { readManifest, readMirror, stateFiles, stateText } from './state-files.ts'
import type { LimitWish, Observed, Step } from './types.ts'
import { findWorkspace, lockTextAfter, openWorkspace, startLock } from './workspace.ts'

/** Steps that stay on this machine: what `generate` may do. */
const localSteps: ReadonlySet<Step['kind']> = new Set<Step['kind']>([
  'write-file',
  'remove-file',
  'make-password',
  'copy-database',
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
const moveSteps: Step['kind'][] = ['tag-node', 'rename-node', 'move-file', 'move-storage', 'delete-node', 'forget-node']
const allSteps: Step['kind'][] = [...localSteps, ...remoteSteps, 'stop-container']
const permitted = {
  limits: new Set<Step['kind']>(['limit-storage']),
  restore: new Set<Step['kind']>(['open-restore', 'close-restore']),
  local: localSteps,
  access: new Set<Step['kind']>([...localSteps, 'create-login', 'write-policy', 'stop-container']),
  all: new Set<Step['kind']>(allSteps),
  policy: new Set<Step['kind']>(['write-policy']),
  import: new Set<Step['kind']>([...allSteps, 'import-storage']),
  orphans: new Set<Step['kind']>(['delete-node', 'expire-key']),
}
/** What the further runs of a verb may do that takes several. */
const permittedIn = {
  // Not the policy: tmgen.yaml still has the user when it would be written, and a killed run could not take it back.
  cut: new Set<Step['kind']>([...localSteps, 'create-login', 'stop-container']),
  end: new Set<Step['kind']>([...localSteps, 'write-policy', 'expire-key', 'stop-container', ...endSteps]),
  // Not the policy, which a killed run could not take back.
  check: new Set<Step['kind']>([...localSteps, 'stop-container']),
  move: new Set<Step['kind']>([...localSteps, 'write-policy', 'expire-key', 'stop-container', ...moveSteps]),
  back: permitted.all,
  purge: new Set<Step['kind']>(['purge-storage']),
}

/** One of the runs of a verb that takes several. */
export type Stage =
  | { phase: 'cut' | 'end'; storage?: string | undefined }
  | { phase: 'check' | 'move' | 'back' }
  | { phase: 'purge'; request: PurgeRequest }

/** A run of the pipeline as part of such a verb. */
export type Once = (command: Command, stage: Stage) => Promise<Outcome>

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
   * containers that nobody needs; `all`: what `add user` and `provision` may do; `policy`: the policy alone, also in
   * somebody else's tailnet; `orphans`: the end of those that `orphans` names; `limits`: programs that limit storage;
   * `import`: `all`, and taking over data; `restore`: a restore access.
   */
  permits: 'local' | 'access' | 'all' | 'policy' | 'orphans' | 'limits' | 'import' | 'restore'
  /** `no`: the network is not touched; `read`: a control plane that does not answer is a note; `write`: it is an error. */
  remote: 'no' | 'read' | 'write'
  /** Users whose logins and keys are seen to; absent: all. */
  users?: readonly string[]
  /** Name of a user who is removed, in two runs: access ends by `edit`, then all else. */
  remove?: string
  /** With `remove`: then what the user left is deleted, also of one who was removed before. */
  purge?: boolean
  /** A user gets another name, in three runs: the route is cut, all that has the old name follows, the route comes back. */
  rename?: { from: string; to: string }
  /** Changes the lock before it is resolved with. */
  editLock?: (lock: Lock) => Lock
  /** A user whose node gets a new key, in three runs: the route is cut, the former node goes, the route comes back. */
  rekey?: string
  /** Users who get a new SMB password. */
  newPasswords?: readonly string[]
  /** Whose storage gets a limit, with `permits: 'limits'`. */
  limits?: LimitWish
  /** Data that was there before, of a user whom `edit` adds. */
  importing?: ImportWish
  /** Access from a LAN to open, or the name of the user whose is closed, with `permits: 'restore'`. */
  restore?: RestoreAccess | string
  /** Goes on where quotas are larger than their disk; always so for commands that end access. */
  toleratesOvercommit?: boolean
  /** Auth keys that the person hands over, by user name. */
  keys?: ReadonlyMap<string, Secret>
  /** The lock says afterwards that this version of tmgen wrote it. */
  upgrade?: boolean
  /** Takes over a workspace that another host had, or that comes from a backup; all else is refused there. */
  adopt?: boolean
  /** Nodes and keys of ours that belong to nobody, as findOrphans names them: these alone are removed. */
  orphans?: readonly string[]
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
    if (command.adopt !== true) await refuseRecoveryElsewhere(world, dir)
    const recovery = await recoverHere(world, dir, dependencies)
    for (const note of recovery.notes) command.onNote?.(note)
    if (recovery.mustFinish) {
      const { name, users, adopt, onStep, onNote } = command
      const rest = {
        ...(users && { users }),
        ...(adopt && { adopt }),
        ...(onStep && { onStep }),
        ...(onNote && { onNote }),
      }
      await run({ ...rest, name: `${name} (finishing)`, permits: 'local', remote: 'no', toleratesOvercommit: true })
    }
    const once: Once = (wanted, stage) => runOnce(world, dir, wanted, dependencies, stage)
    const { remove, rename, rekey } = command
    const outcome =
      remove !== undefined
        ? await removeUser(world, dir, { ...command, remove }, once)
        : rename !== undefined
          ? await renameUser(world, dir, { ...command, rename }, once)
          : rekey !== undefined
            ? await rekeyUser(world, dir, { ...command, rekey }, once)
            : await run(command)
    const { deployment, lock } = outcome
    const notes = [...recovery.notes, ...outcome.notes]
    if (deployment.host === 'remote') return { ...outcome, notes }
    const state = await hostState(world, dir, lock.workspace)
    const claimed = await claimHost(world, dir, lock.workspace, state, command.adopt === true)
    return { ...outcome, notes: [...notes, ...claimed] }
  } finally {
    await release()
  }
}

/** To end what an interrupted run left reaches the control plane, and is for the host that the workspace belongs to. */
async function refuseRecoveryElsewhere(world: World, dir: string): Promise<void> {
  const mirror = await readMirror(world, dir)
  if (mirror === undefined || (await readJournal(world, dir)) === undefined) return
  const opened = await openConfig(world, dir).catch(() => undefined)
  if (opened?.parsed.config.host !== 'remote') refuseOtherHost(await hostState(world, dir, mirror.workspace))
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
  const names = servedUsers(deployment).map((user) => user.name)
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
  stage?: Stage,
): Promise<Outcome> {
  const workspace = await openWorkspace(world, dir)
  const { parsed: before } = workspace
  const text = command.edit?.(before) ?? before.text
  const parsed = text === before.text ? before : parseConfig(new TextEncoder().encode(text), 'tmgen.yaml')
  const locked = startLock(world, workspace)
  const start = command.editLock?.(locked) ?? locked
  const { remove, rename } = command
  const phase = stage?.phase
  const isEnd = phase === 'end'
  const gone = Object.keys(start.users).filter((id) => isEnd && start.users[id]?.name === remove)
  const importing = command.importing && (await observeImport(world, command.importing))
  const uids = new Map(importing === undefined ? [] : [[importing.user, importing.uid]])
  const { deployment, lock } = resolve(parsed, start, command.rebind, gone, uids)
  // On a host that is elsewhere lies the state of the nodes too, and nothing here knows of it.
  const host = deployment.host === 'remote' ? 'here' : await hostState(world, dir, lock.workspace)
  if (command.checkOnly !== true && command.adopt !== true) refuseOtherHost(host)
  // What is looked at still has the user who is forgotten in the end.
  const seen = isEnd ? resolve(parsed, start) : { deployment, lock }

  refuseAmidRename(start, command)

  const secrets = await gatherSecrets(world, dir, deployment, command.newPasswords ?? [])
  const inputs = await loadRenderInputs(world, secrets.all, secrets.workspaceKey, deployment)
  const manifest = await readManifest(world, dir)
  const written = Object.values(manifest.files)
  const tree = render(deployment, { ...inputs, readBack: new Set(written.map((file) => file.sha256)) })
  const { restore } = command
  const desired: Desired = {
    ...(restore === undefined
      ? {}
      : typeof restore === 'string'
        ? { restore: { user: restore } }
        : { restore: { user: restore.user, files: restoreFiles(deployment, inputs, restore) } }),
    deployment,
    tree,
    yaml: { before: workspace.yamlText, after: text },
    lock: {
      before: workspace.lockText,
      after: lockTextAfter(workspace, lock, world.version, command.upgrade === true),
    },
    mirror: { before: workspace.mirrorText, after: stateText(mirrorOf(lock)) },
    copies: await copiesOf(world, workspace),
  }
  let made: Provider | undefined
  const provider = () => {
    made ??= dependencies.makeProvider(deployment, { world, workspaceDir: dir })
    return made
  }
  const purpose = command.checkOnly === true ? 'plan' : 'write'
  const storage = stage !== undefined && 'storage' in stage ? stage.storage : undefined
  const configured = storage ?? before.config.users.find((user) => user.name === remove)?.storage
  const leaver =
    phase !== 'cut' && phase !== 'end'
      ? undefined
      : leaverOf(remove ?? '', seen.lock, seen.deployment, manifest, configured)
  const { remote, stack = false } = command
  const staged = phase === 'check' || phase === 'move' ? phase : undefined
  const renamed = deployment.users.filter(isRenamed).find((user) => user.name === rename?.to)
  const others = { renamed: staged && renamed, purge: stage?.phase === 'purge' ? stage.request : undefined }
  // The policy and orphans have nothing to do with this host's disks and networks; a restore must be possible also where
  // something is wrong with them.
  const looks = ['policy', 'orphans', 'restore'].includes(command.permits) ? 'show' : purpose
  const seenAs = {
    dir,
    deployment: seen.deployment,
    tree,
    remote,
    provider,
    purpose: looks,
    leaver,
    stack,
    limits: command.limits,
    ...others,
  } as const
  const observed: Observed = { ...(await observe(world, seenAs)), ...(importing === undefined ? {} : { importing }) }
  const pasted = command.keys ?? new Map<string, Secret>()
  const now = world.now()
  const renewed = new Set(command.newPasswords)
  const kinds = phase === undefined ? permitted[command.permits] : permittedIn[phase]
  const leaving = remove !== undefined && (phase === 'cut' || phase === 'end') ? { name: remove, phase } : undefined
  const handed = new Set(pasted.keys())
  const { users, rekey } = command
  // Verbs of several runs end access, or give it to the same people under another name.
  const isTolerant =
    command.toleratesOvercommit === true ||
    command.adopt === true ||
    command.upgrade === true ||
    stage !== undefined ||
    ['access', 'limits', 'restore'].includes(command.permits)
  const policy = command.permits === 'policy'
  const { orphans } = command
  const known = new Set(before.config.users.map(({ name }) => name))
  const added = new Set(parsed.config.users.map(({ name }) => name).filter((name) => !known.has(name)))
  const permission = {
    policy,
    orphans,
    kinds,
    leaving,
    staged,
    rekeyed: rekey,
    users,
    renewed,
    pasted: handed,
    now,
    limits: command.limits,
    toleratesOvercommit: isTolerant,
    added,
  }
  const { steps, notes, refusals } = plan(desired, observed, permission)
  const elsewhere = command.adopt === true ? undefined : hostNote(host)
  if (elsewhere !== undefined) notes.unshift(elsewhere)
  if (refusals.length > 0 && !(purpose === 'plan' && command.tellRefusals)) throw new TmgenErrors(refusals)
  const lockBefore = workspace.lock
  const outcome: Outcome = { dir, parsed, deployment, lock, lockBefore, observed, steps, notes, refusals }
  if (purpose === 'plan') return outcome
  // What the server would refuse is not asked about.
  for (const step of steps) if (step.kind === 'write-policy' && step.over) await provider().checkPolicy(step.text)
  await command.review?.(outcome)

  const hadControl = workspace.control !== undefined
  const about = {
    command: command.name,
    desired,
    lockBefore,
    lock,
    yamlHash: workspace.yamlHash,
    hadControl,
    again: againOf(command, phase, observed),
    at: now,
  }
  const pending = { passwords: secrets.made, pasted, workspaceKey: secrets.isNewKey ? secrets.workspaceKey : undefined }
  const onStep = command.onStep ?? (() => undefined)
  try {
    const journal = journalOf(about, steps)
    notes.push(
      ...(await apply(world, {
        dir,
        desired,
        observed,
        steps,
        secrets: pending,
        journal,
        provider,
        onStep,
        isEnd: isForward(phase),
      })),
    )
  } catch (error) {
    if (error instanceof TmgenError) await takeBack(world, dir, dependencies, command)
    throw error
  }
  return outcome
}

const isRenamed = (user: DeployedUser): user is DeployedUser & { formerly: string } => user.formerly !== undefined

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

/** After a failure inside apply: undoes what can be undone now. What cannot is left to the next run, by the journal. */
async function takeBack(world: World, dir: string, dependencies: Dependencies, command: Command): Promise<void> {
  try {
    await recoverHere(world, dir, dependencies)
  } catch (error) {
    if (!(error instanceof TmgenError)) throw error
    command.onNote?.(`not all could be undone now (${error.message}); the next tmgen command does it`)
  }
}
