import { basename, dirname, join } from 'node:path'
import { parseConfig } from '../config/index.ts'
import { TmgenError, TmgenErrors } from '../errors.ts'
import { composeEntry } from '../render/index.ts'
import type { World } from '../world.ts'
import type { Outcome } from './command.ts'
import { ensureFolder } from './folders.ts'
import { withMachine } from './machine.ts'
import { pipeline } from './pipeline.ts'

/** Machine-made or secret: what a workspace keeps out of git. */
const gitignore = '# what tmgen makes, and secrets\n/generated/\n/secrets/\n/state/\n/.env\n.*.tmgen-tmp\n'

/**
 * Makes a workspace in `dir` (made when absent, with its parents): tmgen.yaml, compose files, .env, .gitignore, lock,
 * secrets, state and generated/. Where that fails, what was made is taken back.
 * @param text tmgen.yaml, as newConfigText gives it
 * @throws TmgenError `usage` where a workspace or foreign files of these names are; errors of the config; `disk`
 */
export async function initWorkspace(
  world: World,
  dir: string,
  text: string,
  onNote?: (note: string) => void,
): Promise<Outcome> {
  const { config } = parseConfig(new TextEncoder().encode(text), 'tmgen.yaml')
  const folders = await makeParents(world, dir)
  const real = (await world.disk.realpath(dir)) ?? dir
  const owner = await world.disk.stat(real)
  const base = await world.disk.readFile(join(world.packageDir, 'docker-compose.base.yml'))
  if (owner === undefined || base === undefined)
    throw new TmgenError('disk', 'the installation of tmgen is not whole', { hint: 'install tmgen again' })
  const hasId = (await world.host.machineId()) !== undefined
  const env = `# Who owns this workspace: the gateway runs as that user.\nTMGEN_UID=${owner.uid}\nTMGEN_GID=${owner.gid}\n`
  // tmgen.yaml is last: without it the folder is no workspace, and init can be run again.
  const files: [string, Uint8Array, number][] = [
    ['.gitignore', Buffer.from(gitignore), 0o644],
    ['docker-compose.base.yml', base, 0o644],
    ['compose.yaml', Buffer.from(composeEntry(config.workspace)), 0o644],
    ['.env', Buffer.from(withMachine(env, hasId)), 0o644],
    ['tmgen.yaml', Buffer.from(text), 0o644],
  ]
  await refuseExisting(world, real)
  await refuseForeign(world, real, files)
  const made: string[] = []
  try {
    for (const [path, content, mode] of files) {
      if ((await world.disk.stat(join(real, path))) === undefined) made.unshift(path)
      await world.disk.writeFile(join(real, path), content, mode)
    }
    return await pipeline(world, real, {
      name: 'init',
      permits: 'local',
      remote: 'no',
      ...(onNote === undefined ? {} : { onNote }),
    })
  } catch (error) {
    // A disk that does not let go of it says nothing that matters more than why init failed.
    if (error instanceof TmgenError || error instanceof TmgenErrors)
      await takeBack(world, real, made, folders).catch(() => undefined)
    throw error
  }
}

/** Makes a folder and those above it. Returns what it made, the innermost first. */
async function makeParents(world: World, dir: string): Promise<string[]> {
  if ((await world.disk.realpath(dir)) !== undefined) return []
  const above = await makeParents(world, dirname(dir))
  await ensureFolder(world, dirname(dir), basename(dir))
  return [dir, ...above]
}

/** What the pipeline makes beside the files of init. */
const further = ['tmgen.lock.json', 'generated', 'secrets', 'state']

/** Removes what this init made, unless the pipeline got so far that its next run goes on from there. */
async function takeBack(world: World, dir: string, made: readonly string[], folders: readonly string[]): Promise<void> {
  for (const path of further) {
    const entry = await world.disk.stat(join(dir, path))
    if (entry?.kind === 'directory') await world.disk.removeEmptyDir(join(dir, path))
    if ((await world.disk.stat(join(dir, path))) !== undefined) return
  }
  for (const path of made) await world.disk.removeFile(join(dir, path))
  for (const folder of folders) await world.disk.removeEmptyDir(folder)
}

/** Throws TmgenError `usage` where `dir` is a workspace already. */
export async function refuseExisting(world: World, dir: string): Promise<void> {
  if ((await world.disk.stat(join(dir, 'tmgen.yaml'))) !== undefined)
    throw new TmgenError('usage', `${dir} is a workspace already`, {
      hint: 'change tmgen.yaml and run: tmgen generate',
    })
}

/** Refuses files that init would write over; what an init that was killed has left is the same, byte by byte. */
async function refuseForeign(world: World, dir: string, files: readonly [string, Uint8Array, number][]): Promise<void> {
  const found: string[] = []
  for (const [path, content] of files) {
    if ((await world.disk.stat(join(dir, path))) === undefined) continue
    const there = await world.disk.readFile(join(dir, path))
    if (there === undefined || !Buffer.from(there).equals(content)) found.push(path)
  }
  for (const path of further) if ((await world.disk.stat(join(dir, path))) !== undefined) found.push(path)
  if (found.length > 0)
    throw new TmgenError('usage', `${dir} holds ${found.join(', ')}, which tmgen did not just make`, {
      hint: 'choose an empty folder, or move them elsewhere',
    })
}
