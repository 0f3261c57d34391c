import { resolve } from 'node:path'
import { TmgenError } from '../errors.ts'
import { Secret } from '../secret.ts'
import { missingFlag } from '../ui/prompts.ts'
import type { Context } from './context.ts'

/** Largest file of secrets that is read, in bytes. */
const maxBytes = 64 * 1024
/** Shortest passphrase for a backup that is made; it holds every key of the workspace. */
const shortest = 12

async function readLines(context: Context, flag: string, file: string): Promise<string[]> {
  const world = await context.world()
  const bytes = await world.disk.readFile(resolve(context.io.cwd, file), maxBytes)
  if (bytes === undefined) throw new TmgenError('secret', `${flag} ${file}: there is no such file`)
  return new TextDecoder().decode(bytes).split(/\r?\n/)
}

/**
 * A passphrase: the first line of the file, else asked for on the terminal, twice where a new one is chosen.
 * @throws TmgenError `secret`; `usage` where nobody can be asked
 */
export async function readPassphrase(context: Context, file: string | undefined, isNew: boolean): Promise<Secret> {
  const flag = '--passphrase-file'
  const passphrase = file === undefined ? await askPassphrase(context, isNew) : await firstLine(context, flag, file)
  if (isNew && passphrase.reveal().length < shortest)
    throw new TmgenError('secret', `the passphrase is too short: ${shortest} characters at least`, {
      hint: 'it protects every key and password of the workspace: take five or six random words',
    })
  return passphrase
}

async function firstLine(context: Context, flag: string, file: string): Promise<Secret> {
  const [line = ''] = await readLines(context, flag, file)
  if (line === '') throw new TmgenError('secret', `${flag} ${file}: its first line is empty`)
  return new Secret(line)
}

async function askPassphrase(context: Context, isNew: boolean): Promise<Secret> {
  const prompts = await context.prompts()
  if (prompts === undefined) throw missingFlag('--passphrase-file', 'the passphrase of the backup')
  const first = await prompts.secret(isNew ? 'Passphrase for the backup' : 'Passphrase of the backup')
  if (first === '') throw new TmgenError('secret', 'the passphrase is empty')
  if (isNew && (await prompts.secret('The same again')) !== first)
    throw new TmgenError('secret', 'the two passphrases differ', { hint: 'run the command again' })
  return new Secret(first)
}

/** The identities of an age identity file; comments and empty lines are left out. */
export async function readIdentities(context: Context, file: string): Promise<Secret[]> {
  const lines = (await readLines(context, '--identity', file)).map((line) => line.trim())
  const found = lines.filter((line) => line !== '' && !line.startsWith('#'))
  if (found.length === 0) throw new TmgenError('secret', `--identity ${file}: it holds no identity`)
  return found.map((line) => new Secret(line))
}
