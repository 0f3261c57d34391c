import { type ParsedConfig, parseConfig } from '../../../src/config/index.ts'
import { TmgenError, TmgenErrors } from '../../../src/errors.ts'
import { formatError } from '../../../src/format-error.ts'

/** A small valid tmgen.yaml; tests change one thing in it. */
export const good = `version: 1
workspace: home
control:
  provider: headscale
  url: https://headscale.example.com
storage:
  root: /srv/timemachine
network:
  subnet: 10.77.0.0/22
users:
  - name: alice
    logins: [alice@example.com]
    macs:
      - name: macbook
        quota: 1T
  - name: bob
    logins: [bob@example.com]
    macs:
      - name: mini
`

/** `good` with one piece of text replaced. */
export function change(from: string, to: string): string {
  if (!good.includes(from)) throw new Error(`the sample has no ${from}`)
  return good.replace(from, () => to)
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function parse(text: string): ParsedConfig {
  return parseConfig(bytes(text), 'tmgen.yaml')
}

/** `code[,code…]` and what a person would read, or `accepted`. */
export function failure(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof TmgenErrors) return `${error.errors.map((e) => e.code)}\n${formatError(error)}`
    if (error instanceof TmgenError) return `${error.code}\n${formatError(error)}`
    throw error
  }
  return 'accepted'
}

/** A config of `count` users, as people write it. */
export function manyUsers(count: number): string {
  const users = Array.from(
    { length: count },
    (_, i) => `  - name: user${i}
    logins: [user${i}@example.com]
    macs:
      - name: macbook
        quota: 1T
      - name: imac
`,
  )
  return `${good.slice(0, good.indexOf('  - name: alice'))}${users.join('')}`
}
