import { resolve } from 'node:path'
import type { AgeLock } from '../archive/index.ts'
import { bytesText } from '../bytes.ts'
import { TmgenError } from '../errors.ts'
import { printable } from '../ui/printable.ts'
import type { Context } from './context.ts'
import { readIdentities, readPassphrase } from './secret-word.ts'

export interface BackupOptions {
  recipient?: string[]
  passphraseFile?: string
  /** Opens the backup again, to check it. */
  identity?: string
  force?: boolean
  json?: boolean
}

/** `tmgen backup FILE`: config, lock, secrets and state in one file in age format, read back before it counts. */
export async function backup(context: Context, file: string, options: BackupOptions): Promise<undefined> {
  const { ui, io } = context
  const world = await context.world()
  const path = resolve(io.cwd, file)
  const lock = await lockOf(context, options)
  const identities = options.identity === undefined ? undefined : await readIdentities(context, options.identity)
  if (!options.force && (await world.disk.stat(path)) !== undefined)
    throw new TmgenError('usage', `${file} is there already`, { hint: 'name another file, or give --force' })

  const archive = await import('../archive/index.ts')
  const made = await ui.progress('backing up', () =>
    archive.backUp(world, context.dir, async ({ about, files }) => {
      const plain = await archive.pack(archive.aboutText(about), files)
      const sealed = await archive.encrypt(plain, lock)
      const verified = await verify(sealed, plain)
      await world.disk.writeFile(path, sealed, 0o600)
      const found = await world.disk.readFile(path, sealed.length)
      if (found === undefined || Buffer.compare(found, sealed) !== 0)
        throw new TmgenError('disk', `${file} was not written whole: reading it back gives something else`, {
          hint: 'look at the disk, and take another one',
        })
      return { about, files: files.length, bytes: sealed.length, verified }
    }),
  )
  const { about, files, bytes, verified, notes } = made
  if (options.json) {
    ui.json({ file: path, at: about.at, bytes, files, verified, notes })
    return undefined
  }
  for (const note of notes) ui.note(printable(note))
  ui.done(`${file}: ${files} files (${bytesText(bytes)}) of workspace ${about.name}, ${about.users.length} users`)
  ui.done(verified === 'decrypted' ? 'read back and opened' : 'read back; not opened, for that takes --identity FILE')
  ui.say('It holds every key of the workspace, and none of the backups of the Macs: keep it on another machine.')
  return undefined

  /** Opens it again where there is something to open it with. */
  async function verify(sealed: Uint8Array, plain: Uint8Array): Promise<'decrypted' | 'structure'> {
    archive.opensBy(sealed)
    const key = 'passphrase' in lock ? lock : identities && { identities }
    if (key === undefined) return 'structure'
    if (Buffer.compare(await archive.decrypt(sealed, key), plain) === 0) return 'decrypted'
    throw new TmgenError('backup', 'the backup opens to something else than went in', { hint: 'run it again' })
  }
}

async function lockOf(context: Context, { recipient = [], passphraseFile }: BackupOptions): Promise<AgeLock> {
  if (recipient.length === 0) return { passphrase: await readPassphrase(context, passphraseFile, true) }
  if (passphraseFile !== undefined)
    throw new TmgenError('usage', '--recipient and --passphrase-file do not go together', {
      hint: 'an age file is for recipients or for a passphrase',
    })
  return { recipients: recipient }
}
