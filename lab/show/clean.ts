import { existsSync, rmSync } from 'node:fs'
import { docker, onHostNetwork } from '../../test/lab/support/index.ts'
import { home, project } from './place.ts'

const own = (name: string) => name === project || name.startsWith(`${project}-`) || name.startsWith(`${project}_`)
const lines = (text: string) => text.split('\n').filter(Boolean)

/** Removes everything that a demo starts or writes, found by name; gives what it removed. Lab images stay. */
export async function removeAll(): Promise<string[]> {
  const removed: string[] = []
  const containers = lines(await docker(['ps', '-a', '--format', '{{.Names}}'])).filter(own)
  if (containers.length > 0) await docker(['rm', '-f', '-v', ...containers])
  removed.push(...containers.map((name) => `container ${name}`))
  for (const name of lines(await docker(['network', 'ls', '--format', '{{.Name}}'])).filter(own)) {
    const option = '{{index .Options "com.docker.network.bridge.name"}}'
    await openFirewall(await docker(['network', 'inspect', '-f', option, name]))
    await docker(['network', 'rm', name])
    removed.push(`network ${name}`)
  }
  const volumes = lines(await docker(['volume', 'ls', '--format', '{{.Name}}'])).filter(own)
  if (volumes.length > 0) await docker(['volume', 'rm', ...volumes])
  removed.push(...volumes.map((name) => `volume ${name}`))
  await removeFolder(removed)
  const images = lines(await docker(['images', '--format', '{{.Repository}}:{{.Tag}}'])).filter(own)
  if (images.length > 0) await docker(['rmi', ...images])
  removed.push(...images.map((name) => `image ${name}`))
  return removed
}

/** Takes back the rules that a LAN of the demo has in Docker's own chain. */
async function openFirewall(bridge: string): Promise<void> {
  if (!/^tml[0-9a-f]{6}$/.test(bridge)) return
  await onHostNetwork(`
for tables in iptables-nft iptables-legacy; do
  $tables -S DOCKER-USER 2>/dev/null | sed -n 's/^-A \\(.*${bridge}.*\\)/\\1/p' | while read -r rule; do
    $tables -D $rule
  done
done
`)
}

/** The folder holds files of the containers' users: a container, being root, empties it. */
async function removeFolder(removed: string[]): Promise<void> {
  if (!existsSync(home)) return
  const empty = ['find', '/demo', '-mindepth', '1', '-delete']
  const flags = ['--rm', '--network', 'none', '-v', `${home}:/demo`, '--entrypoint', empty[0] as string]
  await docker(['run', ...flags, 'tmgen-lab/client', ...empty.slice(1)])
  rmSync(home, { recursive: true })
  removed.push(`folder ${home}`)
}
