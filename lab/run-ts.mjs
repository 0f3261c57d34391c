// Runs a TypeScript file of the checkout: node lab/run-ts.mjs FILE [ARGUMENT...]. Node 20 cannot do so by itself.
import { spawn } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { build } from 'esbuild'

const [file, ...args] = process.argv.slice(2)
if (!file) {
  console.error('usage: node lab/run-ts.mjs FILE [ARGUMENT...]')
  process.exit(2)
}
// The bundle lies beside its source, so that import.meta.url and node_modules mean the same; it goes away afterwards.
const out = join(dirname(resolve(file)), `.${basename(file, '.ts')}.${process.pid}.mjs`)
mkdirSync(dirname(out), { recursive: true })
await build({ entryPoints: [file], outfile: out, bundle: true, platform: 'node', format: 'esm', packages: 'external' })
const child = spawn(process.execPath, [out, ...args], { stdio: 'inherit' })
// Signals reach the child through the terminal's group; this process only waits for it.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
child.on('close', (code) => {
  rmSync(out, { force: true })
  process.exit(code ?? 1)
})
