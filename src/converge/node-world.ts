import { randomBytes } from 'node:crypto'
import { packageJson } from '../ui/package-dir.ts'
import type { World } from '../world.ts'
import { nodeDisk } from './node-disk.ts'
import { nodeDocker } from './node-docker.ts'
import { nodeHost } from './node-host.ts'
import { nodeTools } from './node-tools.ts'
import { holdRunLock } from './runlock.ts'

/**
 * The real world: this machine's disk, docker, clock and randomness.
 * @param packageDir tmgen's own folder, with templates/, gateway/ and images/
 */
export function makeWorld(packageDir: string): World {
  const env = { ...process.env }
  const docker = nodeDocker(env)
  return {
    disk: nodeDisk,
    docker,
    tools: nodeTools(env),
    host: nodeHost(nodeDisk, docker),
    fetch: globalThis.fetch,
    now: () => new Date(),
    randomBytes: (length) => randomBytes(length),
    env,
    version: packageJson(packageDir).version ?? '0.0.0',
    packageDir,
    holdLock: (file, command) => holdRunLock(file, command, new Date()),
  }
}
