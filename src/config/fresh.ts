import { parseConfig } from './parse.ts'
import type { NewControl, NewImages } from './schema.ts'
import { flow, scalar } from './style.ts'

/** What `tmgen init` knows. */
export interface NewConfigOptions {
  workspace: string
  /** Keys as in tmgen.yaml; `keyExpiry` and other defaults may be left out. */
  control: NewControl
  storageRoot: string
  /** CIDR, for example 10.77.0.0/22. */
  subnet: string
  host?: 'local' | 'remote'
  /** In place of the pinned bases and of builds. */
  images?: NewImages
  /** Who may open the dashboard: logins and tags; none: it has no node. */
  operators?: readonly string[]
}

/** First line of a new file: editors with the YAML language server complete and check by it. */
const schemaLine = '# yaml-language-server: $schema=generated/tmgen.schema.json'

const controlComment: Record<NewControl['provider'], string> = {
  tailscale:
    'Keys come from the Tailscale API: TMGEN_TAILSCALE_API_KEY, or TMGEN_TAILSCALE_CLIENT_ID and TMGEN_TAILSCALE_CLIENT_SECRET.',
  headscale: 'Keys come from your Headscale (0.26 to 0.29): TMGEN_HEADSCALE_API_KEY.',
  embedded: 'A Headscale of our own runs in the stack; the Macs join it at this URL.',
  manual: 'You make the auth keys: tmgen add user NAME --auth-key-file FILE.',
}

/** A fresh, commented tmgen.yaml without users. Throws TmgenErrors when the options do not make a valid config. */
export function newConfigText(options: NewConfigOptions): string {
  const { provider, ...rest } = options.control
  const control = Object.entries(rest).filter(([, value]) => value !== undefined)
  const images = Object.entries(options.images ?? {}).flatMap(([name, ref]) =>
    ref === undefined ? [] : [{ name, ref }],
  )
  const text = [
    schemaLine,
    '# Who gets a Time Machine server, and where. After a change: tmgen generate, then docker compose up -d.',
    'version: 1',
    '# Also the compose project name: leave it as it is once the stack has run.',
    `workspace: ${scalar(options.workspace)}`,
    '# remote: tmgen runs elsewhere than Docker, for example on a laptop.',
    `host: ${options.host ?? 'local'}`,
    '',
    `# ${controlComment[provider]}`,
    'control:',
    `  provider: ${provider}`,
    ...control.map(([key, value]) => `  ${key}: ${flow(value, false)}`),
    '',
    '# A folder per user is made in here.',
    'storage:',
    `  root: ${scalar(options.storageRoot)}`,
    '',
    '# The internal bridge between the gateway and the shares; one address per user.',
    'network:',
    `  subnet: ${scalar(options.subnet)}`,
    '',
    ...(images.length === 0
      ? []
      : [
          '# Images in place of the pinned bases (debian, golang), or ready ones in place of builds.',
          'images:',
          ...images.map(({ name, ref }) => `  ${name}: ${scalar(ref)}`),
          '',
        ]),
    '# Who sees at http://tm-dashboard/ how everybody does: logins of the tailnet, as it shows them.',
    ...((options.operators ?? []).length === 0
      ? ['# dashboard:', '#   operators: [you@example.com]']
      : ['dashboard:', `  operators: ${flow(options.operators, false)}`]),
    '',
    '# Size limit of a Mac that names none: digits and one of K, M, G, T, P.',
    'defaults:',
    '  quota: 1T',
    '',
    '# The people: tmgen add user NAME --login LOGIN --mac MAC, or by hand:',
    '#   - name: alice',
    '#     logins: [alice@example.com]',
    '#     macs:',
    '#       - name: macbook',
    '#         quota: 500G',
    'users: []',
    '',
  ].join('\n')
  parseConfig(new TextEncoder().encode(text), 'tmgen.yaml')
  return text
}
