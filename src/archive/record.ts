import { z } from 'zod'
import { readEnrolled } from '../converge/enrolled.ts'
import { sha256 } from '../converge/hash.ts'
import { readState, writeState } from '../converge/state-files.ts'
import type { Lock } from '../resolve/types.ts'
import type { World } from '../world.ts'

const path = 'state/backup.json'
const recordSchema = z.strictObject({
  version: z.literal(1),
  /** ISO 8601, UTC. */
  at: z.iso.datetime(),
  /** Serial of the lock that is in the backup. */
  serial: z.number().int().min(0),
  /** Over the node ids that are in it. */
  nodes: z.string().regex(/^[0-9a-f]{64}$/),
})

/** Nodes that joined after a backup would have to join anew from it. */
async function nodesDigest(world: World, dir: string, lock: Lock): Promise<string> {
  const names = Object.values(lock.users).map((user) => user.name)
  return sha256(JSON.stringify([...(await readEnrolled(world, dir, names))].sort()))
}

/** Takes note of a backup that was made and read back. */
export async function recordBackup(world: World, dir: string, lock: Lock): Promise<void> {
  const nodes = await nodesDigest(world, dir, lock)
  const record = { version: 1, at: world.now().toISOString(), serial: lock.serial, nodes }
  await writeState(world, dir, path, recordSchema.parse(record))
}

/** What to tell of the last backup of the workspace; `undefined` where it holds all that counts. */
export async function backupNote(world: World, dir: string, lock: Lock): Promise<string | undefined> {
  if (Object.keys(lock.users).length === 0) return undefined
  const record = await readState(world, dir, path, recordSchema)
  const remedy = 'tmgen backup FILE'
  if (record === undefined) return `there is no backup of the workspace (node keys, passwords, numbers): ${remedy}`
  const since = `since the last backup of the workspace, of ${record.at.slice(0, 10)}`
  if (record.serial !== lock.serial) return `users or numbers changed ${since}: ${remedy}`
  if (record.nodes !== (await nodesDigest(world, dir, lock))) return `nodes joined or left ${since}: ${remedy}`
  return undefined
}
