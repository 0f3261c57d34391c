import { TmgenError } from '../errors.ts'
import type { DeployedUser, Deployment } from '../resolve/types.ts'
import type { Secret } from '../secret.ts'
import { shellWord } from './prepare.ts'
import { fill } from './template.ts'

export interface GuideOptions {
  /** Templates by file name, as in RenderInputs. */
  templates: Readonly<Record<string, string>>
  /** Full name of the node, where the control plane or the gateway told it. */
  dnsName?: string
  /** The restore guide in place of the one for setting up. */
  restore: boolean
  /** Printed as it is: only on request, and only on a terminal. */
  password?: Secret
  /** Join key for one Mac (`tmgen invite`); the same holds for it. */
  joinKey?: Secret
}

const tailscaleControl = 'https://controlplane.tailscale.com'

/**
 * What a person does on each Mac, as Markdown. Throws TmgenError `usage` for a name that is not in the config.
 */
export function guide(deployment: Deployment, userName: string, options: GuideOptions): string {
  const user = deployment.users.find((u) => u.name === userName)
  if (!user) throw new TmgenError('usage', `there is no user ${JSON.stringify(userName)} in tmgen.yaml`)
  const host = nodeName(deployment, user, options.dnsName)
  return fill(options.templates, options.restore ? 'restore.md.hbs' : 'guide.md.hbs', {
    name: user.name,
    host,
    shortName: !host.includes('.'),
    enabled: user.enabled,
    macs: user.macs.map((m) => ({
      ...m,
      url: `smb://${user.name}@${host}/${m.name}`,
      folder: shellWord(`${user.storage}/${m.name}/`),
    })),
    password: options.password?.reveal() ?? '',
    ...join(deployment, user, options.joinKey),
  })
}

/** Fully qualified where it is known: Headscale's MagicDNS domain is ours to choose, Tailscale's is not. */
function nodeName({ control }: Deployment, user: DeployedUser, dnsName: string | undefined): string {
  if (dnsName !== undefined && dnsName !== '') return dnsName.replace(/\.$/, '')
  return control.provider === 'embedded' ? `${user.hostname}.${control.baseDomain}` : user.hostname
}

/** How a Mac of this person gets into the tailnet. */
function join({ control, controlUrl }: Deployment, user: DeployedUser, joinKey: Secret | undefined) {
  const isOidc = control.provider === 'embedded' && control.oidc !== undefined
  const who = [...user.logins, ...user.tags]
  return {
    tailscale: controlUrl === tailscaleControl,
    controlUrl,
    ownCertificate: control.provider === 'embedded' && control.tls?.mode === 'own',
    signsIn: isOidc,
    invites: (control.provider === 'embedded' && !isOidc) || control.provider === 'headscale',
    joinKey: joinKey?.reveal() ?? '',
    who: who.join(' or '),
    login: user.logins[0] ?? '',
    tags: user.tags.join(', '),
  }
}
