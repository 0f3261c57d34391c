import { dirname, join } from 'node:path'
import { TmgenError } from '../errors.ts'
import type { World } from '../world.ts'

/** Folders that only tmgen and the services read. */
const modeOf = (path: string) => (/^(secrets|state)(\/|$)/.test(path) ? 0o700 : 0o755)

/** Makes a folder of the workspace and those above it; secrets/ and state/ 0700, others 0755. Refuses links on the way. */
export async function ensureFolder(world: World, dir: string, path: string): Promise<void> {
  if (path === '.' || path === '') return
  await ensureFolder(world, dir, dirname(path))
  const entry = await world.disk.stat(join(dir, path))
  if (entry === undefined) await world.disk.makeDir(join(dir, path), modeOf(path))
  else if (entry.kind !== 'directory') throw new TmgenError('disk', `${path} in the workspace is no folder`)
}

/** Writes a file of the workspace, and the folders above it. */
export async function writeInto(
  world: World,
  dir: string,
  path: string,
  content: string | Uint8Array,
  mode: number,
): Promise<void> {
  await ensureFolder(world, dir, dirname(path))
  await world.disk.writeFile(join(dir, path), content, mode)
}

/** Removes a file of the workspace, and the folders above it that are empty then, up to the topmost one. */
export async function removeFrom(world: World, dir: string, path: string): Promise<void> {
  await world.disk.removeFile(join(dir, path))
  for (let folder = dirname(path); folder.includes('/'); folder = dirname(folder))
    await world.disk.removeEmptyDir(join(dir, folder))
}
