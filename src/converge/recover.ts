import { join } from 'node:path'
import { ownKeys, type Provider } from '../control/index.ts'
import type { World } from '../world.ts'
import { tempOf } from '../world.ts'
import { removeFrom } from './folders.ts'
import { sha256 } from './hash.ts'
import { type Journal, readJournal, removeJournal } from './journal.ts'
import { authKeyPath, passwordPath, workspaceKeyPath } from './secrets.ts'
import { readControl, readManifest, stateFiles, stateText, writeControl, writeState } from './state-files.ts'
import type { ControlState, Manifest } from './types.ts'

export interface Recovery {
  /** What was finished or undone, for the person. */
  notes: string[]
  /** The interrupted run had got as far as its files: they must be written to the end. */
  mustFinish: boolean
}

const hashOf = async (world: World, path: string) => {
  const bytes = await world.disk.readFile(path)
  return bytes === undefined ? null : sha256(bytes)
}

/** Whether the run reached tmgen.yaml: then it is finished, else what it wrote for new users is taken back. */
async function reachedFiles(world: World, dir: string, journal: Journal): Promise<boolean> {
  if (journal.phase === 'begun') return false
  if (journal.yaml.before === journal.yaml.after) return true
  const lockAfter = sha256(journal.lock.after)
  if (lockAfter !== journal.lock.before && (await hashOf(world, join(dir, 'tmgen.lock.json'))) === lockAfter)
    return true
  return (await hashOf(world, join(dir, 'tmgen.yaml'))) === journal.yaml.after
}

/** Expires unused keys of the interrupted run that control.json does not know. Returns the names of their users. */
async function expireOrphans(
  journal: Journal,
  known: ControlState,
  provider: () => Promise<Provider>,
  now: Date,
): Promise<string[]> {
  if (journal.minted.length === 0) return []
  const plane = await provider()
  const ids = Object.values(known.users).flatMap((record) => record.keyId ?? [])
  const owner = { workspaceId: journal.workspace, users: journal.minted, known: new Set(ids) }
  const orphans = ownKeys(await plane.listKeys(), owner, now)
  for (const key of orphans) await plane.expireKey(key.id)
  return journal.minted.filter((user) => orphans.some((key) => key.tags.includes(user.tag))).map((user) => user.name)
}

/** What a kill inside a write leaves beside the target. */
async function removeTemps(world: World, dir: string, journal: Journal): Promise<void> {
  const paths = [
    'tmgen.yaml',
    'tmgen.lock.json',
    workspaceKeyPath,
    ...Object.values(stateFiles),
    ...journal.keyFiles.map(authKeyPath),
    ...journal.passwords.map(passwordPath),
    ...Object.keys(journal.files),
  ]
  for (const path of paths) await world.disk.removeFile(tempOf(join(dir, path)))
}

/** Takes files into the manifest that the interrupted run had written, so that they do not look changed by hand. */
async function adoptFiles(world: World, dir: string, journal: Journal): Promise<void> {
  const manifest: Manifest = await readManifest(world, dir)
  const before = stateText(manifest)
  for (const [path, file] of Object.entries(journal.files))
    if ((await hashOf(world, join(dir, path))) === file.sha256) manifest.files[path] = file
  if (stateText(manifest) !== before) await writeState(world, dir, stateFiles.manifest, manifest)
}

/**
 * Brings an interrupted run to an end that is right: its unused keys that nobody knows are expired; what it wrote for
 * new users is taken back unless tmgen.yaml holds them already. Can itself be killed and run again.
 * @throws TmgenError `control-unreachable` and the like when keys were to be minted and the control plane cannot be
 * asked: the journal stays
 */
export async function recover(world: World, dir: string, provider: () => Promise<Provider>): Promise<Recovery> {
  const journal = await readJournal(world, dir)
  // Killed while writing the journal itself: nothing was begun.
  if (journal === undefined) await world.disk.removeFile(tempOf(join(dir, stateFiles.journal)))
  if (journal === undefined) return { notes: [], mustFinish: false }
  const mustFinish = await reachedFiles(world, dir, journal)
  const undone = mustFinish ? [] : journal.newUsers
  const control: ControlState = (await readControl(world, dir)) ?? { version: 1, users: {} }
  const kept: ControlState = structuredClone(control)
  for (const user of undone) delete kept.users[user.id]

  const deadKeys = await expireOrphans(journal, kept, provider, world.now())
  const isUndone = (name: string) => undone.some((user) => user.name === name)
  for (const name of journal.keyFiles)
    if (isUndone(name) || deadKeys.includes(name)) await world.disk.removeFile(join(dir, authKeyPath(name)))
  for (const name of journal.passwords) if (isUndone(name)) await removeFrom(world, dir, passwordPath(name))
  await removeTemps(world, dir, journal)
  if (!journal.hadControl && Object.keys(kept.users).length === 0)
    await world.disk.removeFile(join(dir, stateFiles.control))
  else if (stateText(kept) !== stateText(control)) await writeControl(world, dir, kept)
  await adoptFiles(world, dir, journal)
  if (mustFinish && (await hashOf(world, join(dir, 'tmgen.lock.json'))) === journal.lock.before)
    await world.disk.writeFile(join(dir, 'tmgen.lock.json'), journal.lock.after, 0o644)
  // While files are to be finished the journal stays: the finishing run replaces it by its own.
  if (!mustFinish) await removeJournal(world, dir)
  const what = `"${journal.command}" of ${journal.at}`
  const notes = [mustFinish ? `finishing the interrupted ${what}` : undoing(journal, what)]
  for (const name of deadKeys) notes.push(`expired an unused auth key of ${name} that the interrupted run had made`)
  return { notes, mustFinish }
}

/** What is said of an interrupted run that is not to be finished; what it did in the control plane is not undone. */
function undoing({ command, again }: Journal, what: string): string {
  if (command === 'policy apply') return `whether the interrupted ${what} wrote the policy says tmgen policy check`
  if (command.startsWith('orphans ')) return `what the interrupted ${what} left says tmgen orphans`
  if (again === undefined) return `undid the interrupted ${what}: nothing of it is left`
  return `the interrupted ${what} is not done yet: tmgen ${again} goes on with it`
}
