import { resolve } from 'node:path'
import { TmgenError } from '../errors.ts'
import { Secret } from '../secret.ts'
import type { Context } from './context.ts'

/** Longest auth key taken, in bytes; Tailscale's and Headscale's have about 100. */
const maxKey = 1024

/**
 * The auth key of --auth-key-file: a file, or `-` for standard input (asked for, unseen, on a terminal).
 * @throws TmgenError `secret` for a file that is missing or holds no single word; the content is never in the message
 */
export async function readAuthKey(context: Context, file: string): Promise<Secret> {
  const text = file === '-' ? await fromInput(context) : await fromFile(context, file)
  const where = file === '-' ? 'standard input' : file
  const key = text.trim()
  if (key === '') throw new TmgenError('secret', `${where} holds no auth key: it is empty`)
  if (key.length > maxKey || !/^[\x21-\x7e]+$/.test(key)) {
    throw new TmgenError('secret', `${where} holds no auth key: it must be one word, as the control plane shows it`)
  }
  return new Secret(key)
}

async function fromInput(context: Context): Promise<string> {
  if (context.io.stdin.isTTY === true) {
    const prompts = await context.prompts()
    if (prompts) return await prompts.secret('Auth key')
  }
  return new TextDecoder().decode(await context.io.stdin.read())
}

async function fromFile(context: Context, file: string): Promise<string> {
  const world = await context.world()
  const bytes = await world.disk.readFile(resolve(context.io.cwd, file), maxKey * 2)
  if (bytes === undefined) throw new TmgenError('secret', `--auth-key-file ${file}: there is no such file`)
  return new TextDecoder().decode(bytes)
}
