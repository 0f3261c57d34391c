import { describe, expect, it } from 'vitest'
import { parseEnrolled } from '../../../src/converge/enrolled.ts'
import {
  checkAuthKey,
  makePassword,
  passwordVersion,
  readPasswords,
  tightenSecrets,
} from '../../../src/converge/secrets.ts'
import { Secret } from '../../../src/secret.ts'
import { MemoryDisk, memoryWorld } from '../../support/world.ts'
import { addUser, failure, run, scene, ws } from './helper.ts'

describe('passwords', () => {
  it('are 5 groups of 5 letters without look-alikes', () => {
    for (let seed = 1; seed < 200; seed++) {
      expect(makePassword(memoryWorld(new MemoryDisk(), { seed }).randomBytes).reveal()).toMatch(
        /^[a-hjkmnp-z2-9]{5}(-[a-hjkmnp-z2-9]{5}){4}$/,
      )
    }
  })

  it('favour no letter: bytes past the last whole multiple of 31 are thrown away', () => {
    const bytes = [255, 254, 248, 247, ...Array.from({ length: 28 }, (_none, i) => i)]
    expect(
      makePassword(() => Uint8Array.from(bytes))
        .reveal()
        .slice(0, 3),
    ).toBe('9ab')
  })

  it.each([
    ['short', '1234567\n', false],
    ['exactly 8', '12345678\n', true],
    ['127', `${'x'.repeat(127)}\n`, true],
    ['128', `${'x'.repeat(128)}\n`, false],
    ['two lines', '12345678\n12345678\n', false],
    ['not ASCII', 'pässwörter\n', false],
    ['a control character', '1234\u00075678\n', false],
    ['a blank at its end', '12345678 \n', false],
    ['blanks inside', 'correct horse\n', true],
    ['empty', '', false],
  ])('read from a file: %s', async (_name, text, isGood) => {
    const disk = new MemoryDisk()
    disk.put('/w/secrets/smb/alice/password', Buffer.from(text, 'utf8'), 0o600)
    const reading = readPasswords(memoryWorld(disk), '/w', ['alice'])
    if (isGood) expect((await reading).get('alice')?.reveal()).toBe(text.trimEnd())
    else {
      const [error] = await failure(reading)
      expect(error).toMatch(/^secret: secrets\/smb\/alice\/password /)
      if (text !== '') expect(error).not.toContain(text.trim())
    }
  })

  it('are not read through a link', async () => {
    const disk = new MemoryDisk()
    disk.put('/etc/shadow', 'a-secret-of-the-system\n')
    disk.mkdirs('/w/secrets/smb/alice')
    disk.link('/w/secrets/smb/alice/password', '/etc/shadow')
    expect(await failure(readPasswords(memoryWorld(disk), '/w', ['alice']))).toEqual([
      'secret: secrets/smb/alice/password is not a regular file',
    ])
  })

  it('have a version that changes with password and key, and is 12 hex digits', () => {
    const key = new Secret('ab'.repeat(32))
    const versions = [
      passwordVersion(key, new Secret('one')),
      passwordVersion(key, new Secret('two')),
      passwordVersion(new Secret('cd'.repeat(32)), new Secret('one')),
    ]
    expect(new Set(versions).size).toBe(3)
    expect(versions.join()).toMatch(/^([0-9a-f]{12},?){3}$/)
  })
})

it.each([
  'short',
  'two words of text that is long',
  'line one aaaaaaaaaaaaa\nline two',
  '',
])('refuses %j as an auth key, without repeating it', (text) => {
  expect(() => checkAuthKey(new Secret(text))).toThrow(/^that is no auth key/)
})

describe('secrets on the disk', () => {
  it('are 0600 in 0700 folders', async () => {
    const place = await scene()
    await run(place, addUser('alice'))
    const modes = [...place.disk.nodes]
      .filter(([path]) => path.startsWith(`${ws}/secrets`))
      .map(([path, { kind, mode }]) => [path, kind, mode.toString(8)])
    for (const [path, kind, mode] of modes) expect([path, mode]).toEqual([path, kind === 'file' ? '600' : '700'])
    expect(modes.length).toBeGreaterThanOrEqual(7)
  })

  it('are in no journal, manifest, note or step', async () => {
    const place = await scene()
    const outcome = await run(place, addUser('alice'))
    const secrets = ['gateway/alice.authkey', 'smb/alice/password'].map((path) =>
      place.disk.text(`${ws}/secrets/${path}`)!.trim(),
    )
    const shown = JSON.stringify([
      outcome,
      place.disk.snapshot(`${ws}/state`),
      place.disk.snapshot(`${ws}/generated`),
      place.disk.text(`${ws}/tmgen.yaml`),
    ])
    for (const secret of secrets) expect(shown).not.toContain(secret)
  })

  it('that stand open are closed, and said', async () => {
    const disk = new MemoryDisk()
    disk.put('/w/secrets/gateway/alice.authkey', 'k', 0o640)
    disk.nodes.get('/w/secrets')!.mode = 0o755
    disk.nodes.get('/w/secrets/gateway')!.mode = 0o700
    expect(await tightenSecrets(memoryWorld(disk), '/w')).toEqual([
      'secrets was open to others (mode 755); it is closed now: think about new secrets',
      'secrets/gateway/alice.authkey was open to others (mode 640); it is closed now: think about new secrets',
    ])
    expect(disk.nodes.get('/w/secrets/gateway/alice.authkey')!.mode).toBe(0o600)
  })
})

describe('a node’s state file', () => {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const state = (prefs: unknown, current = 'profile-12ab') =>
    Buffer.from(
      JSON.stringify({
        _machinekey: 'x',
        '_current-profile': base64(current),
        'profile-12ab': base64(JSON.stringify(prefs)),
      }),
    )
  it.each([
    ['enrolled', state({ Config: { NodeID: 'n123CNTRL' } }), 'n123CNTRL'],
    ['no node id yet', state({ Config: { NodeID: '' } }), undefined],
    ['no profile of that name', state({ Config: { NodeID: 'n1' } }, 'profile-ffff'), undefined],
    ['a profile name that is none', state({ Config: { NodeID: 'n1' } }, '__proto__'), undefined],
    ['cut short', state({ Config: { NodeID: 'n1' } }).subarray(0, 40), undefined],
    ['empty', Buffer.from(''), undefined],
    ['no UTF-8', Buffer.from([0xff, 0xfe]), undefined],
  ])('%s', (_name, bytes, expected) => {
    expect(parseEnrolled(bytes)).toBe(expected)
  })
})
