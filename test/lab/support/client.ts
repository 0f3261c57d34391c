import { type Container, startContainer } from './container.ts'
import type { Ran } from './docker.ts'
import type { Network } from './lan.ts'
import { waitFor } from './wait.ts'

export interface ClientOptions {
  login: string
  network: Network
  loginServer: string
  /** Pre-auth key of the person; goes in by a file, never in an argument. */
  authKey: string
  /** CA file for the control server, on the host. */
  caFile?: string
  /** Names it knows besides DNS: {name: ip}. */
  hosts?: Record<string, string>
}

export interface Login {
  user: string
  password: string
}

export interface Client extends Container {
  login: string
  tailnetIp: string
  /** Addresses of a peer by its node name; undefined while the policy hides it. */
  peer(node: string): Promise<{ ip: string; online: boolean } | undefined>
  /** As peer, waited for. */
  peerIp(node: string): Promise<string>
  /** How packets reach a node: `direct` with the endpoint, or `relay`. */
  path(node: string): Promise<{ path: 'direct' | 'relay'; via: string }>
  /** Runs smbclient commands on //host/share; the password travels by stdin into a 0600 file. */
  smb(host: string, share: string, login: Login, commands: string): Promise<Ran>
  /** Writes a file of the share; throws unless the server took it. */
  smbPut(host: string, share: string, login: Login, path: string, content: string | Buffer): Promise<void>
  /** Reads a file of the share. */
  smbGet(host: string, share: string, login: Login, path: string): Promise<string>
  /** Whether a TCP connection to ip:port opens within 5 s. */
  connects(ip: string, port: number): Promise<boolean>
}

/** A container with TUN that joined the tailnet as this person's Mac would. */
export async function startClient(options: ClientOptions): Promise<Client> {
  const { login, network, loginServer, authKey, caFile, hosts = {} } = options
  const flags = ['--network', network.name, '--dns', '127.0.0.1', '--cap-add', 'NET_ADMIN', '--device', '/dev/net/tun']
  for (const [name, ip] of Object.entries(hosts)) flags.push('--add-host', `${name}:${ip}`)
  if (caFile) flags.push('-v', `${caFile}:/etc/tmgen-lab-ca.pem:ro`, '-e', 'SSL_CERT_FILE=/etc/tmgen-lab-ca.pem')
  const box = await startContainer(`mac-${login}`, 'tmgen-lab/client', flags)

  const up = [
    'tailscale',
    'up',
    `--login-server=${loginServer}`,
    '--auth-key=file:/run/authkey',
    `--hostname=mac-${login}`,
  ]
  await waitFor(
    'tailscaled',
    async () => (await box.exec(['test', '-S', '/var/run/tailscale/tailscaled.sock'])).code === 0,
  )
  await box.must(['sh', '-c', 'umask 077; cat > /run/authkey'], { input: authKey })
  await box.must([...up, '--accept-dns=false', '--netfilter-mode=off', '--timeout=45s'])
  await box.must(['rm', '/run/authkey'])
  const tailnetIp = (await box.must(['tailscale', 'ip', '-4'])).trim()

  const peer = async (node: string) => {
    const status = JSON.parse(await box.must(['tailscale', 'status', '--json'])) as Status
    const found = Object.values(status.Peer ?? {}).find((one) => one.HostName === node)
    return found?.TailscaleIPs?.[0] ? { ip: found.TailscaleIPs[0], online: found.Online === true } : undefined
  }
  const peerIp = async (node: string) => (await waitFor(`${login} to see ${node}`, () => peer(node))).ip
  const smb = async (host: string, share: string, { user, password }: Login, commands: string) => {
    await box.must(['sh', '-c', 'umask 077; cat > /run/smb.auth'], {
      input: `username = ${user}\npassword = ${password}\ndomain = WORKGROUP\n`,
    })
    return box.exec([
      'smbclient',
      `//${host}/${share}`,
      '-m',
      'SMB3',
      '-A',
      '/run/smb.auth',
      '-t',
      '30',
      '-c',
      commands,
    ])
  }
  return {
    ...box,
    login,
    tailnetIp,
    peer,
    peerIp,
    path: (node) => pathTo(box, node, peerIp),
    smb,
    smbPut: async (host, share, who, path, content) => {
      await box.must(['sh', '-c', 'cat > /tmp/put'], { input: content })
      const ran = await smb(host, share, who, `put /tmp/put ${path}`)
      if (ran.code !== 0) throw new Error(`smb put ${path}: ${ran.stdout}${ran.stderr}`)
    },
    smbGet: async (host, share, who, path) => {
      const ran = await smb(host, share, who, `get ${path} /tmp/got`)
      if (ran.code !== 0) throw new Error(`smb get ${path}: ${ran.stdout}${ran.stderr}`)
      return box.must(['cat', '/tmp/got'])
    },
    connects: async (ip, port) => {
      const script = `import socket; socket.create_connection(("${ip}", ${port}), 5).close()`
      return (await box.exec(['python3', '-c', script])).code === 0
    },
  }
}

interface Status {
  Peer?: Record<string, { HostName: string; TailscaleIPs?: string[]; Online?: boolean }>
}

/** `tailscale ping` until the path is direct; after ten pongs over a relay the answer is `relay`. */
async function pathTo(box: Container, node: string, peerIp: (node: string) => Promise<string>) {
  const ip = await peerIp(node)
  const ran = await box.exec(['tailscale', 'ping', '--c=10', '--timeout=3s', ip], { timeout: 60_000 })
  const via = [...ran.stdout.matchAll(/ via (\S+)/g)].at(-1)?.[1]
  if (via === undefined) throw new Error(`no pong from ${node}: ${ran.stdout}${ran.stderr}`)
  return via.startsWith('DERP') ? { path: 'relay' as const, via } : { path: 'direct' as const, via }
}
