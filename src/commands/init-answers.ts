import { basename, resolve } from 'node:path'
import type { NewControl, NewImages } from '../config/index.ts'
import { TmgenError } from '../errors.ts'
import { missingFlag, type Prompts } from '../ui/prompts.ts'
import type { Context } from './context.ts'

export interface InitOptions {
  provider?: NewControl['provider']
  storage?: string
  url?: string
  name?: string
  subnet?: string
  image?: NewImages
  operator?: string[]
  host: 'local' | 'remote'
  tlsCert?: string
  tlsKey?: string
  acmeEmail?: string
  start: boolean
  yes?: boolean
}

export interface Answers {
  workspace: string
  storageRoot: string
  control: NewControl
  operators: string[]
}

const providers = [
  { value: 'tailscale', label: 'Tailscale: keys are made through its API' },
  { value: 'headscale', label: 'Headscale: a server of your own that runs already' },
  { value: 'embedded', label: 'embedded: a Headscale in the same compose stack' },
  { value: 'manual', label: 'manual: somebody else makes the keys' },
]

/**
 * What init has to know, from flags or, for those that are missing, from questions.
 * @param prompts `undefined` where nobody can be asked
 * @throws TmgenError `usage` that names the missing flag
 */
export async function initAnswers(
  context: Context,
  dir: string,
  options: InitOptions,
  prompts: Prompts | undefined,
): Promise<Answers> {
  const provider =
    options.provider ??
    ((await prompts?.select('Who hands out auth keys?', providers)) as NewControl['provider'] | undefined)
  if (provider === undefined) throw missingFlag('--provider', 'tailscale, headscale, embedded or manual')
  const storage = options.storage ?? (await prompts?.text('Storage folder on the Docker host (absolute)', { fault }))
  if (storage === undefined) throw missingFlag('--storage', 'the folder on the Docker host that takes the backups')
  const workspace = options.name ?? (await askName(dir, options, prompts))
  const control = await controlOf(provider, options, prompts)
  const operators = options.operator ?? (await askOperator(options, prompts))
  // A path of this machine may be given relative; one of another machine may not.
  const storageRoot = options.host === 'local' ? resolve(context.io.cwd, storage) : storage
  return { workspace, storageRoot, control, operators }
}

const fault = (answer: string) => (answer.startsWith('/') ? undefined : 'must be an absolute path')

async function askName(dir: string, options: InitOptions, prompts: Prompts | undefined): Promise<string> {
  const initial = nameOf(dir)
  if (options.yes || !prompts) return initial
  return await prompts.text('Name of the workspace (and of the compose project)', { initial })
}

async function askOperator(options: InitOptions, prompts: Prompts | undefined): Promise<string[]> {
  if (options.yes || !prompts) return []
  const login = await prompts.text('Your own login in the tailnet, to see how everybody does (empty: later)')
  return login.trim() === '' ? [] : [login.trim()]
}

/** A workspace name out of a folder's: what is no DNS label becomes one. */
export function nameOf(dir: string): string {
  const label = basename(dir)
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
  return (
    label
      .replace(/^[^a-z]+/, '')
      .slice(0, 30)
      .replace(/-+$/, '') || 'timemachine'
  )
}

async function controlOf(
  provider: NewControl['provider'],
  options: InitOptions,
  prompts: Prompts | undefined,
): Promise<NewControl> {
  const tls = tlsOf(options)
  if (tls && provider !== 'embedded') throw new TmgenError('usage', 'a certificate is for --provider embedded only')
  const given = options.url === undefined ? {} : { url: options.url }
  if (provider === 'tailscale' || provider === 'manual') return { provider, ...given }
  const url = options.url ?? (await prompts?.text(`URL of the ${provider} server`, { initial: 'https://' }))
  if (url === undefined) throw missingFlag('--url', `the URL of the ${provider} server`)
  if (provider === 'headscale') return { provider, url }
  return { provider, url, ...(tls ?? (await askTls(url, prompts))) }
}

function tlsOf({ tlsCert, tlsKey, acmeEmail }: InitOptions) {
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new TmgenError('usage', '--tls-cert and --tls-key belong together')
  }
  if (tlsCert !== undefined && acmeEmail !== undefined) {
    throw new TmgenError('usage', '--tls-cert and --acme-email exclude each other')
  }
  if (acmeEmail !== undefined) return { tls: { mode: 'acme' as const, email: acmeEmail } }
  if (tlsCert !== undefined && tlsKey !== undefined) {
    return { tls: { mode: 'own' as const, cert: resolve(tlsCert), key: resolve(tlsKey) } }
  }
  return undefined
}

async function askTls(url: string, prompts: Prompts | undefined) {
  if (!url.startsWith('https:')) return {}
  if (!prompts) throw missingFlag('--acme-email', 'or --tls-cert and --tls-key: an https URL needs a certificate')
  const email = await prompts.text(
    "E-mail address for Let's Encrypt (a certificate of your own: --tls-cert, --tls-key)",
  )
  return { tls: { mode: 'acme' as const, email } }
}
