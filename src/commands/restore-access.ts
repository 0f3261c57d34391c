import { join } from 'node:path'
import ipaddr from 'ipaddr.js'
import { TmgenError } from '../errors.ts'
import type { Deployment } from '../resolve/types.ts'
import { printable } from '../ui/printable.ts'
import { typeWord } from '../ui/prompts.ts'
import type { World } from '../world.ts'
import type { Context } from './context.ts'
import { look, mustBeHere, servedUserOf, userOf } from './look.ts'
import { converge, tellOutcome } from './outcome.ts'

export interface RestoreAccessOptions {
  lan?: string
  /** Seconds. */
  for: number
  address?: string
  port: number
  end?: boolean
  yes?: boolean
  json?: boolean
}

const usage = (message: string, hint: string) => new TmgenError('usage', message, { hint })

/**
 * `tmgen restore-access NAME`: a relay on the LAN to a second, read-only Samba with one user's backups, for a restore
 * where there is no Tailscale. It ends by itself, and by --end.
 */
export async function restoreAccess(context: Context, name: string, options: RestoreAccessOptions): Promise<undefined> {
  const { ui } = context
  const world = await context.world()
  const { dir, deployment } = await look(context, 'no')
  mustBeHere(deployment, 'restore-access')
  if (options.end) {
    userOf(deployment, name)
    return close(context, dir, name, options)
  }
  const user = servedUserOf(deployment, name)
  const lan = privateLan(options.lan)
  const address = addressIn(lan, world, options.address)
  const macs: string[] = []
  for (const mac of user.macs)
    if ((await world.disk.stat(join(user.storage, mac.name)))?.kind === 'directory') macs.push(mac.name)
  if (macs.length === 0)
    throw new TmgenError('storage', `${user.storage} has no share of ${name} yet: there is nothing to restore`, {
      hint: 'is its disk mounted? tmgen doctor',
    })
  const { restoreFolder, restoreProject } = await import('../render/index.ts')
  const project = restoreProject(deployment, name)
  const until = Math.floor(world.now().getTime() / 1000) + options.for
  const end = new Date(until * 1000).toISOString()
  await consent(context, name, { lan, address, port: options.port, end }, options)
  const subnet = await freeSubnet(world, deployment, project)
  const outcome = await converge(context, `access for a restore of ${name}`, {
    name: `restore-access ${name} --lan ${lan}`,
    permits: 'restore',
    restore: { user: name, lan, address, port: options.port, until, subnet, macs },
    remote: 'no',
  })
  await compose(context, dir, ['-f', `${restoreFolder(name)}/compose.yaml`, 'up', '-d', '--force-recreate'])
  const server = options.port === 445 ? address : `${address}:${options.port}`
  tellOutcome(ui, outcome, options.json, { user: name, address, port: options.port, lan, until: end, macs })
  if (options.json) return undefined
  ui.done(`${lan} reaches the backups of ${name} at ${server}, read-only, until ${end}`)
  ui.say('On the Mac, in Recovery > Utilities > Terminal:')
  ui.say('    mkdir /Volumes/backup')
  for (const mac of macs) ui.say(`    mount_smbfs -o rdonly //${name}@${server}/${mac} /Volumes/backup       # ${mac}`)
  ui.say('    hdiutil attach -readonly /Volumes/backup/*.sparsebundle')
  ui.say(`The password of the disk: tmgen guide ${name} --password. Then docs/how-to/restore.md.`)
  ui.say(`To end it before: tmgen restore-access ${name} --end`)
  return undefined
}

/** A private IPv4 network; the whole of it must be private. */
export function privateLan(text: string | undefined): string {
  if (text === undefined)
    throw usage('--lan is missing', 'the network that the Mac is in, for example --lan 192.168.1.0/24')
  const hint = 'name the LAN that the Mac is in, for example 192.168.1.0/24'
  if (!ipaddr.IPv4.isValidCIDRFourPartDecimal(text)) throw usage(`${printable(text)} is no IPv4 network`, hint)
  const [address, prefix] = ipaddr.IPv4.parseCIDR(text)
  const base = ipaddr.IPv4.networkAddressFromCIDR(text)
  const isPrivate = [base, ipaddr.IPv4.broadcastAddressFromCIDR(text)].every((one) => one.range() === 'private')
  if (!isPrivate || prefix < 8) throw usage(`${text} is not a private network: backups are opened to a LAN only`, hint)
  if (address.toString() !== base.toString()) throw usage(`${text} begins at ${base}`, `write ${base}/${prefix}`)
  return text
}

/** The address of this host in the LAN. */
function addressIn(lan: string, world: World, wanted: string | undefined): string {
  const network = ipaddr.IPv4.parseCIDR(lan)
  const own = world.host.addresses().filter((one) => ipaddr.IPv4.parse(one).match(network))
  if (wanted !== undefined) {
    if (own.includes(wanted)) return wanted
    throw usage(`${printable(wanted)} is no address of this host in ${lan}`, `there are: ${own.join(', ') || 'none'}`)
  }
  const [only, ...others] = own
  if (only === undefined)
    throw usage(`this host has no address in ${lan}`, `its addresses: ${world.host.addresses().join(', ')}`)
  if (others.length > 0)
    throw usage(`this host has several addresses in ${lan}`, `--address ${only}, or ${others.join(', ')}`)
  return only
}

/** A random /29 of 10.0.0.0/8 that meets no network of this host. */
async function freeSubnet(world: World, { network }: Deployment, project: string): Promise<string> {
  const { found } = await world.host.routes(project)
  const taken = [...found.map((route) => route.cidr), network.subnet]
    .filter((cidr) => ipaddr.IPv4.isValidCIDR(cidr))
    .map((cidr) => ipaddr.IPv4.parseCIDR(cidr))
  for (let tries = 0; tries < 64; tries++) {
    const [b = 0, c = 0, d = 0] = world.randomBytes(3)
    const candidate = ipaddr.IPv4.parse(`10.${b}.${c}.${d & 0xf8}`)
    if (taken.every(([one, prefix]) => prefix === 0 || !candidate.match(one, Math.min(prefix, 29))))
      return `${candidate}/29`
  }
  throw new TmgenError('network', 'found no free /29 in 10.0.0.0/8: a network of this host covers it', {
    hint: 'docker network ls and ip route show what is taken',
  })
}

async function consent(
  context: Context,
  name: string,
  access: { lan: string; address: string; port: number; end: string },
  options: RestoreAccessOptions,
): Promise<void> {
  if (options.yes) return
  const prompts = await context.prompts()
  const what = `${access.lan} may then try passwords at ${access.address}:${access.port} until ${access.end}`
  if (!prompts) throw usage(`--yes is missing: ${what}`, 'give --yes, or run tmgen on a terminal to be asked')
  context.ui.say(`${what}; with the right one it reads the backups of ${name}, and can change nothing.`)
  await typeWord(prompts, 'Open it? Type yes', 'yes')
}

async function close(context: Context, dir: string, name: string, options: RestoreAccessOptions): Promise<undefined> {
  const { restoreFolder } = await import('../render/index.ts')
  const file = `${restoreFolder(name)}/compose.yaml`
  if ((await (await context.world()).disk.stat(join(dir, file))) === undefined)
    throw usage(`${name} has no restore access`, `tmgen restore-access ${name} --lan CIDR opens one`)
  await compose(context, dir, ['-f', file, 'down'])
  const outcome = await converge(context, `ending the restore access of ${name}`, {
    name: `restore-access ${name} --end`,
    permits: 'restore',
    restore: name,
    remote: 'no',
  })
  tellOutcome(context.ui, outcome, options.json, { user: name, ended: true })
  if (!options.json) context.ui.say(`the restore access of ${name} has ended`)
  return undefined
}

/** The containers are a compose project of their own, with the workspace's .env. */
async function compose(context: Context, dir: string, args: readonly string[]): Promise<void> {
  const { docker } = await context.world()
  const { exitCode, stderr } = await docker.run(['compose', '--project-directory', dir, ...args], {
    cwd: dir,
    timeoutMs: 120_000,
  })
  if (exitCode === 0) return
  throw new TmgenError('docker', `docker compose failed: ${printable(stderr.trim().split('\n').at(-1) ?? '')}`, {
    hint: 'a port that is taken: --port 1445; an image that is missing: docker compose up -d first',
  })
}
