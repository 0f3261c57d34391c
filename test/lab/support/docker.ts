import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'

/** What a finished command left: exit code and its whole output as text. */
export interface Ran {
  code: number
  stdout: string
  stderr: string
}

export interface RunOptions {
  input?: string | Buffer
  cwd?: string
  env?: Record<string, string>
  /** Milliseconds until it is killed; 120 s unless told. */
  timeout?: number
}

/** Runs a command and gives what it left, whatever its exit code. A command that cannot start or hangs throws. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { timeout = 120_000, ...rest } = options
  const done = await execa(command, args, { ...rest, timeout, reject: false, stripFinalNewline: false })
  if (done.timedOut) throw new Error(`${command} ${args[0] ?? ''} took longer than ${timeout} ms`)
  if (done.exitCode === undefined) throw new Error(`${command} ${args[0] ?? ''}: ${done.shortMessage ?? 'did not run'}`)
  return { code: done.exitCode, stdout: String(done.stdout), stderr: String(done.stderr) }
}

/** Runs docker; a non-zero exit throws with what it said. Returns stdout without the last newline. */
export async function docker(args: readonly string[], options: RunOptions = {}): Promise<string> {
  const ran = await run('docker', args, options)
  if (ran.code !== 0) throw new Error(`docker ${args.slice(0, 3).join(' ')} … exited ${ran.code}: ${ran.stderr.trim()}`)
  return ran.stdout.trimEnd()
}

/** The lab's cache folder, as lab/setup names it. */
export function labCache(): string {
  const base = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')
  return process.env.TMGEN_CACHE ?? join(base, 'tmgen-lab')
}

/** Base images that lab/setup chose: empty where the Dockerfiles' pinned defaults are used. */
export function baseImages(): { debian?: string; golang?: string } {
  const text = readFileSync(join(labCache(), 'lab.env'), 'utf8')
  const value = (name: string) => new RegExp(`^${name}=(.+)$`, 'm').exec(text)?.[1]
  const debian = value('DEBIAN_IMAGE')
  const golang = value('GOLANG_IMAGE')
  return { ...(debian && { debian }), ...(golang && { golang }) }
}

/** A name that no other run uses: tmgen-lab-KIND-xxxxxx; the demo sets another prefix, to find its own again. */
export function uniqueName(kind: string): string {
  return `${process.env.TMGEN_LAB_PREFIX ?? 'tmgen-lab'}-${kind}-${Math.random().toString(16).slice(2, 8)}`
}
