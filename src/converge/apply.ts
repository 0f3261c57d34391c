import { dirname, join } from 'node:path'
import type { Provider } from '../control/types.ts'
import { TmgenError } from '../errors.ts'
import { bindSources, markerFile, restoreFolder } from '../render/index.ts'
import type { Secret } from '../secret.ts'
import type { World } from '../world.ts'
import { applyLeaving, isLeavingStep } from './apply-leaving.ts'
import { applyRemote, isRemoteStep } from './apply-remote.ts'
import { ensureFolder, removeFrom, writeInto } from './folders.ts'
import { sha256 } from './hash.ts'
import { copyDatabase } from './headscale-database.ts'
import { importData } from './importing.ts'
import { type Journal, removeJournal, writeJournal } from './journal.ts'
import type { Desired } from './plan-types.ts'
import { passwordPath, tightenSecrets, workspaceKeyPath } from './secrets.ts'
import { stateFiles, stateText, writeState } from './state-files.ts'
import { realPath } from './storage.ts'
import type { Manifest, Observed, Step } from './types.ts'

/** Secrets in memory that the steps write. */
export interface PendingSecrets {
  /** Made in this run, by user name. */
  passwords: ReadonlyMap<string, Secret>
  /** Handed over by the person, by user name. */
  pasted: ReadonlyMap<string, Secret>
  /** Set when secrets/workspace.key does not exist yet. */
  workspaceKey: Secret | undefined
}

export interface ApplyRun {
  dir: string
  desired: Desired
  observed: Observed
  steps: readonly Step[]
  secrets: PendingSecrets
  journal: Journal
  provider: () => Provider
  onStep: (step: Step) => void
  /** The run ends what a user had whose route is cut already. */
  isEnd: boolean
}

async function storageStep(world: World, step: Extract<Step, { kind: 'storage' }>): Promise<void> {
  const folder = await realPath(world, step.path)
  if ((await world.disk.stat(folder)) === undefined) await world.disk.makeDir(folder, 0o711)
  // The marker is read by a container under another UID.
  await world.disk.writeFile(join(folder, markerFile), step.marker, 0o644)
}

/** Runs the commands one after the other, up to the first that fails. */
async function limitStorage(world: World, step: Extract<Step, { kind: 'limit-storage' }>): Promise<void> {
  for (const [name, ...args] of step.commands) {
    const { exitCode, stdout, stderr } = await world.tools.run(name, args)
    if (exitCode === 0) continue
    const why = (stderr.trim() || stdout.trim()).split('\n').at(-1)?.slice(0, 200) || `exit code ${exitCode}`
    throw new TmgenError('storage', `the limit of ${step.user} is not set: ${name}: ${why}`, {
      hint: `put that right, then run the command again: it goes on; tmgen storage show tells what is set`,
    })
  }
}

async function localStep(world: World, run: ApplyRun, manifest: Manifest, step: Step): Promise<void> {
  const { dir, secrets } = run
  switch (step.kind) {
    case 'make-password': {
      const password = secrets.passwords.get(step.user)
      if (password === undefined) throw new TmgenError('secret', `no password was made for ${step.user}`)
      return writeInto(world, dir, passwordPath(step.user), `${password.reveal()}\n`, 0o600)
    }
    case 'storage':
      await storageStep(world, step)
      manifest.storage[step.userId] = step.path
      return
    case 'open-restore':
      for (const { path, content } of step.files) await writeInto(world, dir, path, content, 0o600)
      return
    case 'close-restore':
      for (const name of ['compose.yaml', 'samba/smb.conf', 'relay/relay.pl'])
        await removeFrom(world, dir, `${restoreFolder(step.user)}/${name}`)
      return
    case 'import-storage':
      await importData(world, step.data)
      await world.disk.writeFile(join(step.data.path, markerFile), step.marker, 0o644)
      manifest.storage[step.userId] = step.path
      return
    case 'limit-storage':
      return limitStorage(world, step)
    case 'write-file':
      await writeInto(world, dir, step.path, step.content, step.mode)
      if (step.path.startsWith('generated/'))
        manifest.files[step.path] = { sha256: sha256(step.content), mode: step.mode }
      return
    case 'copy-database':
      return copyDatabase(world, dir, step.path)
    case 'remove-file':
      await removeFrom(world, dir, step.path)
      delete manifest.files[step.path]
  }
}

/**
 * Does the steps in their order, each whole or not at all. The journal is written first and removed last; its phase
 * turns to `local` once control plane and secrets are done, which is before tmgen.yaml is touched.
 * @returns notes (secrets that stood open)
 */
export async function apply(world: World, run: ApplyRun): Promise<string[]> {
  const { dir, steps, secrets, observed } = run
  const notes = await tightenSecrets(world, dir)
  const manifest: Manifest = structuredClone(observed.manifest)
  // A password in place of another is no part of what a killed run takes back. All that ends a user comes before the
  // lock forgets that user: until then the same command goes on with it.
  const isEarly = (step: Step) =>
    isRemoteStep(step) || (step.kind === 'make-password' && !step.renew) || (run.isEnd && isLeavingStep(step))
  const early = steps.filter(isEarly)

  if (early.length > 0) await writeJournal(world, dir, run.journal)
  const control = structuredClone(observed.control)
  const records = { control, manifest, workspace: run.journal.workspace }
  const here = async (step: Step) => {
    if (!isLeavingStep(step)) return localStep(world, run, manifest, step)
    const note = await applyLeaving(world, dir, records, step, (progress) =>
      run.onStep({ ...step, title: `${step.title}: ${progress}` }),
    )
    if (note !== undefined) notes.push(note)
  }
  for (const step of early) {
    run.onStep(step)
    if (isRemoteStep(step)) await applyRemote(world, run, control, step)
    else await here(step)
  }

  if (secrets.workspaceKey !== undefined)
    await writeInto(world, dir, workspaceKeyPath, `${secrets.workspaceKey.reveal()}\n`, 0o600)
  // Programs of the host are begun anew by what is seen there: of them there is nothing to finish here.
  if (steps.some((step) => step.kind !== 'limit-storage'))
    await writeJournal(world, dir, { ...run.journal, phase: 'local' })
  for (const { path } of bindSources(run.desired.deployment)) await ensureFolder(world, dir, path)
  for (const step of steps) {
    if (isEarly(step)) continue
    run.onStep(step)
    await here(step)
  }
  if (stateText(manifest) !== stateText(observed.manifest)) await writeState(world, dir, stateFiles.manifest, manifest)
  // Also where there was nothing to do: a run killed at its very end leaves only this.
  await removeJournal(world, dir)
  return notes
}

/** The folder that holds the state files; the run lock needs it before anything else. */
export const ensureState = (world: World, dir: string) => ensureFolder(world, dir, dirname(stateFiles.journal))
