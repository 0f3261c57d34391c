import { z } from 'zod'
import { TmgenError } from '../errors.ts'
import type { World } from '../world.ts'

const nodeSchema = z.object({
  state: z.string().max(40),
  dns_name: z.string().max(300).default(''),
  ips: z
    .array(z.string().max(60))
    .nullish()
    .transform((ips) => ips ?? []),
  key_needed: z.boolean().default(false),
  last_error: z.string().default(''),
  connections: z.number().default(0),
  /** Whom packets go to and how: `direct`, `relay` or `idle`. */
  peers: z
    .array(
      z.object({
        node: z.string(),
        path: z.string().max(40),
        connections: z.number(),
        visitor: z.boolean().default(false),
      }),
    )
    .nullish()
    // Who looks at a page is no Mac that is there to back up.
    .transform((peers) => (peers ?? []).filter(({ visitor }) => !visitor)),
  /** Logins that came with another account than before, and were refused. */
  login_changed: z
    .array(
      z.object({
        login: z.string().max(400),
        old_id: z.string().max(20),
        new_id: z.string().max(20),
        since: z.string().max(40),
        last: z.string().max(40),
      }),
    )
    .default([]),
  pins_error: z.string().default(''),
  /** What devices that were let in since the gateway started run, as far as the control server passes that on. */
  systems: z.array(z.object({ node: z.string().max(300), system: z.string().max(60) })).default([]),
})
const statusSchema = z.object({
  rejected: z.object({ error: z.string() }).nullish(),
  /** Bytes kept for state on a disk that runs full: what is wanted, and left. */
  reserve: z.object({ size: z.number(), left: z.number() }).optional(),
  nodes: z.record(z.string(), nodeSchema),
})

/** What the running gateway says of its nodes, by user name. */
export type GatewayStatus = z.output<typeof statusSchema>

/** How long the gateway may take to answer, in ms; it answers from memory. */
const timeoutMs = 10_000

/** Asks the running gateway; `undefined` where none runs here or it does not answer. */
export async function gatewayStatus(world: World, dir: string): Promise<GatewayStatus | undefined> {
  try {
    const args = ['compose', 'exec', '-T', 'gateway', '/tmgen-gateway', 'status', '--json']
    const { exitCode, stdout } = await world.docker.run(args, { cwd: dir, timeoutMs })
    if (exitCode !== 0) return undefined
    return statusSchema.safeParse(JSON.parse(stdout)).data
  } catch (error) {
    if (error instanceof TmgenError || error instanceof SyntaxError) return undefined
    throw error
  }
}
