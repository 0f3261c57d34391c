// Bundles the CLI into one file; runtime assets (templates, image contexts) are read from the package beside it.
import { chmod } from 'node:fs/promises'
import { build } from 'esbuild'

await build({
  entryPoints: ['src/cli.ts'],
  outfile: 'dist/tmgen.js',
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  banner: {
    js: "#!/usr/bin/env node\nimport { createRequire as tmgenCreateRequire } from 'node:module'; const require = tmgenCreateRequire(import.meta.url);",
  },
  logLevel: 'warning',
})
await chmod('dist/tmgen.js', 0o755)
