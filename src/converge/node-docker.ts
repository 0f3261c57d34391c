import { execa } from 'execa'
import { withoutCredentials } from '../control/credentials.ts'
import { TmgenError } from '../errors.ts'
import { Secret } from '../secret.ts'
import type { Docker } from '../world.ts'
import { LineSplitter } from './lines.ts'

/** How long a docker command may take when the caller names no limit, in ms: listing and inspecting take well under 1 s. */
const defaultTimeoutMs = 30_000

/** The `docker` command of this machine. A command that ran and failed is a result; one that could not run throws `docker`. */
export function nodeDocker(env: Readonly<Record<string, string | undefined>>): Docker {
  return {
    async run(args, options = {}) {
      const { cwd, input, timeoutMs = defaultTimeoutMs, onLine, signal } = options
      const running = execa('docker', args, {
        reject: false,
        timeout: timeoutMs,
        env: withoutCredentials(env) as Record<string, string>,
        extendEnv: false,
        stripFinalNewline: false,
        maxBuffer: 64 * 1024 * 1024,
        buffer: { stdout: onLine === undefined, stderr: true },
        ...(cwd === undefined ? {} : { cwd }),
        ...(signal === undefined ? {} : { cancelSignal: signal }),
        ...(input === undefined
          ? { stdin: 'ignore' as const }
          : { input: input instanceof Secret ? input.reveal() : input }),
      })
      const lines = onLine && new LineSplitter(onLine)
      if (lines) running.stdout?.on('data', (chunk: Uint8Array) => lines.write(chunk))
      const result = await running
      lines?.end()
      if (result.isCanceled) return { exitCode: 0, stdout: '', stderr: '' }
      const name = `docker ${args[0] ?? ''}`.trim()
      if (result.code === 'ENOENT' && cwd !== undefined && (result.message ?? '').includes('cwd'))
        throw new TmgenError('docker', `${name} cannot run in ${cwd}: the folder does not exist`)
      if (result.code === 'ENOENT')
        throw new TmgenError('docker', 'docker is not installed, or not on the PATH', {
          hint: 'install Docker Engine with the compose plugin: https://docs.docker.com/engine/install/',
        })
      if (result.timedOut)
        throw new TmgenError('docker', `${name} gave no answer within ${timeoutMs / 1000} s`, {
          hint: 'look whether the Docker daemon runs: docker info',
        })
      if (result.exitCode === undefined)
        throw new TmgenError('docker', `${name} could not run: ${result.code ?? result.signal ?? 'unknown'}`)
      return { exitCode: result.exitCode, stdout: result.stdout ?? '', stderr: result.stderr }
    },
  }
}
