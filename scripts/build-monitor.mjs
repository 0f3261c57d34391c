// Bundles the monitor's programs into images/monitor/app/, a part of its build context: whole files, so that the image
// needs no package of npm. SQLite's WebAssembly lies beside the program that loads it.
import { chmod, copyFile, mkdir, rm } from 'node:fs/promises'
import { build } from 'esbuild'

const outdir = 'images/monitor/app'
await rm(outdir, { recursive: true, force: true })
await mkdir(outdir, { recursive: true })
await build({
  entryPoints: {
    scanner: 'src/monitor/scan/service.ts',
    share: 'src/monitor/scan/main.ts',
    verify: 'src/monitor/verify/main.ts',
    monitor: 'src/monitor/report/service.ts',
  },
  outdir,
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'cjs',
  mainFields: ['module', 'main'],
  logLevel: 'warning',
})
await copyFile('node_modules/node-sqlite3-wasm/dist/node-sqlite3-wasm.wasm', `${outdir}/node-sqlite3-wasm.wasm`)
await chmod(`${outdir}/node-sqlite3-wasm.wasm`, 0o644)
