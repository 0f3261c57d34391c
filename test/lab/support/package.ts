import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onCleanup } from './cleanup.ts'
import { run } from './docker.ts'

const repo = fileURLToPath(new URL('../../../', import.meta.url))
let unpacked: Promise<string> | undefined

/** Path of `tmgen.js` of the package as npm would ship it: built, packed, unpacked where every user may read it. */
export function packagedTmgen(): Promise<string> {
  unpacked ??= unpack()
  return unpacked
}

async function unpack(): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'tmgen-lab-package-'))
  chmodSync(dir, 0o755)
  onCleanup(`folder ${dir}`, async () => {
    unpacked = undefined
    rmSync(dir, { recursive: true, force: true })
  })
  const script =
    'npm run --silent build && npm pack --silent --ignore-scripts --pack-destination "$0" && cd "$0" && tar xzf tmgen-*.tgz'
  const ran = await run('sh', ['-euc', script, dir], { cwd: repo })
  if (ran.code !== 0) throw new Error(`packing tmgen: ${ran.stderr}${ran.stdout}`)
  return join(dir, 'package/dist/tmgen.js')
}
