import { TmgenError } from '../errors.ts'
import type { Deployment } from '../resolve/types.ts'
import type { World } from '../world.ts'
import type { Stray } from './types.ts'

const isServed = (deployment: Deployment, name: string) =>
  deployment.users.some((user) => user.enabled && user.name === name)

/** Whether somebody is in the lock whose container should not run: only then Docker is asked. */
export const hasUnserved = ({ users, retired }: Deployment): boolean =>
  retired.length > 0 || users.some((user) => !user.enabled)

/**
 * Samba containers of this workspace whose user is not served: the compose project and service name find them, the
 * workspace id in their environment proves whose they are. `undefined` where Docker does not answer.
 */
export async function observeStrays(world: World, deployment: Deployment): Promise<Stray[] | undefined> {
  const { id, name } = deployment.workspace
  const format = '{{.ID}} {{.Label "com.docker.compose.service"}}'
  const filter = `label=com.docker.compose.project=${name}`
  const listed = await ask(world, ['ps', '-a', '--no-trunc', '--filter', filter, '--format', format])
  if (listed === undefined) return undefined
  const strays: Stray[] = []
  for (const line of listed.split('\n')) {
    const [, container, user] = /^([0-9a-f]{12,64}) samba-([a-z0-9-]+)$/.exec(line.trim()) ?? []
    if (container === undefined || user === undefined || isServed(deployment, user)) continue
    const environment = await ask(world, ['inspect', '--format', '{{json .Config.Env}}', container])
    if (environment?.includes(`"TMGEN_WORKSPACE=${id}"`)) strays.push({ container, user })
  }
  strays.push(...(await restoresOf(world, deployment)))
  return strays
}

/** Containers that give a user who is not served access for a restore. */
async function restoresOf(world: World, deployment: Deployment): Promise<Stray[]> {
  const filter = `label=tmgen.restore=${deployment.workspace.id}`
  const format = '{{.ID}} {{.Label "tmgen.restore"}} {{.Label "tmgen.restore.user"}}'
  const listed = (await ask(world, ['ps', '-a', '--no-trunc', '--filter', filter, '--format', format])) ?? ''
  return listed.split('\n').flatMap((line) => {
    const [, container, workspace, user] = /^([0-9a-f]{12,64}) ([0-9a-f]{16}) ([a-z0-9-]+)$/.exec(line.trim()) ?? []
    const isOurs = workspace === deployment.workspace.id
    return !isOurs || container === undefined || user === undefined || isServed(deployment, user)
      ? []
      : [{ container, user }]
  })
}

/** stdout of a docker command; `undefined` where Docker does not answer. */
export async function ask(world: World, args: string[], cwd?: string): Promise<string | undefined> {
  try {
    const { exitCode, stdout } = await world.docker.run(args, cwd === undefined ? {} : { cwd })
    return exitCode === 0 ? stdout : undefined
  } catch (error) {
    if (error instanceof TmgenError) return undefined
    throw error
  }
}

/** Longest wait for a stop, in ms: a Samba container has 30 s to end its sessions. */
const stopMs = 60_000

/** Stops a container and removes it; one that is gone is fine. @throws TmgenError `docker` */
export async function stopContainer(world: World, { container, user }: Stray): Promise<void> {
  for (const args of [
    ['stop', container],
    ['rm', container],
  ]) {
    const { exitCode, stderr } = await world.docker.run(args, { timeoutMs: stopMs })
    if (exitCode === 0 || /no such container/i.test(stderr)) continue
    throw new TmgenError('docker', `cannot stop the container of ${user}: ${stderr.trim().split('\n')[0] ?? ''}`, {
      hint: 'docker compose up -d --remove-orphans, then run the command again',
    })
  }
}
