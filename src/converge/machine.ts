import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import type { World } from '../world.ts'

/** The gateway keeps this file beside its nodes' state, and opens none of them on another host (gateway/host.go). */
export const gatewayHostPath = 'state/gateway/.host'
/** How .env names the file with the host's id that the gateway gets to see. */
const ourLine = 'TMGEN_MACHINE_ID=/etc/machine-id'
const maxBytes = 64 * 1024

/** The text of an .env that names this host's machine id, where it has one. What a person chose stays. */
export function withMachine(env: string, hasId: boolean): string {
  const lines = env.split('\n')
  // A file that is not there would keep the gateway from starting at all.
  if (!hasId) return lines.filter((line) => line !== ourLine).join('\n')
  if (/^TMGEN_MACHINE_ID=/m.test(env)) return env
  while (lines.at(-1) === '') lines.pop()
  return `${[...lines, ourLine].join('\n')}\n`
}

/** The text of a workspace's .env; undefined where there is none. */
export async function readEnv(world: World, dir: string): Promise<string | undefined> {
  const bytes = await world.disk.readFile(join(dir, '.env'), maxBytes)
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes)
}

/** Brings the .env of the workspace to this host; a missing one, or a link, is left to the person. Returns notes. */
export async function nameMachine(world: World, dir: string): Promise<string[]> {
  const path = join(dir, '.env')
  const entry = await world.disk.stat(path)
  const before = entry?.kind === 'file' ? await readEnv(world, dir) : undefined
  if (entry === undefined || before === undefined) return []
  const hasId = (await world.host.machineId()) !== undefined
  const after = withMachine(before, hasId)
  if (after === before) return []
  await world.disk.writeFile(path, after, entry.mode)
  return [`.env: ${hasId ? 'added' : 'removed'} ${ourLine}: by it the gateway knows its host`]
}

const recordSchema = z.object({ salt: z.string().regex(/^[0-9a-f]{32}$/) })

/** Whether the gateway would keep its nodes down here, because its state last ran on another host or may have. */
export async function gatewayRefuses(world: World, dir: string): Promise<boolean> {
  const entry = await world.disk.stat(join(dir, gatewayHostPath))
  if (entry === undefined) return false
  if (entry.kind !== 'file' || entry.size > maxBytes) return true
  const id = await gatewaysId(world, dir)
  try {
    const text = new TextDecoder().decode(await world.disk.readFile(join(dir, gatewayHostPath), maxBytes))
    const { salt } = recordSchema.parse(JSON.parse(text))
    if (id === undefined) return true
    const machine = createHmac('sha256', id).update(salt).digest('hex')
    return text !== `${JSON.stringify({ version: 1, salt, machine })}\n`
  } catch {
    return true // damaged: the gateway does not trust it either
  }
}

/** The machine id that the gateway is told, as .env says. */
async function gatewaysId(world: World, dir: string): Promise<string | undefined> {
  const path = /^TMGEN_MACHINE_ID=(\/.*)$/m.exec((await readEnv(world, dir)) ?? '')?.[1]
  const real = path === undefined ? undefined : await world.disk.realpath(path)
  if (real === undefined || (await world.disk.stat(real))?.kind !== 'file') return undefined
  const text = new TextDecoder().decode(await world.disk.readFile(real, maxBytes)).trim()
  return /^[0-9a-f]{32}$/.test(text) ? text : undefined
}
