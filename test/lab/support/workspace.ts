import { createHash } from 'node:crypto'
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { parseUdpPorts } from '../../../src/converge/proc.ts'
import { onCleanup } from './cleanup.ts'
import type { Client, Login } from './client.ts'
import { composeUp, gatewayStatus, serviceId } from './compose.ts'
import { baseImages, docker, type Ran, run, uniqueName } from './docker.ts'
import type { Network } from './lan.ts'
import { packagedTmgen } from './package.ts'
import { waitFor } from './wait.ts'

/** The parts of the gateway's status that tests look at. */
export interface GatewayStatus {
  reserve: { size: number; left: number }
  config_sha256: string
  rejected: { error: string } | null
  started_at: string
  nodes: Record<string, NodeStatus>
}

export interface NodeStatus {
  state: string
  /** Of devices that were let in. */
  systems: { node: string; system: string; last: string }[]
  hostname: string
  dns_name: string
  ips: string[] | null
  node_id: string
  key_needed: boolean
  last_error: string
  connections: number
  accepted: number
  refused: number
  bytes_out: number
  pages: number
  peers: { login: string; path: string; connections: number; visitor: boolean }[] | null
  device_online: boolean | null
  login_changed: { login: string; old_id: string; new_id: string }[]
  pins_error: string
}

/** A workspace of tmgen, the command that works in it, and looks at its containers. */
export interface Workspace {
  dir: string
  storage: string
  lan: Network
  env: Record<string, string>
  /** Runs the tmgen command in the workspace; never throws for its exit code. */
  tmgen(
    args: readonly string[],
    options?: { input?: string; cwd?: string; env?: Record<string, string>; timeout?: number },
  ): Promise<Ran>
  /** As tmgen, but a failure throws; gives stdout. */
  must(args: readonly string[], options?: { input?: string; cwd?: string; timeout?: number }): Promise<string>
  /** `tmgen init` with storage and the lab's base images. */
  init(...flags: string[]): Promise<string>
  up(): Promise<void>
  status(): Promise<GatewayStatus>
  node(user: string): Promise<NodeStatus>
  /** Waits until these nodes run. */
  running(...users: string[]): Promise<void>
  login(user: string): Promise<Login>
  /** Waits until a session of the user's own opens, and gives how long that took in milliseconds. */
  session(client: Client, user: string, share: string): Promise<number>
  /** Changes a file of the workspace; throws when nothing changed, so that a test never runs on an edit that missed. */
  edit(file: string, change: (text: string) => string): void
  /** Waits until the gateway has loaded the config that lies in generated/ now. */
  loaded(): Promise<void>
  containerOf(service: string): Promise<{ id: string; startedAt: string }>
  healthy(service: string): Promise<void>
}

/** Makes the folders around a workspace, in which nothing is yet: its `init` is the caller's. */
export async function makeWorkspace(
  lan: Network,
  uid: number,
  env: Record<string, string> = {},
  parent: string = tmpdir(),
  named?: string,
): Promise<Workspace> {
  const tmgenJs = await packagedTmgen()
  if (named !== undefined) mkdirSync(named)
  const home = named ?? mkdtempSync(join(parent, 'tmgen-lab-stack-'))
  onCleanup(`folder ${home}`, async () => rmSync(home, { recursive: true, force: true }))
  const [dir, storage] = [join(home, named === undefined ? uniqueName('ws') : basename(named)), join(home, 'storage')]
  mkdirSync(storage)
  // A folder that the owner may write into, on a path that the container users may pass.
  chmodSync(home, 0o755)
  for (const made of [home, storage]) chownSync(made, uid, uid)
  const asOwner =
    uid === 0 ? [] : ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, `--groups=${uid},${await dockerGroup()}`]
  const workspace: Workspace = {
    dir,
    storage,
    lan,
    env: { ...env, HOME: home },
    tmgen: (args, options = {}) => {
      const [command, ...rest] = [...asOwner, process.execPath, tmgenJs, ...args]
      const input = options.input === undefined ? {} : { input: options.input }
      return run(command as string, rest, {
        cwd: options.cwd ?? workspace.dir,
        env: { ...workspace.env, ...options.env },
        ...input,
        ...(options.timeout && { timeout: options.timeout }),
      })
    },
    must: async (args, options = {}) => {
      const ran = await workspace.tmgen(args, options)
      if (ran.code !== 0) throw new Error(`tmgen ${args.join(' ')} exited ${ran.code}:\n${ran.stderr}${ran.stdout}`)
      return ran.stdout
    },
    init: async (...flags) => {
      const images = Object.entries(baseImages()).flatMap(([name, ref]) => ['--image', `${name}=${ref}`])
      const all = ['init', workspace.dir, ...flags, '--storage', storage, ...images, '--yes']
      const said = await workspace.must(all, { cwd: dirname(workspace.dir), timeout: 600_000 })
      // Quotas are the default, whatever the disk of this machine holds.
      workspace.edit('tmgen.yaml', (text) => text.replace(/^version: 1$/m, '$&\novercommit: true'))
      return said
    },
    up: () => composeUp(workspace.dir),
    status: () => gatewayStatus<GatewayStatus>(workspace.dir),
    node: async (user) => {
      const found = (await workspace.status()).nodes[user]
      if (!found) throw new Error(`the gateway has no node ${user}`)
      return found
    },
    running: async (...users) => {
      for (const user of users)
        await waitFor(`node of ${user}`, async () => (await workspace.node(user)).state === 'running')
    },
    login: async (user) => ({
      user,
      password: readFileSync(join(workspace.dir, 'secrets/smb', user, 'password'), 'utf8').trim(),
    }),
    session: async (client, user, share) => {
      const started = Date.now()
      const who = await workspace.login(user)
      const host = await client.peerIp(`tm-${user}`)
      await waitFor(`a session of ${user}`, async () => {
        const ran = await client.smb(host, share, who, 'ls')
        if (ran.code !== 0) throw new Error(ran.stdout + ran.stderr)
        return true
      })
      return Date.now() - started
    },
    edit: (file, change) => {
      const path = join(workspace.dir, file)
      const before = readFileSync(path, 'utf8')
      const after = change(before)
      if (after === before) throw new Error(`the edit of ${file} changed nothing`)
      writeFileSync(path, after)
    },
    loaded: async () => {
      const path = join(workspace.dir, 'generated/caddy/config.json')
      const wanted = createHash('sha256').update(readFileSync(path)).digest('hex')
      await waitFor('the gateway to load its config', async () => (await workspace.status()).config_sha256 === wanted)
    },
    containerOf: async (service) => {
      const id = await serviceId(workspace.dir, service)
      if (id === undefined) throw new Error(`no container of ${service}`)
      return { id, startedAt: await docker(['inspect', '-f', '{{.State.StartedAt}}', id]) }
    },
    healthy: async (service) => {
      const { id } = await workspace.containerOf(service)
      const health = () => docker(['inspect', '-f', '{{.State.Health.Status}}', id])
      await waitFor(`${service} to be healthy`, async () => (await health()) === 'healthy')
    },
  }
  return workspace
}

/** What a person with a private CA and no internet chooses: ports, the CA, and tailscale's offline switches. */
export function chooseForTheLab(workspace: Workspace, caFile: string): void {
  const from = freeUdpPorts(64)
  const udp = `$&  udp: { from: ${from}, to: ${from + 63} }\n`
  workspace.edit('tmgen.yaml', (text) => text.replace(/^network:\n/m, udp))
  writeFileSync(join(workspace.dir, 'docker-compose.base.yml'), gatewayChoices(caFile))
}

/** The first of `count` UDP ports of 22048-30239 that nobody on this machine holds, chosen so that two stacks seldom meet. */
function freeUdpPorts(count: number): number {
  const tables = ['/proc/net/udp', '/proc/net/udp6'].filter(existsSync)
  const held = tables.flatMap((table) => [...parseUdpPorts(readFileSync(table, 'utf8'))])
  const starts = Array.from({ length: Math.floor(8192 / count) }, (_none, index) => 22_048 + count * index)
  const free = starts.filter((from) => !held.some((port) => port >= from && port < from + count))
  const from = free[Math.floor(Math.random() * free.length)]
  if (from === undefined) throw new Error(`no ${count} UDP ports of 22048-30239 are free: ss -lunp`)
  return from
}

/** A docker-compose.base.yml for a tailnet with a private CA that has no internet. */
export function gatewayChoices(caFile: string): string {
  return `services:
  gateway:
    environment:
      SSL_CERT_FILE: /etc/tmgen-lab-ca.pem
      TS_NO_LOGS_NO_SUPPORT: "true"
      TS_DISABLE_PORTMAPPER: "1"
    volumes:
      - { type: bind, source: ${caFile}, target: /etc/tmgen-lab-ca.pem, read_only: true }
`
}

async function dockerGroup(): Promise<string> {
  const found = (await run('stat', ['-c', '%g', '/var/run/docker.sock'])).stdout.trim()
  return found === '' ? '0' : found
}
