import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import { TmgenError } from '../errors.ts'
import type { World } from '../world.ts'
import { gatewayHostPath, nameMachine } from './machine.ts'
import { readState, writeState } from './state-files.ts'

/** Which host the workspace runs on. */
export const hostPath = 'state/host.json'

const hostSchema = z.strictObject({
  version: z.literal(1),
  /** Tells this machine from others for this workspace alone; null: restored from a backup, and adopted by no host yet. */
  machine: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
})
export type HostRecord = z.infer<typeof hostSchema>

/** The record of a workspace that comes out of a backup. */
export const unadopted: HostRecord = { version: 1, machine: null }

/**
 * This machine as the workspace knows it; `undefined` where the machine has no id. The machine id itself is confidential
 * (machine-id(5)): it keys a hash of the workspace's id, as sd_id128_get_machine_app_specific(3) does it.
 */
async function thisMachine(world: World, workspace: string): Promise<string | undefined> {
  const id = await world.host.machineId()
  return id === undefined ? undefined : createHmac('sha256', Buffer.from(id, 'hex')).update(workspace).digest('hex')
}

/**
 * `here`: it runs on this host; `unknown`: nothing is recorded yet, or this machine has no id; `restored`: out of a
 * backup; `elsewhere`: last written on another host.
 */
export type HostState = 'here' | 'unknown' | 'restored' | 'elsewhere'

/** Where the workspace with this id belongs, as state/host.json says. */
export async function hostState(world: World, dir: string, workspace: string): Promise<HostState> {
  const record = await readState(world, dir, hostPath, hostSchema)
  if (record === undefined) return 'unknown'
  if (record.machine === null) return 'restored'
  const machine = await thisMachine(world, workspace)
  if (machine === undefined) return 'unknown'
  return record.machine === machine ? 'here' : 'elsewhere'
}

const texts = {
  restored: 'this workspace comes from a backup, and no host has taken it over yet',
  elsewhere: 'this workspace was last changed on another host',
}

/** What a command that only shows something says of it; `undefined` where all is well. */
export const hostNote = (state: HostState): string | undefined =>
  state === 'restored' || state === 'elsewhere'
    ? `${texts[state]}: stop the old host's stack, then here: tmgen adopt`
    : undefined

/** Refuses to write where another host may still run the nodes: two gateways with the same node keys fight. */
export function refuseOtherHost(state: HostState): void {
  if (state !== 'restored' && state !== 'elsewhere') return
  throw new TmgenError('host', texts[state], {
    hint: 'two hosts with the same node keys fight: stop the old one (docker compose down), then here: tmgen adopt',
  })
}

/**
 * Records that the workspace runs here, and sees to it that the gateway can tell. A machine without an id is recorded
 * only where that ends a restore.
 * @param isAdopted whoever had it before: the gateway forgets that at its next start
 * @returns notes
 */
export async function claimHost(
  world: World,
  dir: string,
  workspace: string,
  state: HostState,
  isAdopted: boolean,
): Promise<string[]> {
  // First, so that after a kill adopt still has something to do.
  if (isAdopted) await world.disk.removeFile(join(dir, gatewayHostPath))
  const notes = await nameMachine(world, dir)
  if (state === 'here') return notes
  const machine = await thisMachine(world, workspace)
  if (machine !== undefined) await writeState(world, dir, hostPath, { version: 1, machine })
  else if (state === 'restored') await world.disk.removeFile(join(dir, hostPath))
  return notes
}
