import { setTimeout } from 'node:timers/promises'
import { z } from 'zod'
import { TmgenError } from '../errors.ts'
import type { World } from '../world.ts'
import { ask } from './containers.ts'

const statusSchema = z.object({ nodes: z.record(z.string(), z.unknown()) })

/** How often the gateway is asked, and the wait between two in ms: it takes up a new config within 0.2 s. */
const tries = { count: 40, waitMs: 250 }

/**
 * Waits until the running gateway no longer has a node, so that its state can be moved; one that does not run has none.
 * @throws TmgenError `docker` where it still has it after some seconds
 */
export async function gatewayLetsGo(world: World, dir: string, node: string): Promise<void> {
  for (let left = tries.count; left > 0; left--) {
    const args = ['compose', 'exec', '-T', 'gateway', '/tmgen-gateway', 'status', '--json']
    const answer = await ask(world, args, dir)
    if (answer === undefined) return
    const status = statusSchema.safeParse(parsed(answer)).data
    if (status === undefined || !(node in status.nodes)) return
    await setTimeout(tries.waitMs)
  }
  throw new TmgenError('docker', `the gateway does not let go of the node of ${node}`, {
    hint: 'look at docker compose logs gateway, or restart it, then run the same command again',
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
