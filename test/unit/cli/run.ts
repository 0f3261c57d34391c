import { join } from 'node:path'
import { main } from '../../../src/cli.ts'
import type { Io } from '../../../src/ui/io.ts'

/** The package's folder, as bin.ts finds it. */
export const packageDir = join(import.meta.dirname, '../../..')

export interface Ran {
  code: number
  stdout: string
  stderr: string
}

/** Runs a command line in this process and collects what it prints; no terminal unless `io` says so. */
export async function runIn(io: Partial<Io>, ...argv: readonly string[]): Promise<Ran> {
  const out: string[] = []
  const err: string[] = []
  const code = await main(argv, {
    stdin: { read: async () => new Uint8Array() },
    env: {},
    cwd: packageDir,
    packageDir,
    ...io,
    stdout: { ...io.stdout, write: (text) => out.push(text) },
    stderr: { ...io.stderr, write: (text) => err.push(text) },
  })
  return { code, stdout: out.join(''), stderr: err.join('') }
}

export const run = (...argv: readonly string[]): Promise<Ran> => runIn({}, ...argv)
