// Bundles the CLI into dist/: tmgen.js and chunks that it loads when a command needs them, so that --help starts fast.
// Runtime assets (templates, image contexts) are read from the package beside it.
import { chmod, rm } from 'node:fs/promises'
import { build } from 'esbuild'

await rm('dist', { recursive: true, force: true })
await build({
  entryPoints: { tmgen: 'src/bin.ts' },
  outdir: 'dist',
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  // jsonc-parser's `main` is UMD, whose inner requires no bundler can follow.
  mainFields: ['module', 'main'],
  banner: {
    js: "#!/usr/bin/env node\nimport { createRequire as tmgenCreateRequire } from 'node:module'; const require = tmgenCreateRequire(import.meta.url);",
  },
  logLevel: 'warning',
})
await chmod('dist/tmgen.js', 0o755)
await import('./build-monitor.mjs')
