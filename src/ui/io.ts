import type { World } from '../world.ts'
import type { Prompts } from './prompts.ts'

/** Where a command reads and writes; tests pass their own. */
export interface Io {
  /** Data for people and programs. */
  stdout: { write(text: string): unknown; isTTY?: boolean }
  /** Messages. */
  stderr: { write(text: string): unknown; isTTY?: boolean }
  stdin: { isTTY?: boolean; read(): Promise<Uint8Array> }
  env: Readonly<Record<string, string | undefined>>
  cwd: string
  /** The package's own folder. */
  packageDir: string
  /** Takes the place of the real world. */
  world?: World
  /** Takes the place of the questions on the terminal. */
  prompts?: Prompts
}

/** What piped input may hold at most, in bytes: an auth key is about 100. */
const maxStdin = 64 * 1024

async function readAll(stream: NodeJS.ReadStream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of stream) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Uint8Array)
    size += bytes.length
    if (size > maxStdin) break
    chunks.push(bytes)
  }
  return Buffer.concat(chunks)
}

/** The real process. */
export function processIo(packageDir: string): Io {
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: { isTTY: process.stdin.isTTY === true, read: () => readAll(process.stdin) },
    env: process.env,
    cwd: process.cwd(),
    packageDir,
  }
}
