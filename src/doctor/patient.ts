import { z } from 'zod'
import { makeProvider, type NodeInfo, type Provider } from '../control/index.ts'
import { type Inspection, inspect } from '../converge/index.ts'
import { TmgenError, TmgenErrors } from '../errors.ts'
import { servedNodes, servedUsers } from '../resolve/nodes.ts'
import type { DeployedNode, DeployedUser, Deployment } from '../resolve/types.ts'
import { type GatewayStatus, gatewayStatus } from '../stack/gateway-status.ts'
import { composeServices, type Service } from '../stack/services.ts'
import type { World } from '../world.ts'
import { NotSeen } from './types.ts'

const infoSchema = z.object({
  ServerVersion: z.string().min(1),
  MemoryLimit: z.boolean().default(false),
  PidsLimit: z.boolean().default(false),
  SecurityOptions: z
    .array(z.string())
    .nullish()
    .transform((options) => options ?? []),
})

/** What `docker info` says, as far as it matters here. */
export type DockerInfo = z.output<typeof infoSchema>

type Attempt<T> = { value: T } | { error: TmgenError | TmgenErrors }

/**
 * What the checks look at: each fact is asked for once, however many checks want it. The facts throw NotSeen where they
 * cannot be had; those that `try` a fact give the error, for the one check that is about it.
 */
export class Patient {
  readonly world: World
  readonly #dir: string
  readonly #facts = new Map<string, Promise<unknown>>()

  constructor(world: World, dir: string) {
    this.world = world
    this.#dir = dir
  }

  #once<T>(name: string, ask: () => Promise<T>): Promise<T> {
    const known = this.#facts.get(name) as Promise<T> | undefined
    if (known) return known
    const asked = ask()
    this.#facts.set(name, asked)
    return asked
  }

  tryInspection(): Promise<Attempt<Inspection>> {
    return this.#once('inspection', () => attempt(() => inspect(this.world, this.#dir, 'no')))
  }

  async inspection(): Promise<Inspection> {
    const opened = await this.tryInspection()
    if ('value' in opened) return opened.value
    throw new NotSeen('the workspace cannot be read: see the check "workspace"')
  }

  async deployment(): Promise<Deployment> {
    return (await this.inspection()).deployment
  }

  /** The deployment, where tmgen runs on the Docker host. */
  async here(): Promise<Deployment> {
    const deployment = await this.deployment()
    if (deployment.host === 'local') return deployment
    throw new NotSeen('host: remote: run tmgen doctor on the Docker host, in its copy of the workspace')
  }

  /** The users that are served on this host; NotSeen where there are none. */
  async served(): Promise<DeployedUser[]> {
    const users = servedUsers(await this.here())
    if (users.length === 0) throw new NotSeen('no users yet')
    return users
  }

  /** The nodes of those, and the dashboard's. */
  async servedNodes(): Promise<DeployedNode[]> {
    await this.served()
    return servedNodes(await this.here())
  }

  /** As `here`, for what does not depend on tmgen.yaml: one that cannot be read hides nothing of Docker. */
  async dockerHost(): Promise<void> {
    if ('value' in (await this.tryInspection())) await this.here()
  }

  tryDocker(): Promise<Attempt<DockerInfo>> {
    return this.#once('docker', () =>
      attempt(async () => {
        await this.dockerHost()
        const { exitCode, stdout, stderr } = await this.world.docker.run(['info', '--format', '{{json .}}'])
        const info = infoSchema.safeParse(exitCode === 0 ? parseJson(stdout) : undefined)
        if (info.success) return info.data
        // A client without a daemon prints what it knows, and the reason on stderr or among ServerErrors.
        throw new TmgenError(
          'docker',
          `Docker does not answer: ${stderr.trim().split('\n').at(-1) || 'docker info failed'}`,
        )
      }),
    )
  }

  async docker(): Promise<DockerInfo> {
    const info = await this.tryDocker()
    if ('value' in info) return info.value
    throw new NotSeen('Docker does not answer: see the check "docker"')
  }

  /** The running gateway; `undefined` where it does not answer. */
  async tryGateway(): Promise<GatewayStatus | undefined> {
    await this.here()
    await this.docker()
    const { dir } = await this.inspection()
    return this.#once('gateway', () => gatewayStatus(this.world, dir))
  }

  async gateway(): Promise<GatewayStatus> {
    const status = await this.tryGateway()
    if (status) return status
    throw new NotSeen('the gateway does not answer: see the check "gateway"')
  }

  async services(): Promise<Map<string, Service>> {
    await this.here()
    await this.docker()
    const { dir } = await this.inspection()
    const services = await this.#once('services', () => composeServices(this.world, dir))
    if (services) return services
    throw new NotSeen('docker compose ps failed in the workspace')
  }

  /** The control plane with our credential, where there is one. */
  async provider(): Promise<Provider> {
    const { deployment, dir } = await this.inspection()
    if (deployment.control.provider === 'manual') throw new NotSeen('provider manual: tmgen has no credential')
    // An embedded one is asked through its container.
    if (deployment.control.provider === 'embedded') await this.here()
    try {
      return makeProvider(deployment, { world: this.world, workspaceDir: dir })
    } catch (error) {
      if (error instanceof TmgenError && error.code === 'secret') throw new NotSeen(error.message)
      throw error
    }
  }

  async nodes(): Promise<NodeInfo[]> {
    const provider = await this.provider()
    return this.#once('nodes', () => provider.listNodes())
  }

  /** An answer of the control server to anybody: when it was asked and answered, and its Date. */
  tryControlServer(): Promise<Attempt<{ asked: Date; answered: Date; date: Date | undefined }>> {
    return this.#once('control', async () => {
      const { controlUrl } = await this.deployment()
      return attempt(() => askAnybody(this.world, controlUrl))
    })
  }
}

/** How long the control server may take, in ms. */
const timeoutMs = 5_000

async function askAnybody(world: World, url: string) {
  const { causeOf } = await import('../control/answer.ts')
  const asked = world.now()
  try {
    // Whatever it answers: that it does, and its Date, are what is wanted.
    const response = await world.fetch(`${url.replace(/\/+$/, '')}/health`, {
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    })
    const answered = world.now()
    await response.body?.cancel()
    const date = new Date(response.headers.get('date') ?? '')
    return { asked, answered, date: Number.isNaN(date.getTime()) ? undefined : date }
  } catch (error) {
    throw new TmgenError('control-unreachable', `no answer from ${url}: ${causeOf(error, timeoutMs)}`)
  }
}

async function attempt<T>(ask: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await ask() }
  } catch (error) {
    if (error instanceof TmgenError || error instanceof TmgenErrors) return { error }
    throw error
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
