import {
  type Client,
  type Container,
  docker,
  freshNetwork,
  type Stack,
  startContainer,
  startSamba,
  waitFor,
} from '../test/lab/support/index.ts'

export interface Sidecar {
  tailscaled: Container
  node: string
}

/** UDP ports of the sidecars on the Docker host: below tmgen's 21000, and others in each run, since two may meet. */
const first = 20_000 + 2 * Math.floor(Math.random() * 490)
const ports = { kernel: first, userspace: first + 1 }

/**
 * What people run in place of a gateway: tailscaled in Samba's network namespace, on a bridge network with a published
 * UDP port. `kernel` has a TUN device and NET_ADMIN, `userspace` neither, as the container image of Tailscale by default.
 */
export async function startSidecar(stack: Stack, client: Client, mode: keyof typeof ports): Promise<Sidecar> {
  const port = ports[mode]
  const network = await freshNetwork({ internal: false })
  const node = `side-${mode}`
  const tun = mode === 'kernel' ? ['--cap-add', 'NET_ADMIN', '--device', '/dev/net/tun'] : []
  const tailscaled = await startContainer(
    node,
    'tmgen-lab/client',
    [
      ...['--network', network.name, '--dns', '127.0.0.1', '-p', `${port}:${port}/udp`, ...tun],
      ...['-v', `${stack.headscale.caFile}:/etc/tmgen-lab-ca.pem:ro`, '-e', 'SSL_CERT_FILE=/etc/tmgen-lab-ca.pem'],
      ...['--entrypoint', 'tailscaled'],
    ],
    [
      ...['--statedir=/tmp', '--socket=/tmp/tailscaled.sock', `--port=${port}`],
      ...(mode === 'kernel' ? [] : ['--tun=userspace-networking']),
    ],
  )
  const samba = await startSamba(stack, mode, client.tailnetIp, `container:${tailscaled.id}`)
  // tailscaled lives in the same namespace and needs a way out, which Samba's own firewall closes.
  await waitFor('the firewall of Samba', async () => (await dropTable(samba)) === 0)

  const ts = (...args: string[]) => ['tailscale', '--socket=/tmp/tailscaled.sock', ...args]
  await waitFor(
    `tailscaled of ${node}`,
    async () => (await tailscaled.exec(['test', '-S', '/tmp/tailscaled.sock'])).code === 0,
  )
  const key = await stack.headscale.preAuthKey({ tags: ['tag:bench'] })
  await tailscaled.must(['sh', '-c', 'umask 077; cat > /tmp/authkey'], { input: key })
  const filter = mode === 'kernel' ? ['--netfilter-mode=off'] : []
  const where = [`--login-server=${stack.headscale.url}`, '--auth-key=file:/tmp/authkey', `--hostname=${node}`]
  await tailscaled.must(ts('up', ...where, '--accept-dns=false', ...filter, '--timeout=45s'))
  return { tailscaled, node }
}

/** Removes Samba's nftables table once it stands; the exit code. */
async function dropTable(samba: Container): Promise<number> {
  return (await samba.exec(['nft', 'delete', 'table', 'inet', 'tmgen'])).code
}

/** MiB that the largest process of a container holds in memory now, and held at most. */
export async function memoryOf(id: string): Promise<{ now: number; most: number }> {
  const flags = ['--rm', '--network', 'none', '--pid', `container:${id}`, '--entrypoint', 'sh']
  // Processes that end meanwhile are no fault.
  const script = 'cat /proc/[0-9]*/status 2>/dev/null || true'
  const printed = await docker(['run', ...flags, 'tmgen-lab/client', '-c', script])
  const largest = (field: string) =>
    Math.max(...[...printed.matchAll(new RegExp(`^${field}:\\s+(\\d+) kB`, 'gm'))].map((m) => Number(m[1]) / 1024))
  return { now: largest('VmRSS'), most: largest('VmHWM') }
}
