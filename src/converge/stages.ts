import type { ParsedConfig } from '../config/index.ts'
import { render, restoreFiles } from '../render/index.ts'
import { type DeployedUser, type Deployment, type Lock, mirrorOf } from '../resolve/index.ts'
import { servedUsers } from '../resolve/nodes.ts'
import type { Secret } from '../secret.ts'
import type { World } from '../world.ts'
import type { Command, Stage } from './command.ts'
import { loadRenderInputs } from './inputs.ts'
import { leaverOf } from './leaving.ts'
import { copiesOf } from './old-formats.ts'
import { permits, permittedIn } from './permits.ts'
import type { Desired, Permission } from './plan-types.ts'
import { makePassword, makeWorkspaceKey, readPasswords, readWorkspaceKey } from './secrets.ts'
import { stateText } from './state-files.ts'
import type { Manifest } from './types.ts'
import { lockTextAfter, type Workspace } from './workspace.ts'

/* What a command asks of the stages: render, observe, plan. */

/** Secrets of a run. */
export interface Gathered {
  /** Passwords by user name; those of `made` are not on the disk yet. */
  all: Map<string, Secret>
  made: Map<string, Secret>
  workspaceKey: Secret
  isNewKey: boolean
}

/** Passwords of all served users: read, or made in memory where there is none; apply writes those. */
export async function gatherSecrets(
  world: World,
  dir: string,
  deployment: Deployment,
  renewed: readonly string[],
): Promise<Gathered> {
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

interface Wanted {
  deployment: Deployment
  lock: Lock
  manifest: Manifest
  secrets: Gathered
  /** Of tmgen.yaml, edited. */
  text: string
}

/** What is wanted: the rendered tree, and the texts that tmgen edits. */
export async function desiredOf(
  world: World,
  workspace: Workspace,
  command: Command,
  { deployment, lock, manifest, secrets, text }: Wanted,
): Promise<Desired> {
  const inputs = await loadRenderInputs(world, secrets.all, secrets.workspaceKey, deployment)
  const written = Object.values(manifest.files)
  const tree = render(deployment, { ...inputs, readBack: new Set(written.map((file) => file.sha256)) })
  const { restore } = command
  return {
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
}

/** What of the world this run looks at. */
export function requestOf(
  { checkOnly, permits: permitted, remote, stack = false, limits, remove, rename }: Command,
  stage: Stage | undefined,
  { seen, deployment, manifest, before }: Looking,
) {
  const phase = stage?.phase
  const storage = stage !== undefined && 'storage' in stage ? stage.storage : undefined
  const configured = storage ?? before.config.users.find((user) => user.name === remove)?.storage
  const leaver =
    phase === 'cut' || phase === 'end'
      ? leaverOf(remove ?? '', seen.lock, seen.deployment, manifest, configured)
      : undefined
  const renamed = deployment.users.filter(isRenamed).find((user) => user.name === rename?.to)
  const purpose = !permits[permitted].looksAtHost ? 'show' : checkOnly === true ? 'plan' : 'write'
  return {
    deployment: seen.deployment,
    remote,
    purpose,
    leaver,
    stack,
    limits,
    renamed: phase === 'check' || phase === 'move' ? renamed : undefined,
    purge: stage?.phase === 'purge' ? stage.request : undefined,
  } as const
}

interface Looking {
  /** What is looked at. */
  seen: { deployment: Deployment; lock: Lock }
  /** What is wanted. */
  deployment: Deployment
  manifest: Manifest
  before: ParsedConfig
}

/** What this run may do. */
export function permissionOf(
  command: Command,
  stage: Stage | undefined,
  { before, parsed, now }: { before: ParsedConfig; parsed: ParsedConfig; now: Date },
): Permission {
  const { remove, users, rekey, limits, orphans } = command
  const phase = stage?.phase
  const permitted = permits[command.permits]
  const known = new Set(before.config.users.map(({ name }) => name))
  return {
    policy: command.permits === 'policy',
    orphans,
    kinds: phase === undefined ? permitted.kinds : permittedIn[phase],
    leaving: remove !== undefined && (phase === 'cut' || phase === 'end') ? { name: remove, phase } : undefined,
    staged: phase === 'check' || phase === 'move' ? phase : undefined,
    rekeyed: rekey,
    users,
    renewed: new Set(command.newPasswords),
    pasted: new Set(command.keys?.keys()),
    now,
    limits,
    // Verbs of several runs end access, or give it to the same people under another name.
    toleratesOvercommit:
      command.toleratesOvercommit === true ||
      command.adopt === true ||
      command.upgrade === true ||
      stage !== undefined ||
      permitted.toleratesOvercommit,
    added: new Set(parsed.config.users.map(({ name }) => name).filter((name) => !known.has(name))),
  }
}

const isRenamed = (user: DeployedUser): user is DeployedUser & { formerly: string } => user.formerly !== undefined
