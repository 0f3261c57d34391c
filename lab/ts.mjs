// Lets Node 20 run the checkout's TypeScript: node --import ./lab/ts.mjs FILE.ts
import { register } from 'node:module'

register('./ts-hooks.mjs', import.meta.url)
