import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'

/** A new folder that other users may enter. */
export function makeBase(): string {
  const base = mkdtempSync(join(tmpdir(), 'tmgen-test-'))
  chmodSync(base, 0o755)
  return base
}

/** Bundles child.ts into `base`, so that plain Node runs it. Returns the path. */
export async function bundleChild(base: string): Promise<string> {
  const outfile = join(base, 'child.mjs')
  await build({
    entryPoints: [join(import.meta.dirname, 'child.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    mainFields: ['module', 'main'],
    outfile,
    logLevel: 'error',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  })
  return outfile
}

export interface Run {
  lines: string[]
  code: number | null
  signal: NodeJS.Signals | null
}

/**
 * Runs the child to its end. `killAfterMs` counts from its first line, when its modules are loaded; `asNobody` runs it
 * as a user who may write nowhere, where the test itself is root.
 */
export function runChild(
  child: string,
  args: string[],
  options: { killAfterMs?: number; asNobody?: boolean } = {},
): Promise<Run> {
  const command = [process.execPath, child, ...args]
  if (options.asNobody && process.geteuid?.() === 0)
    command.unshift('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups')
  return new Promise((resolve, reject) => {
    const running = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'], timeout: 20_000 })
    let text = ''
    running.stdout.on('data', (chunk: Buffer) => {
      if (text === '' && options.killAfterMs !== undefined)
        setTimeout(() => running.kill('SIGKILL'), options.killAfterMs)
      text += chunk
    })
    running.on('error', reject)
    running.on('close', (code, signal) => resolve({ lines: text.split('\n').slice(1, -1), code, signal }))
  })
}
