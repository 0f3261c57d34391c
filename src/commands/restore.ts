import { resolve } from 'node:path'
import type { Archive } from '../archive/index.ts'
import { bytesText } from '../bytes.ts'
import { TmgenError } from '../errors.ts'
import { table } from '../ui/output.ts'
import { printable } from '../ui/printable.ts'
import type { World } from '../world.ts'
import type { Context } from './context.ts'
import { readIdentities, readPassphrase } from './secret-word.ts'

export interface RestoreOptions {
  identity?: string
  passphraseFile?: string
  /** Shows what is in it, and writes nothing. */
  list?: boolean
  json?: boolean
}

/** Largest backup file that is read, in bytes: a whole archive and what its encryption adds. */
const maxBytes = 384 * 1024 * 1024

/** `tmgen restore FILE [DIR]`: a workspace out of a backup, in an empty folder; its nodes stay down until adopt. */
export async function restore(
  context: Context,
  file: string,
  folder: string | undefined,
  options: RestoreOptions,
): Promise<undefined> {
  const { ui, io } = context
  const world = await context.world()
  const sealed = await world.disk.readFile(resolve(io.cwd, file), maxBytes)
  if (sealed === undefined) throw new TmgenError('backup', `${file}: there is no such file`)
  const archive = await open(context, sealed, options)
  const { about, files } = archive
  if (options.list) {
    if (options.json) ui.json({ ...about, files: files.map(({ path, content }) => ({ path, bytes: content.length })) })
    else ui.data(listing(archive))
    return undefined
  }
  const dir = resolve(context.dir, folder ?? '.')
  ui.say(`${file}: ${summary(archive)}`)
  const { restoreInto } = await import('../archive/index.ts')
  await ui.progress('restoring', () => restoreInto(world, dir, archive))
  if (options.json) {
    ui.json({ ...about, dir, files: files.length })
    return undefined
  }
  ui.done(`restored ${files.length} files to ${dir}`)
  ui.say('Its nodes stay down until you say that this is the host now. Next:')
  ui.say('  1. on the old host, if it still runs: docker compose down')
  ui.say('  2. bring the storage to the same paths as before (or change them in tmgen.yaml)')
  ui.say(`  3. cd ${printable(dir)} && tmgen adopt && docker compose up -d`)
  return undefined
}

async function open(context: Context, sealed: Uint8Array, options: RestoreOptions): Promise<Archive> {
  const { decrypt, opensBy, parseAbout, unpack } = await import('../archive/index.ts')
  const by = opensBy(sealed)
  const { identity, passphraseFile } = options
  if (by === 'identity' && identity === undefined)
    throw new TmgenError('usage', '--identity is missing: the backup was made for recipients', {
      hint: 'give the file that age-keygen wrote: --identity FILE',
    })
  if (by === 'passphrase' && identity !== undefined)
    throw new TmgenError('usage', 'the backup was made with a passphrase, not for recipients', {
      hint: 'leave --identity out; --passphrase-file FILE, or be asked',
    })
  const key =
    identity === undefined
      ? { passphrase: await readPassphrase(context, passphraseFile, false) }
      : { identities: await readIdentities(context, identity) }
  return context.ui.progress('opening', async () => {
    const { about, files } = await unpack(await decrypt(sealed, key))
    return checked(await context.world(), { about: parseAbout(about), files })
  })
}

/** A backup without its config or lock is none; a lock of a newer tmgen is refused here, not after the restore. */
async function checked(world: World, archive: Archive): Promise<Archive> {
  const { refuseNewer } = await import('../converge/index.ts')
  refuseNewer(archive.about.tmgen, world.version, 'the backup')
  const { parseLock } = await import('../resolve/index.ts')
  const of = (path: string) => archive.files.find((file) => file.path === path)?.content
  const [yaml, lock] = [of('tmgen.yaml'), of('tmgen.lock.json')]
  if (yaml === undefined || lock === undefined)
    throw new TmgenError('backup', 'the backup holds no tmgen.yaml or no tmgen.lock.json: it is no workspace')
  if (parseLock(lock, 'tmgen.lock.json').workspace !== archive.about.workspace)
    throw new TmgenError('backup', 'the backup says that it is of another workspace than its lock')
  return archive
}

const summary = ({ about }: Archive) =>
  `workspace ${printable(about.name)} (${about.workspace}), ${about.users.length} users, of ${about.at}`

function listing(archive: Archive): string {
  const { about, files } = archive
  const users = about.users.map(({ name, node }) => [printable(name), printable(node ?? '-')])
  return [
    `${summary(archive)}, made by tmgen ${printable(about.tmgen)}, provider ${printable(about.provider)}`,
    '',
    ...(users.length > 0 ? [table(['USER', 'NODE'], users), ''] : []),
    table(
      ['SIZE', 'FILE'],
      files.map(({ path, content }) => [bytesText(content.length), path]),
    ),
  ].join('\n')
}
