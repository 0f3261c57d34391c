import { chmodSync, chownSync, mkdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { connect } from 'node:tls'
import { makeCertificate } from './certificate.ts'
import { onCleanup } from './cleanup.ts'
import { type Client, startClient } from './client.ts'
import { composeExec, composeRemove } from './compose.ts'
import { freshLan } from './lan.ts'
import { chooseForTheLab, makeWorkspace, type Workspace } from './workspace.ts'

/** A workspace with a Headscale of its own in the stack, as `tmgen init --provider embedded` leaves it. */
export interface EmbeddedStack extends Workspace {
  /** Server name of the control plane: an alias on the uplink, and the Docker host's address for clients. */
  server: string
  /** Where ca.pem, cert.pem and key.pem lie. */
  tls: string
  /** The certificate that Headscale shows now, as a fingerprint. */
  certificate(): Promise<string>
  /** The headscale command inside the stack, with JSON output parsed. */
  headscale<T = unknown>(...args: string[]): Promise<T>
  /** A Mac of a tmgen user, joined with the key that `tmgen invite` writes. */
  invited(user: string): Promise<Client>
  /** A machine of somebody tmgen does not know. */
  stranger(login: string): Promise<Client>
}

/** Makes LAN, certificate and workspace, and runs `tmgen init`, which starts Headscale; nobody is added yet. */
export async function startEmbeddedStack(uid = Number(process.env.TMGEN_LAB_UID ?? 0)): Promise<EmbeddedStack> {
  const lan = await freshLan()
  const workspace = await makeWorkspace(lan, uid)
  const tls = join(dirname(workspace.dir), 'tls')
  mkdirSync(tls)
  chownSync(tls, uid, uid)
  chmodSync(tls, 0o755)
  const server = 'hs.lab.test'
  await makeCertificate(tls, server)
  const [caFile, url] = [join(tls, 'ca.pem'), `https://${server}:${await freePort()}`]

  const joined = (login: string, authKey: string) =>
    startClient({ login, network: lan, loginServer: url, authKey, caFile, hosts: { [server]: lan.hostIp } })
  const stack: EmbeddedStack = Object.assign(workspace, {
    server,
    tls,
    certificate: () => fingerprint(new URL(url)),
    headscale: async <T>(...args: string[]): Promise<T> => {
      const ran = await composeExec(workspace.dir, 'headscale', ['headscale', ...args, '-o', 'json'])
      if (ran.code !== 0) throw new Error(`headscale ${args.join(' ')}: ${ran.stderr}`)
      return JSON.parse(ran.stdout) as T
    },
    invited: async (user: string) => {
      const file = join(workspace.dir, `${user}.join`)
      await workspace.must(['invite', user, '--key-file', file])
      return joined(user, readFileSync(file, 'utf8').trim())
    },
    stranger: async (login: string) => {
      const { id } = await stack.headscale<{ id: number }>('users', 'create', login)
      const { key } = await stack.headscale<{ key: string }>('preauthkeys', 'create', '--user', String(id))
      return joined(login, key)
    },
  })
  onCleanup(`stack in ${workspace.dir}`, () => composeRemove(workspace.dir))
  await stack.init(
    ...['--provider', 'embedded', '--url', url],
    ...['--tls-cert', join(tls, 'cert.pem'), '--tls-key', join(tls, 'key.pem')],
  )
  chooseForTheLab(stack, caFile)
  return stack
}

function fingerprint({ port, hostname }: URL): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: Number(port), servername: hostname, rejectUnauthorized: false }
    const socket = connect(options, () => {
      resolve(socket.getPeerCertificate().fingerprint256)
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

/** A TCP port that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().on('error', reject)
    probe.listen(0, () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
