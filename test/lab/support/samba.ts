import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onCleanup } from './cleanup.ts'
import { type Container, startContainer } from './container.ts'
import { docker } from './docker.ts'
import type { Stack } from './stack.ts'

/** Where alice's own Samba of the workspace takes its image, rights, limits and smb.conf from. */
const model = 'samba-alice'

/**
 * A second server with the image, smb.conf, shares and password of the workspace's samba-alice, its limits and rights,
 * and storage of its own beside it. It lets in `client` (an IPv4 address) and what comes from its own network namespace.
 * @param network value of `docker run --network`
 */
export async function startSamba(stack: Stack, kind: string, client: string, network: string): Promise<Container> {
  const { id } = await stack.containerOf(model)
  const [found] = JSON.parse(await docker(['inspect', id])) as [Inspected]
  const dir = mkdtempSync(join(tmpdir(), 'tmgen-lab-samba-'))
  onCleanup(`folder ${dir}`, async () => rmSync(dir, { recursive: true, force: true }))
  chmodSync(dir, 0o755)
  const [etc, secrets, storage] = [join(dir, 'etc'), join(dir, 'secrets'), join(dir, 'storage')]
  for (const made of [etc, secrets, storage]) mkdirSync(made, { mode: 0o711 })
  const conf = readFileSync(join(stack.dir, 'generated/users/alice/smb.conf'), 'utf8')
  const allow = /^(\s*hosts allow = )\S+/m
  if (!allow.test(conf)) throw new Error('smb.conf has no "hosts allow"')
  writeFileSync(join(etc, 'smb.conf'), conf.replace(allow, `$1${client}`))
  writeFileSync(join(secrets, 'password'), (await stack.login('alice')).password, { mode: 0o600 })
  writeFileSync(join(storage, '.tmgen.json'), readFileSync(join(stack.storage, 'alice/.tmgen.json')))

  const { Config, HostConfig } = found
  const environment = Config.Env.filter((one) => /^TMGEN_/.test(one) && !one.startsWith('TMGEN_GATEWAY_IP='))
  const flags = [
    ...['--init', '--read-only', '--network', network, '--memory', String(HostConfig.Memory)],
    ...[...environment, `TMGEN_GATEWAY_IP=${client}`].flatMap((one) => ['-e', one]),
    ...HostConfig.CapDrop.flatMap((one) => ['--cap-drop', one]),
    ...HostConfig.CapAdd.flatMap((one) => ['--cap-add', one]),
    ...HostConfig.SecurityOpt.flatMap((one) => ['--security-opt', one]),
    ...Object.entries(HostConfig.Tmpfs).flatMap(([path, options]) => ['--tmpfs', `${path}:${options}`]),
    ...['-v', `${etc}:/etc/tmgen:ro`, '-v', `${secrets}:/run/secrets/tmgen:ro`, '-v', `${storage}:/srv/tmgen`],
  ]
  return startContainer(`samba-${kind}`, Config.Image, flags)
}

/** The address of a container on a network of the test's own. */
export async function addressOf(container: { id: string }, network: string): Promise<string> {
  return docker(['inspect', '-f', `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`, container.id])
}

interface Inspected {
  Config: { Image: string; Env: string[] }
  HostConfig: {
    Memory: number
    CapDrop: string[]
    CapAdd: string[]
    SecurityOpt: string[]
    Tmpfs: Record<string, string>
  }
}
