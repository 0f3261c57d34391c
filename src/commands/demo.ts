import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { TmgenError } from '../errors.ts'
import type { Context } from './context.ts'

/** `tmgen demo`: runs lab/demo of the checkout with the terminal handed through; its exit code is ours. */
export async function demo({ io, ui }: Context, options: { keep?: boolean; clean?: boolean }): Promise<number> {
  const script = join(io.packageDir, 'lab', 'demo')
  if (!existsSync(script)) {
    throw new TmgenError('usage', `the demo needs a checkout of tmgen, and ${io.packageDir} is none`, {
      hint: 'clone the repository and run `npm run demo` there',
    })
  }
  const flags = [options.keep ? '--keep' : [], options.clean ? '--clean' : []].flat()
  ui.say(`running ${script}`)
  return await new Promise((resolve, reject) => {
    const child = spawn(script, flags, { stdio: 'inherit' })
    child.on('error', (cause) =>
      reject(new TmgenError('docker', `the demo did not start: ${cause.message}`, { cause })),
    )
    child.on('close', (code) => resolve(code ?? 1))
  })
}
