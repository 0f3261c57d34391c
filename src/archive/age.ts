import { TmgenError } from '../errors.ts'
import type { Secret } from '../secret.ts'

/** Whom a backup is for: age recipients (`age1...`), or whoever knows the passphrase. */
export type Lock = { recipients: readonly string[] } | { passphrase: Secret }
/** What opens it: age identities (`AGE-SECRET-KEY-1...`), or the passphrase. */
export type Key = { identities: readonly Secret[] } | { passphrase: Secret }

/** A header longer than this is no backup's: a recipient takes some 150 bytes. */
const longestHeader = 64 * 1024
/** scrypt's work factor as age itself writes it: 2^18 takes 256 MiB; a file that asks for more is not opened. */
const mostWork = 18

const library = () => import('age-encryption')

/**
 * Encrypts in age's format (age-encryption.org/v1), binary.
 * @throws TmgenError `usage` for a recipient that is none
 */
export async function encrypt(bytes: Uint8Array, lock: Lock): Promise<Uint8Array> {
  const { Encrypter } = await library()
  const encrypter = new Encrypter()
  if ('passphrase' in lock) encrypter.setPassphrase(lock.passphrase.reveal())
  else for (const recipient of lock.recipients) await addRecipient(encrypter, recipient)
  return encrypter.encrypt(bytes)
}

async function addRecipient(encrypter: { addRecipient(text: string): void }, recipient: string): Promise<void> {
  // Pasted by mistake, a secret key must not get into the message.
  const shown = /^age1[0-9a-z]{1,80}/.exec(recipient)?.[0] ?? 'that'
  try {
    encrypter.addRecipient(recipient)
  } catch (cause) {
    throw new TmgenError('usage', `--recipient ${shown}: it is no age recipient`, {
      hint: 'age-keygen prints one: "public key: age1..."',
      cause,
    })
  }
}

/**
 * How a file is opened, as its header says: by a passphrase or an identity.
 * @throws TmgenError `backup` where that is no age file
 */
export function opensBy(bytes: Uint8Array): 'passphrase' | 'identity' {
  const text = Buffer.from(bytes.subarray(0, longestHeader)).toString('latin1')
  const header = /^age-encryption\.org\/v1\n((?:-> [\x21-\x7e]+(?: [\x21-\x7e]+)*\n(?:[A-Za-z0-9+/]*\n)*)+)--- /.exec(
    text,
  )
  const stanzas = [...(header?.[1] ?? '').matchAll(/^-> (.+)$/gm)].map((match) => match[1]!.split(' '))
  if (stanzas.length === 0)
    throw new TmgenError('backup', 'the file is no backup: it is not in age format, or its beginning is damaged', {
      hint: 'tmgen backup FILE makes one',
    })
  const scrypt = stanzas.find(([kind]) => kind === 'scrypt')
  if (scrypt === undefined) return 'identity'
  if (!(Number(scrypt[2]) <= mostWork))
    throw new TmgenError('backup', `the file asks for more work than any backup does (scrypt 2^${Number(scrypt[2])})`)
  return 'passphrase'
}

/** @throws TmgenError `backup` where the key is another's, or the file is damaged */
export async function decrypt(bytes: Uint8Array, key: Key): Promise<Uint8Array> {
  const by = opensBy(bytes)
  const { Decrypter } = await library()
  const decrypter = new Decrypter()
  if ('passphrase' in key) decrypter.addPassphrase(key.passphrase.reveal())
  else for (const identity of key.identities) addIdentity(decrypter, identity)
  try {
    return await decrypter.decrypt(bytes)
  } catch {
    // The library's words say nothing more, and its error might hold what it read: no cause.
    const wrong = by === 'passphrase' ? 'the passphrase is wrong' : 'none of the identities fits'
    throw new TmgenError('backup', `the backup cannot be opened: ${wrong}, or the file is damaged`, {
      hint: by === 'passphrase' ? 'it was made with a passphrase' : 'it was made for recipients: --identity FILE',
    })
  }
}

function addIdentity(decrypter: { addIdentity(text: string): void }, identity: Secret): void {
  try {
    decrypter.addIdentity(identity.reveal())
  } catch {
    throw new TmgenError('secret', 'the identity file holds a line that is no age identity', {
      hint: 'it is what age-keygen writes: lines AGE-SECRET-KEY-1..., and comments with #',
    })
  }
}
