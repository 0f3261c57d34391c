import { onCleanup } from './cleanup.ts'
import { docker, type Ran, type RunOptions, run } from './docker.ts'

/** `docker compose ARGS` in a workspace; a non-zero exit throws with what it said. Builds get 15 minutes. */
export async function compose(workspace: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return docker(['compose', ...args], { cwd: workspace, timeout: 900_000, ...options })
}

const known = new Set<string>()

/** Plain `docker compose up -d`, as people run it; the stack is taken down at cleanup. */
export async function composeUp(workspace: string, args: readonly string[] = []): Promise<void> {
  if (!known.has(workspace)) {
    known.add(workspace)
    // A test may have taken it down and moved the folder.
    onCleanup(`stack in ${workspace}`, async () => (known.has(workspace) ? composeRemove(workspace) : undefined))
  }
  await compose(workspace, ['up', '-d', ...args])
}

/** Takes a stack down with its networks; state and storage are bind mounts and stay. */
export async function composeDown(workspace: string, args: readonly string[] = []): Promise<void> {
  known.delete(workspace)
  await compose(workspace, ['down', '-v', '--timeout', '10', '--remove-orphans', ...args])
}

/** Takes a stack down for good, with the images that were built under its name. */
export async function composeRemove(workspace: string): Promise<void> {
  await composeDown(workspace, ['--rmi', 'all'])
}

/** The id of a service's container; undefined while there is none. */
export async function serviceId(workspace: string, service: string): Promise<string | undefined> {
  return (await compose(workspace, ['ps', '-a', '-q', service])) || undefined
}

/** A command inside a service's container. */
export async function composeExec(
  workspace: string,
  service: string,
  command: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  return run('docker', ['compose', 'exec', '-T', service, ...command], { cwd: workspace, ...options })
}

/** The gateway's status, as its `status --json` prints it. */
export async function gatewayStatus<T = unknown>(workspace: string): Promise<T> {
  const ran = await composeExec(workspace, 'gateway', ['/tmgen-gateway', 'status', '--json'])
  if (ran.code !== 0) throw new Error(`gateway status exited ${ran.code}: ${ran.stderr}`)
  return JSON.parse(ran.stdout) as T
}
