import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { describe, expect, test } from 'vitest'
import { decrypt, encrypt, opensBy } from '../../../src/archive/index.ts'
import { Secret } from '../../../src/secret.ts'

const text = Buffer.from('all keys')
const identity = await generateX25519Identity()
const recipient = await identityToRecipient(identity)
const sealed = await encrypt(text, { recipients: [recipient] })
const identities = [new Secret(identity)]

describe('for recipients', () => {
  test('opens by the identity of each of several, and by no other', async () => {
    const [first, second, other] = await Promise.all([0, 1, 2].map(generateX25519Identity))
    const recipients = await Promise.all([first, second].map((one) => identityToRecipient(one!)))
    const both = await encrypt(text, { recipients })
    expect(opensBy(both)).toBe('identity')
    for (const one of [first, second])
      expect(Buffer.from(await decrypt(both, { identities: [new Secret(one!)] }))).toEqual(text)
    await expect(decrypt(both, { identities: [new Secret(other!)] })).rejects.toMatchObject({ code: 'backup' })
  })

  test('any changed or missing byte is found', async () => {
    for (const at of [30, 60, sealed.length - 40, sealed.length - 1]) {
      const changed = Uint8Array.from(sealed)
      changed[at] = (changed[at] ?? 0) ^ 1
      await expect(decrypt(changed, { identities }), `byte ${at}`).rejects.toMatchObject({ code: 'backup' })
    }
    await expect(decrypt(sealed.subarray(0, -1), { identities })).rejects.toMatchObject({ code: 'backup' })
  })

  test('what is no recipient is refused; a secret key pasted there is not shown', async () => {
    await expect(encrypt(text, { recipients: ['age1nonsense'] })).rejects.toThrow(/age1nonsense/)
    const error = await encrypt(text, { recipients: [identity] }).catch((one) => one)
    expect(error).toMatchObject({ code: 'usage' })
    expect(error.message).not.toContain(identity.slice(0, 20))
    await expect(decrypt(sealed, { identities: [new Secret('AGE-SECRET-KEY-1X')] })).rejects.toMatchObject({
      code: 'secret',
    })
  })
})

test('a passphrase opens it, another does not, and a file that asks for too much work is refused', async () => {
  const locked = await encrypt(text, { passphrase: new Secret('five words or more') })
  expect(opensBy(locked)).toBe('passphrase')
  expect(Buffer.from(await decrypt(locked, { passphrase: new Secret('five words or more') }))).toEqual(text)
  await expect(decrypt(locked, { passphrase: new Secret('five words or less') })).rejects.toThrow(/passphrase is wrong/)
  const greedy = Buffer.from(Buffer.from(locked).toString('latin1').replace(' 18\n', ' 20\n'), 'latin1')
  expect(() => opensBy(greedy)).toThrow(/more work/)
})

test.each([
  '',
  'PK',
  'age-encryption.org/v1\n',
  'age-encryption.org/v1\n--- x',
  '-----BEGIN AGE ENCRYPTED FILE-----\n',
])('%j is no backup', (start) => {
  expect(() => opensBy(Buffer.from(start))).toThrow(/no backup/)
})
