import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { backUpBundle, type Client, makeSparsebundle, startClient, waitFor } from '../../test/lab/support/index.ts'
import { home, workspace } from './place.ts'
import { quote, step } from './say.ts'
import { type Server, tmgen } from './server.ts'

const people = [
  { user: 'alice', mac: 'macbook' },
  { user: 'bob', mac: 'imac' },
] as const

/** Two Macs join and back up, each is refused by the other's node; gives the clients' container names. */
export async function backUps(server: Server): Promise<Record<string, string>> {
  const macs = new Map<string, Client>()
  for (const { user, mac } of people) {
    await step(`${user}'s ${mac} joins the tailnet with an invitation`, async () => {
      macs.set(user, await joined(server, user))
    })
  }
  for (const { user, mac } of people) {
    await step(`${user}'s ${mac} backs up to //tm-${user}/${mac}`, () => backUp(macs.get(user) as Client, user, mac))
  }
  await step('Who is refused', async () => {
    for (const [who, other] of [
      ['alice', 'bob'],
      ['bob', 'alice'],
    ] as const)
      await refused(macs.get(who) as Client, macs.get(other) as Client, who, other)
  })
  await step('Look at it', async () => {
    await tmgen(['list'])
    const guide = await tmgen(['guide', 'alice'], workspace, true)
    quote(`${guide.split('\n').slice(0, 24).join('\n')}\n[...]`)
  })
  return Object.fromEntries([...macs].map(([user, { name }]) => [user, name]))
}

async function joined({ lan, host, url, caFile }: Server, user: string): Promise<Client> {
  await tmgen(['invite', user, '--key-file', `../${user}.join`])
  const authKey = readFileSync(join(home, `${user}.join`), 'utf8').trim()
  const hosts = { [host]: lan.hostIp }
  const client = await startClient({ login: user, network: lan, loginServer: url, authKey, caFile, hosts })
  quote(`on the Mac: tailscale up --login-server ${url} --auth-key file:${user}.join`)
  quote(`a container stands in for it: ${client.name}, ${client.tailnetIp} on the tailnet`)
  return client
}

async function backUp(client: Client, user: string, mac: string): Promise<void> {
  const host = await client.peerIp(`tm-${user}`)
  const password = readFileSync(join(workspace, 'secrets/smb', user, 'password'), 'utf8').trim()
  const login = { user, password }
  const opens = async () => (await client.smb(host, mac, login, 'ls')).code === 0
  await waitFor(`a session of ${user}`, opens, { timeout: 60_000 })
  await backUpBundle(client, host, mac, login, await makeSparsebundle(client, '/tmp', { name: mac }))
  quote(`${mac}.sparsebundle written through tm-${user} (${host}), read back, every byte the same`)
  const { path, via } = await client.path(`tm-${user}`)
  quote(`path: ${path}${path === 'direct' ? ` over UDP ${via}` : ` ${via}`}`)
}

/** Throws when `who` sees or reaches the node of `other`. */
async function refused(mac: Client, otherMac: Client, who: string, other: string): Promise<void> {
  if (await mac.peer(`tm-${other}`)) throw new Error(`${who} sees tm-${other}: the policy does not hold`)
  quote(`${who} does not see tm-${other}: the tailnet policy hides it`)
  const ip = await otherMac.peerIp(`tm-${other}`)
  if (await mac.connects(ip, 445)) throw new Error(`${who} reaches ${ip}:445 of ${other}: nothing refused it`)
  quote(`${who} is refused at ${ip}:445, the address of tm-${other}`)
}
