import { type Client, type Container, type Login, startContainer } from '../test/lab/support/index.ts'

/** MiB/s of one put and one get. */
export interface Speed {
  put: number
  get: number
}

/**
 * A second container in the network namespace of a client, with a memory disk large enough for a file of `size` MiB
 * and the copy that comes back: no disk of the client has a part in the figures.
 */
export async function startLoader(client: Client, size: number): Promise<Container> {
  const flags = ['--network', `container:${client.id}`, '--shm-size', `${2 * size + 64}m`, '--entrypoint', 'sleep']
  const loader = await startContainer('loader', 'tmgen-lab/client', flags, ['infinity'])
  await loader.must(['sh', '-c', `head -c ${size}M /dev/urandom > /dev/shm/file`])
  return loader
}

/**
 * Puts the file, gets it back, compares every byte, removes both copies. The speeds are smbclient's own: of the transfer
 * alone, without the session's set-up. Throws unless both copies went through.
 */
export async function copyOnce(loader: Container, host: string, share: string, who: Login): Promise<Speed> {
  await loader.must(['sh', '-c', 'umask 077; cat > /dev/shm/auth'], {
    input: `username = ${who.user}\npassword = ${who.password}\ndomain = WORKGROUP\n`,
  })
  const smb = async (commands: string) => {
    const args = ['smbclient', `//${host}/${share}`, '-m', 'SMB3', '-A', '/dev/shm/auth', '-t', '60', '-c', commands]
    const ran = await loader.exec(args, { timeout: 300_000 })
    if (ran.code !== 0) throw new Error(`${host}: ${commands}: ${ran.stdout}${ran.stderr}`)
    return ran.stdout + ran.stderr
  }
  const put = rate(await smb('put /dev/shm/file bench.bin'))
  const get = rate(await smb('get bench.bin /dev/shm/back'))
  await loader.must(['cmp', '/dev/shm/file', '/dev/shm/back'])
  await loader.must(['rm', '/dev/shm/back'])
  await smb('del bench.bin')
  return { put, get }
}

/** smbclient prints `(123456.7 kb/s)` or `(123456.7 KiloBytes/sec)`, of 1,024 bytes each. */
function rate(printed: string): number {
  const found = /\(([\d.]+) (?:kb\/s|kB\/s|KiloBytes\/sec)\)/.exec(printed)?.[1]
  if (found === undefined) throw new Error(`smbclient told no speed: ${printed}`)
  return Number(found) / 1024
}
