import { z } from 'zod'
import { TmgenError } from '../errors.ts'
import type { World } from '../world.ts'

const serviceSchema = z.object({
  ID: z.string().default(''),
  Service: z.string(),
  /** `running`, `exited`, `restarting`, `created`, `paused`, `dead` */
  State: z.string().max(40),
  /** `healthy`, `unhealthy`, `starting`; empty without a health check. */
  Health: z.string().max(40).default(''),
  ExitCode: z.number().default(0),
})

/** A container of the stack, by what `docker compose ps` says of it. */
export interface Service {
  id: string
  state: string
  health: string
  exitCode: number
}

/** The stack's containers by service, also ended ones; `undefined` where Docker does not answer. */
export async function composeServices(world: World, dir: string): Promise<Map<string, Service> | undefined> {
  try {
    const { exitCode, stdout } = await world.docker.run(['compose', 'ps', '--all', '--format', 'json'], { cwd: dir })
    if (exitCode !== 0) return undefined
    return new Map(
      parse(stdout).map((one) => [
        one.Service,
        { id: one.ID, state: one.State, health: one.Health, exitCode: one.ExitCode },
      ]),
    )
  } catch (error) {
    if (error instanceof TmgenError || error instanceof SyntaxError || error instanceof z.ZodError) return undefined
    throw error
  }
}

/** An array up to Compose 2.20, then an object a line. */
function parse(text: string) {
  const values = text.trimStart().startsWith('[')
    ? JSON.parse(text)
    : text
        .split('\n')
        .filter((line) => line.trim() !== '')
        .map((line) => JSON.parse(line) as unknown)
  return z.array(serviceSchema).parse(values)
}

/** A container's health in a word or two: `healthy`, `starting`, `unhealthy`, or why it does not run. */
export function serviceText(service: Service | undefined): string {
  if (!service) return 'not running'
  if (service.state === 'exited') return service.exitCode === 0 ? 'stopped' : `ended (${service.exitCode})`
  return service.state === 'running' ? service.health || 'running' : service.state
}
