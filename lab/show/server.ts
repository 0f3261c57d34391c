import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  baseImages,
  composeRemove,
  freshLan,
  type GatewayStatus,
  gatewayChoices,
  gatewayStatus,
  makeCertificate,
  type Network,
  onCleanup,
  waitFor,
} from '../../test/lab/support/index.ts'
import { controlPort, home, project, udpBlock, workspace } from './place.ts'
import { quote, step, type } from './say.ts'

const tmgenJs = fileURLToPath(new URL('../../dist/tmgen.js', import.meta.url))

export interface Server {
  lan: Network
  host: string
  url: string
  caFile: string
}

/** Runs the checkout's tmgen, shown as a person would type it. */
export const tmgen = (args: string[], cwd = workspace, quiet = false) =>
  type([process.execPath, tmgenJs, ...args], { cwd, quiet, shown: `tmgen ${args.join(' ')}` })

/** Everything on the server's side: certificate, workspace, two users, and the stack running. */
export async function buildServer(): Promise<Server> {
  const host = 'hs.demo.test'
  const url = `https://${host}:${await controlPort()}`
  const caFile = join(home, 'tls/ca.pem')

  const lan = await step(`Prepare ${home}: a certificate for ${host}, and a LAN for the Macs`, async () => {
    for (const made of ['storage', 'tls']) mkdirSync(join(home, made), { recursive: true })
    await makeCertificate(join(home, 'tls'), host)
    return freshLan()
  })
  await step('Make a workspace with an embedded Headscale; init starts it, closed to everybody', async () => {
    onCleanup('the stack', () => composeRemove(workspace))
    const tls = ['--tls-cert', 'tls/cert.pem', '--tls-key', 'tls/key.pem']
    const images = Object.entries(baseImages()).flatMap(([name, ref]) => ['--image', `${name}=${ref}`])
    const where = ['--storage', 'storage', '--name', project]
    await tmgen(
      ['init', 'timemachine', '--provider', 'embedded', '--url', url, ...tls, ...where, ...images, '--yes'],
      home,
    )
    writeFileSync(join(workspace, 'docker-compose.base.yml'), gatewayChoices(caFile))
    quote('docker-compose.base.yml: the gateway trusts the private CA, and looks for no internet')
    await takeFreePorts()
  })
  await step('Add two people', async () => {
    await tmgen(['add', 'user', 'alice', '--login', 'alice', '--mac', 'macbook', '--quota', '10G'])
    await tmgen(['add', 'user', 'bob', '--login', 'bob', '--mac', 'imac', '--quota', '10G'])
  })
  await step('Start the stack: gateway, Headscale, and a Samba for each', async () => {
    await type(['docker', 'compose', 'up', '-d'], { cwd: workspace, shown: 'docker compose up -d', quiet: true })
    const running = async () => {
      const { nodes } = await gatewayStatus<GatewayStatus>(workspace)
      return ['alice', 'bob'].every((user) => nodes[user]?.state === 'running')
    }
    await waitFor('both nodes to run', running, { timeout: 120_000 })
    quote('tm-alice and tm-bob are on the tailnet')
  })
  return { lan, host, url, caFile }
}

/** Where another stack on this machine has the usual UDP ports, the demo takes others. */
async function takeFreePorts(): Promise<void> {
  const from = await udpBlock()
  if (from === 21_000) return
  const file = join(workspace, 'tmgen.yaml')
  const text = readFileSync(file, 'utf8')
  writeFileSync(file, text.replace(/^network:\n/m, `$&  udp: { from: ${from}, to: ${from + 31} }\n`))
  quote(`UDP 21000 is taken on this machine: network.udp in tmgen.yaml is ${from}-${from + 31}`)
}
