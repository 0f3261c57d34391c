import { join } from 'node:path'
import type { World } from '../world.ts'

/** Removes a folder of tmgen's own with all in it; links are removed, not followed. Absent is fine. */
export async function removeTree(world: World, path: string): Promise<void> {
  const entry = await world.disk.stat(path)
  if (entry?.kind !== 'directory') return world.disk.removeFile(path)
  for (const name of (await world.disk.list(path)) ?? []) await removeTree(world, join(path, name))
  await world.disk.removeEmptyDir(path)
}
