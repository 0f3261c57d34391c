import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import { TmgenError } from '../errors.ts'
import { Secret } from '../secret.ts'
import type { World } from '../world.ts'

/** Without look-alikes (0 o, 1 l i): read off a screen and typed on a Mac. */
const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789'

export const workspaceKeyPath = 'secrets/workspace.key'
export const passwordPath = (user: string) => `secrets/smb/${user}/password`
export const authKeyPath = (user: string) => `secrets/gateway/${user}.authkey`

/** A new SMB password: 5 groups of 5 letters out of 31, about 123 bits. Bytes that would favour some letters are thrown away. */
export function makePassword(randomBytes: World['randomBytes']): Secret {
  const limit = 256 - (256 % alphabet.length)
  let letters = ''
  while (letters.length < 25) {
    for (const byte of randomBytes(32))
      if (byte < limit && letters.length < 25) letters += alphabet[byte % alphabet.length]
  }
  return new Secret(letters.match(/.{5}/g)!.join('-'))
}

/** 32 random bytes in hex: keys the HMAC behind the password labels, so that a label says nothing of the password. */
export const makeWorkspaceKey = (randomBytes: World['randomBytes']) =>
  new Secret(Buffer.from(randomBytes(32)).toString('hex'))

/** 12 hex digits that change with the password: HMAC-SHA256 under the workspace key. */
export function passwordVersion(workspaceKey: Secret, password: Secret): string {
  return createHmac('sha256', Buffer.from(workspaceKey.reveal(), 'hex'))
    .update(password.reveal())
    .digest('hex')
    .slice(0, 12)
}

/** One line out of a secret file (at most 1 KiB, a regular file); `undefined` when absent. The value is never in an error. */
async function readLine(
  world: World,
  dir: string,
  path: string,
  valid: RegExp,
  want: string,
): Promise<Secret | undefined> {
  const entry = await world.disk.stat(join(dir, path))
  if (entry === undefined) return undefined
  const refuse = (why: string) =>
    new TmgenError('secret', `${path} ${why}`, {
      hint: `it must hold ${want} on one line; remove it to have a new one made`,
    })
  if (entry.kind !== 'file') throw refuse('is not a regular file')
  if (entry.size > 1024) throw refuse('is too long')
  const bytes = await world.disk.readFile(join(dir, path), 1024)
  if (bytes === undefined) return undefined
  const line = Buffer.from(bytes)
    .toString('latin1')
    .replace(/\r?\n$/, '')
  if (!valid.test(line)) throw refuse('does not hold what it should')
  return new Secret(line)
}

/** The SMB password of a user: 8 to 127 printable ASCII characters, as Samba's smbpasswd takes it by stdin. */
const readPassword = (world: World, dir: string, user: string) =>
  readLine(
    world,
    dir,
    passwordPath(user),
    /^[\x21-\x7e](?:[\x20-\x7e]{6,125}[\x21-\x7e])$/,
    '8 to 127 printable characters',
  )

/** Passwords of those of the users who have one, by name. Throws TmgenError `secret` for a file that holds none. */
export async function readPasswords(world: World, dir: string, users: readonly string[]): Promise<Map<string, Secret>> {
  const found = new Map<string, Secret>()
  for (const user of users) {
    const password = await readPassword(world, dir, user)
    if (password !== undefined) found.set(user, password)
  }
  return found
}

export const readWorkspaceKey = (world: World, dir: string) =>
  readLine(world, dir, workspaceKeyPath, /^[0-9a-f]{64}$/, '64 hex digits')

/** Checks an auth key as a person pastes it: one word of printable ASCII. Throws TmgenError `secret`, without the key. */
export function checkAuthKey(key: Secret): Secret {
  const text = key.reveal().trim()
  if (/^[\x21-\x7e]{16,512}$/.test(text)) return new Secret(text)
  throw new TmgenError('secret', 'that is no auth key: one line of 16 to 512 printable characters is expected', {
    hint: 'make one in the admin console of your tailnet: single use, tagged, not ephemeral',
  })
}

/** Closes secrets/ and what lies in it to everybody but the owner. Returns a note for each thing that stood open. */
export async function tightenSecrets(world: World, dir: string): Promise<string[]> {
  const notes: string[] = []
  const visit = async (path: string): Promise<void> => {
    const entry = await world.disk.stat(join(dir, path))
    if (entry === undefined || (entry.kind !== 'file' && entry.kind !== 'directory')) return
    if ((entry.mode & 0o077) !== 0) {
      await closeOne(world, dir, path, entry.kind === 'file' ? 0o600 : 0o700)
      notes.push(
        `${path} was open to others (mode ${entry.mode.toString(8)}); it is closed now: think about new secrets`,
      )
    }
    if (entry.kind === 'directory')
      for (const name of (await world.disk.list(join(dir, path))) ?? []) await visit(`${path}/${name}`)
  }
  await visit('secrets')
  return notes
}

async function closeOne(world: World, dir: string, path: string, mode: number): Promise<void> {
  try {
    await world.disk.chmod(join(dir, path), mode)
  } catch (cause) {
    throw new TmgenError('secret', `${path} is open to others and cannot be closed`, {
      hint: `as its owner: chmod ${mode.toString(8)} ${path}`,
      cause,
    })
  }
}
