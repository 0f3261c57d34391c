import { join } from 'node:path'
import { z } from 'zod'
import type { World } from '../world.ts'

/** tsnet's state file is a few KiB; network-map caches make it grow. */
const maxStateBytes = 4 * 1024 * 1024

const stateSchema = z.record(z.string(), z.unknown())
const prefsSchema = z.object({ Config: z.object({ NodeID: z.string().min(1).max(200) }) })

const decode = (value: unknown): string | undefined =>
  typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : undefined

/**
 * The stable id of the node that a tailscaled.state holds: `_current-profile` names the profile whose Config.NodeID is
 * set once the node is enrolled. Anything else (no profile, cut short, no JSON) is not enrolled.
 */
export function parseEnrolled(bytes: Uint8Array): string | undefined {
  try {
    const state = stateSchema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)))
    const profile = decode(state['_current-profile'])
    if (profile === undefined || !/^profile-[A-Za-z0-9]+$/.test(profile)) return undefined
    return prefsSchema.parse(JSON.parse(decode(state[profile]) ?? '')).Config.NodeID
  } catch {
    return undefined
  }
}

/**
 * Reads state/gateway/NAME/tailscaled.state of each user: name -> stable id of its node, where it is enrolled. A damaged
 * one counts as its copy, which the gateway puts in its place.
 */
export async function readEnrolled(world: World, dir: string, users: readonly string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const user of users) {
    const path = join(dir, 'state/gateway', user, 'tailscaled.state')
    const id = (await enrolledAs(world, path)) ?? (await enrolledAs(world, `${path}.good`))
    if (id !== undefined) found.set(user, id)
  }
  return found
}

async function enrolledAs(world: World, path: string): Promise<string | undefined> {
  const entry = await world.disk.stat(path)
  if (entry?.kind !== 'file' || entry.size > maxStateBytes) return undefined
  const bytes = await world.disk.readFile(path, maxStateBytes)
  return bytes === undefined ? undefined : parseEnrolled(bytes)
}
