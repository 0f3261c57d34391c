import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { TmgenError } from '../errors.ts'
import type { Tools } from '../world.ts'

/** How long a program may take, in ms: making a filesystem in a file of terabytes takes minutes. */
const defaultTimeoutMs = 30 * 60_000

/** Programs of this machine; a person's PATH often lacks /usr/sbin, where those for disks are. */
export function nodeTools(env: Readonly<Record<string, string | undefined>>): Tools {
  const path = [env.PATH, '/usr/local/sbin', '/usr/sbin', '/sbin'].filter(Boolean).join(':')
  return {
    async has(name) {
      return path.split(':').some((folder) => {
        try {
          accessSync(join(folder, name), constants.X_OK)
          return true
        } catch {
          return false
        }
      })
    },
    async run(name, args, { timeoutMs = defaultTimeoutMs } = {}) {
      const result = await execa(name, args, {
        reject: false,
        timeout: timeoutMs,
        env: { PATH: path, LC_ALL: 'C' },
        extendEnv: false,
        stdin: 'ignore',
        maxBuffer: 16 * 1024 * 1024,
      })
      if (result.exitCode === undefined)
        throw new TmgenError('storage', `${name} could not run: ${result.code ?? result.signal ?? 'unknown'}`)
      return { exitCode: result.exitCode, stdout: result.stdout, stderr: result.stderr }
    },
  }
}
