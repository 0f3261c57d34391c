import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeCertificate } from './certificate.ts'
import { onCleanup } from './cleanup.ts'
import { type Container, startContainer } from './container.ts'
import { docker } from './docker.ts'
import type { Network } from './lan.ts'
import { waitFor } from './wait.ts'

const lab = fileURLToPath(new URL('../../../lab/', import.meta.url))

export interface Headscale {
  container: Container
  url: string
  ip: string
  /** The private CA that its certificate hangs on: a file for SSL_CERT_FILE and NODE_EXTRA_CA_CERTS. */
  caFile: string
  /** The headscale command inside, with JSON output parsed. */
  cli<T = unknown>(...args: string[]): Promise<T>
  createUser(name: string): Promise<{ id: string; name: string }>
  apiKey(): Promise<string>
  /** A single-use pre-auth key: of a user, or tagged. */
  preAuthKey(owner: { user: string } | { tags: string[] }): Promise<string>
  /** An object, or HuJSON as it is. */
  setPolicy(policy: object | string): Promise<void>
  policy(): Promise<string>
  nodes(): Promise<HeadscaleNode[]>
  /** Names of the gateway's nodes, sorted. */
  userNodes(): Promise<string[]>
  stop(): Promise<void>
  start(): Promise<void>
}

export interface HeadscaleNode {
  id: number
  name: string
  given_name: string
  ip_addresses: string[]
  online?: boolean
  [more: string]: unknown
}

/**
 * An external Headscale on `network` at its 10th address: https with a private CA, embedded DERP and STUN, an empty
 * database, and a policy that lets nobody in. `policyMode` database is what the REST API can change.
 * @param binary a Headscale of another version, on the host, to run in place of the image's
 */
export async function startHeadscale(network: Network, binary?: string): Promise<Headscale> {
  const dir = mkdtempSync(join(tmpdir(), 'tmgen-lab-headscale-'))
  chmodSync(dir, 0o755)
  onCleanup(`folder ${dir}`, async () => rmSync(dir, { recursive: true, force: true }))
  const ip = network.ip(10)
  const etc = join(dir, 'etc')
  const data = join(dir, 'data')
  for (const made of [etc, data]) mkdirSync(made)
  const template = readFileSync(join(lab, 'headscale/config.yaml'), 'utf8')
  writeFileSync(join(etc, 'config.yaml'), template.replaceAll('@ADDRESS@', ip))
  await makeCertificate(etc, ip)

  const mounts = ['-v', `${etc}:/etc/headscale:ro`, '-v', `${data}:/var/lib/headscale`]
  if (binary !== undefined) mounts.push('-v', `${binary}:/usr/bin/headscale:ro`)
  const container = await startContainer(
    'headscale',
    'tmgen-lab/headscale',
    ['--network', network.name, '--ip', ip, '--dns', '127.0.0.1', '--tmpfs', '/var/run/headscale', ...mounts],
    ['serve'],
  )
  const cli = async <T>(...args: string[]): Promise<T> =>
    JSON.parse(await container.must(['headscale', ...args, '-o', 'json'])) as T
  // By a command that all versions have.
  const healthy = async () => (await container.exec(['headscale', 'users', 'list'])).code === 0

  const headscale: Headscale = {
    container,
    url: `https://${ip}`,
    ip,
    caFile: join(etc, 'ca.pem'),
    cli,
    createUser: async (name) => {
      const made = await cli<{ id: number | string; name: string }>('users', 'create', name)
      return { id: String(made.id), name: made.name }
    },
    apiKey: () => cli<string>('apikeys', 'create', '--expiration', '24h'),
    preAuthKey: async (owner) => {
      const users = 'user' in owner ? await cli<{ id: number; name: string }[]>('users', 'list') : []
      const user = users.find((one) => 'user' in owner && one.name === owner.user)
      if ('user' in owner && !user) throw new Error(`Headscale has no user ${owner.user}`)
      const whose = 'tags' in owner ? ['--tags', owner.tags.join(',')] : ['--user', String(user?.id)]
      const made = await cli<{ key: string }>('preauthkeys', 'create', '--expiration', '1h', ...whose)
      return made.key
    },
    setPolicy: async (policy) => {
      // The image has no shell: the file goes in by the data folder.
      writeFileSync(join(data, 'policy.json'), typeof policy === 'string' ? policy : JSON.stringify(policy))
      await container.must(['headscale', 'policy', 'set', '-f', '/var/lib/headscale/policy.json'])
    },
    policy: () => container.must(['headscale', 'policy', 'get']),
    nodes: async () => (await cli<HeadscaleNode[] | null>('nodes', 'list')) ?? [],
    userNodes: async () => {
      const names = (await headscale.nodes()).map((node) => node.given_name)
      return names.filter((name) => name.startsWith('tm-')).sort()
    },
    stop: async () => void (await docker(['stop', '-t', '5', container.id])),
    start: async () => {
      await docker(['start', container.id])
      await waitFor('Headscale to answer again', healthy)
    },
  }
  await waitFor(`Headscale at ${ip}`, healthy).catch(async (error) => {
    throw new Error(`${error}\n${await container.logs()}`)
  })
  await headscale.setPolicy({
    // Versions before 0.29 know no grants.
    acls: [{ action: 'accept', src: ['tag:none'], dst: ['tag:none:1'] }],
    tagOwners: { 'tag:none': [] },
  })
  return headscale
}
