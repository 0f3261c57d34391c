import { join } from 'node:path'
import { z } from 'zod'
import { readEnrolled } from '../converge/enrolled.ts'
import { sha256 } from '../converge/hash.ts'
import { passwordVersion, readPasswords, readWorkspaceKey } from '../converge/secrets.ts'
import { readState, writeState } from '../converge/state-files.ts'
import { TmgenError } from '../errors.ts'
import type { Lock } from '../resolve/types.ts'
import type { World } from '../world.ts'

const path = 'state/backup.json'
const hash = z.string().regex(/^[0-9a-f]{64}$/)
/** What a backup holds that can change, each as something that changes with it and tells nothing of it. */
const contentSchema = z.strictObject({ serial: z.number().int().min(0), nodes: hash, passwords: hash, config: hash })
const recordSchema = z.strictObject({ version: z.literal(1), at: z.iso.datetime(), content: contentSchema })
type Content = z.infer<typeof contentSchema>

const changes: Record<keyof Content, string> = {
  serial: 'users or their numbers',
  nodes: 'the nodes that joined',
  passwords: 'a password',
  config: 'tmgen.yaml',
}

async function contentNow(world: World, dir: string, lock: Lock): Promise<Content> {
  const names = Object.values(lock.users).map((user) => user.name)
  const digest = (pairs: Iterable<readonly [string, string]>) => sha256(JSON.stringify([...pairs].sort()))
  return {
    serial: lock.serial,
    nodes: digest(await readEnrolled(world, dir, names)),
    passwords: digest(await passwordVersions(world, dir, names)),
    config: sha256((await world.disk.readFile(join(dir, 'tmgen.yaml'))) ?? ''),
  }
}

/** A version of each password, under the workspace's key. */
async function passwordVersions(world: World, dir: string, names: string[]): Promise<[string, string][]> {
  try {
    const key = await readWorkspaceKey(world, dir)
    if (key === undefined) return []
    return [...(await readPasswords(world, dir, names))].map(([name, one]) => [name, passwordVersion(key, one)])
  } catch (error) {
    if (error instanceof TmgenError) return [] // a file that cannot be read: other commands say so
    throw error
  }
}

/**
 * Looks at what is about to be backed up: what changes after this look counts as not backed up.
 * @returns takes note of the backup, once it was made and read back
 */
export async function startRecord(world: World, dir: string, lock: Lock): Promise<() => Promise<void>> {
  const content = await contentNow(world, dir, lock)
  return () => writeState(world, dir, path, recordSchema.parse({ version: 1, at: world.now().toISOString(), content }))
}

/** What to tell of the last backup of the workspace; `undefined` where it holds all that there is now. */
export async function backupNote(world: World, dir: string, lock: Lock): Promise<string | undefined> {
  if (Object.keys(lock.users).length === 0) return undefined
  const record = await readState(world, dir, path, recordSchema)
  if (record === undefined)
    return 'there is no backup of the workspace (node keys, passwords, numbers): tmgen backup FILE'
  const now = await contentNow(world, dir, lock)
  const changed = (Object.keys(changes) as (keyof Content)[]).filter((key) => now[key] !== record.content[key])
  if (changed.length === 0) return undefined
  const what = changed.map((key) => changes[key]).join(', ')
  return `changed since the last backup of the workspace, of ${record.at.slice(0, 10)}: ${what}: tmgen backup FILE`
}
