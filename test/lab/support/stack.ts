import { type Client, startClient } from './client.ts'
import { type Headscale, startHeadscale } from './headscale.ts'
import { freshLan } from './lan.ts'
import { chooseForTheLab, makeWorkspace, type Workspace } from './workspace.ts'

export interface StackOptions {
  /** Owner of the workspace; tmgen runs as this user. Unless told: TMGEN_LAB_UID, or 0. */
  uid?: number
  provider?: 'headscale' | 'manual'
  /** Folder that the workspace and its storage are made in. */
  parent?: string
  /** A folder that is made instead, and must not be there yet; the workspace has its name. */
  named?: string
  /** See startHeadscale. */
  headscaleBinary?: string | undefined
}

/** A workspace of tmgen with a LAN and a Headscale around it, as a person would have it. */
export interface Stack extends Workspace {
  headscale: Headscale
  /** What `tmgen policy show` prints goes into Headscale, as a person would paste it. */
  pastePolicy(): Promise<void>
  /** A client of this person on the LAN; the Headscale user is made where it is missing. */
  client(login: string): Promise<Client>
}

/** Makes LAN, Headscale and a workspace through `tmgen init`; nobody is added yet. */
export async function startStack({
  uid = Number(process.env.TMGEN_LAB_UID ?? 0),
  provider = 'headscale',
  parent,
  named,
  headscaleBinary,
}: StackOptions = {}): Promise<Stack> {
  const lan = await freshLan()
  const headscale = await startHeadscale(lan, headscaleBinary)
  const keys = { TMGEN_HEADSCALE_API_KEY: await headscale.apiKey(), NODE_EXTRA_CA_CERTS: headscale.caFile }
  const workspace = await makeWorkspace(lan, uid, keys, parent, named)
  const stack: Stack = Object.assign(workspace, {
    headscale,
    pastePolicy: async () => headscale.setPolicy(JSON.parse(await stack.must(['policy', 'show']))),
    client: async (login: string) => {
      const users = (await headscale.cli<{ name: string }[] | null>('users', 'list')) ?? []
      if (!users.some((one) => one.name === login)) await headscale.createUser(login)
      const authKey = await headscale.preAuthKey({ user: login })
      return startClient({ login, network: lan, loginServer: headscale.url, authKey, caFile: headscale.caFile })
    },
  })
  await stack.init('--provider', provider, '--url', headscale.url)
  chooseForTheLab(stack, headscale.caFile)
  return stack
}
