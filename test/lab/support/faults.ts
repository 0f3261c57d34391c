import { chownSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Client, Login } from './client.ts'
import { docker, type Ran, run } from './docker.ts'
import type { Stack } from './stack.ts'
import { waitFor } from './wait.ts'

/** A copy that goes on while the caller breaks something else. */
export interface Copy {
  /** Waits for its end; throws unless it ended well, and unless every byte that lies on the share is right. */
  whole(): Promise<void>
  /** How it ended, and how long that took after `from`, in milliseconds. */
  ended(): Promise<Ran & { at: number }>
  isOver(): boolean
}

/** Starts to put a fresh random file on a share, and waits until the gateway has taken some of it. */
export async function startCopy(
  stack: Stack,
  client: Client,
  share: string,
  { mib, name = 'copied' }: { mib: number; name?: string },
): Promise<Copy> {
  const [host, who] = [await client.peerIp(`tm-${client.login}`), await stack.login(client.login)]
  await client.must(['sh', '-c', `head -c ${mib}M /dev/urandom > /tmp/copy`])
  let over = false
  const running = client.smb(host, share, who, `put /tmp/copy ${name}`).then((ran) => {
    over = true
    return { ...ran, at: Date.now() }
  })
  await waitFor('the copy to run', async () => over || (await stack.node(client.login)).connections > 0)
  return {
    isOver: () => over,
    ended: () => running,
    whole: async () => {
      const { code, stdout, stderr } = await running
      if (code !== 0) throw new Error(`the copy failed: ${stdout}${stderr}`)
      await sameBytes(client, host, share, who, name)
    },
  }
}

async function sameBytes(client: Client, host: string, share: string, who: Login, name: string): Promise<void> {
  const ran = await client.smb(host, share, who, `get ${name} /tmp/back; del ${name}`)
  if (ran.code !== 0) throw new Error(`reading it back failed: ${ran.stdout}${ran.stderr}`)
  await client.must(['cmp', '/tmp/copy', '/tmp/back'])
}

/** A download of the file `load` that goes on for minutes; resolves once it runs. */
export async function startLoad(stack: Stack, client: Client, share: string): Promise<{ stop(): Promise<void> }> {
  const user = client.login
  // Made on the spot, since it holds nothing.
  const folder = join(stack.storage, user, share)
  writeFileSync(join(folder, 'load'), '')
  truncateSync(join(folder, 'load'), 100 * 1024 ** 3)
  chownSync(join(folder, 'load'), statSync(folder).uid, statSync(folder).gid)
  const [host, { password }] = [await client.peerIp(`tm-${user}`), await stack.login(user)]
  await client.must(['sh', '-c', 'umask 077; cat > /run/load.auth'], {
    input: `username = ${user}\npassword = ${password}\ndomain = WORKGROUP\n`,
  })
  const sent = async () => (await stack.node(user)).bytes_out
  const before = await sent()
  const get = `smbclient //${host}/${share} -m SMB3 -A /run/load.auth -t 300 -c 'get load /dev/null'`
  const running = client.exec(['sh', '-c', `echo $$ > /run/load.pid; exec ${get}`], { timeout: 600_000 })
  await waitFor('the download to run', async () => (await sent()) > before + 16 * 1024 ** 2)
  const stop = async () => {
    await client.must(['sh', '-c', 'kill "$(cat /run/load.pid)"'])
    await running
    rmSync(join(folder, 'load'))
  }
  return { stop }
}

/** Copies of `mib` one after the other, each whole, while `trouble` goes on; at least one began and ended within it. */
export async function copiesDuring(
  stack: Stack,
  client: Client,
  share: string,
  mib: number,
  trouble: () => Promise<unknown>,
): Promise<number> {
  let going = true
  let failure: unknown
  const ended = trouble().then(
    () => undefined,
    (error) => {
      failure = error
    },
  )
  void ended.then(() => {
    going = false
  })
  let copies = 0
  do {
    await (await startCopy(stack, client, share, { mib })).whole()
    copies++
  } while (going)
  await ended
  if (failure) throw failure
  return copies
}

/** Runs a shell script with rights over the firewall in a container's own network namespace, and nowhere else. */
export async function inNetworkOf(container: string, script: string): Promise<string> {
  const flags = ['--rm', '-i', '--network', `container:${container}`, '--cap-add', 'NET_ADMIN', '--entrypoint', 'sh']
  return docker(['run', ...flags, 'tmgen-lab/client', '-eu'], { input: script })
}

/** Ends the process that a service's container is for with SIGKILL, as its crash would; Docker's restart policy follows. */
export async function killService(stack: Stack, service: string): Promise<void> {
  const { id } = await stack.containerOf(service)
  // From beside it: the gateway's image has no shell, and PID 1 (docker's init) takes no SIGKILL from within.
  const flags = ['--rm', '-i', '--user', '0', '--pid', `container:${id}`, '--network', 'none', '--cap-add', 'KILL']
  const script = 'for p in /proc/[0-9]*; do grep -q "^PPid:.1$" $p/status && kill -KILL "$(basename $p)"; done; true'
  // Exit code 137: where init ends too, so does all that is with it.
  const ran = await run('docker', ['run', ...flags, '--entrypoint', 'sh', 'tmgen-lab/client', '-u'], { input: script })
  if (ran.code !== 0 && ran.code !== 137) throw new Error(`killing ${service}: ${ran.stderr}`)
}
