import { describe, expect, it } from 'vitest'
import { badMacos } from '../../../src/macos.ts'
import { guide } from '../../../src/render/guide.ts'
import type { Deployment } from '../../../src/resolve/types.ts'
import { Secret } from '../../../src/secret.ts'
import { deployment, embedded, templates, user } from './fixture.ts'

const macs = [
  { name: 'macbook', quota: '1T', quotaBytes: 1 },
  { name: 'imac', quota: '500G', quotaBytes: 1 },
]
const alice = user(1, 'alice', { macs })
const plain = deployment([alice])
const show = (d: Deployment = plain, options: Partial<Parameters<typeof guide>[2]> = {}) =>
  guide(d, 'alice', { templates, restore: false, ...options })

describe('the guide', () => {
  it('puts the encrypted way through the Finder before the unencrypted one', () => {
    const text = show(plain, { dnsName: 'tm-alice.example.ts.net.' })
    expect(text).toContain('enter `smb://alice@tm-alice.example.ts.net/macbook`')
    expect(text).toContain('**Encrypt Backup**')
    expect(text.indexOf('Encrypt Backup')).toBeLessThan(text.indexOf('tmutil setdestination'))
    expect(text).toContain('stored unencrypted')
  })

  it('has a line for the terminal and a quota for each Mac', () => {
    const text = show(plain, { dnsName: 'tm-alice.example.ts.net' })
    for (const mac of macs) {
      expect(text).toContain(`sudo tmutil setdestination -a -p smb://alice@tm-alice.example.ts.net/${mac.name}\n`)
      expect(text).toContain(`| ${mac.name} | \`smb://alice@tm-alice.example.ts.net/${mac.name}\` | ${mac.quota} |`)
    }
    expect(text).toContain('Full Disk Access')
  })

  it('says so when only the short name is known', () => {
    expect(show()).toContain('Its full name is not known here')
    expect(show(plain, { dnsName: 'tm-alice.example.ts.net' })).not.toContain('is not known here')
  })

  it('knows the full name that the embedded Headscale gives', () => {
    const text = show(deployment([alice], embedded('https://hs.example.com')))
    expect(text).toContain('`tm-alice.tailnet.internal`')
    expect(text).not.toContain('is not known here')
  })

  it('shows the password and the join key only when they are handed in', () => {
    const d = deployment([alice], embedded('https://hs.example.com'))
    const without = show(d)
    expect(without).toContain('gives you the password for the disk (user `alice`), by another way than this text')
    expect(without).toContain('ask them for a\njoin key')
    const text = show(d, { password: new Secret('AAAAA-BBBBB'), joinKey: new Secret('hskey-1') })
    expect(text).toContain('`AAAAA-BBBBB`')
    expect(text).toContain('login --login-server https://hs.example.com --auth-key hskey-1\n')
    expect(text).not.toContain('[secret]')
  })

  it('asks nothing of tmgen, which the person does not have', () => {
    for (const restore of [false, true])
      for (const d of [plain, deployment([alice], embedded('https://hs.example.com'))])
        expect(show(d, { restore }).match(/tmgen (?!restore-access)[a-z]+/g)).toBeNull()
  })

  it.each([
    ['Tailscale', plain, 'sign in as `alice@example.com`', '--login-server'],
    ['an own Headscale', deployment([alice], embedded('https://hs.example.com')), '--login-server', 'sign in as'],
    [
      'a control server with keys by hand',
      { ...plain, controlUrl: 'https://control.example.com' },
      'login --login-server https://control.example.com',
      'tmgen invite',
    ],
  ])('tells how to join %s', (_, d, has, lacks) => {
    expect(show(d)).toContain(has)
    expect(show(d)).not.toContain(lacks)
  })

  it('has a person sign in where there is an identity provider, without a join key', () => {
    const { control, ...rest } = embedded('https://hs.example.com')
    const oidc = { issuer: 'https://id.example.com', clientId: 'x', secretFile: '/x', scopes: ['openid'], pkce: true }
    const lists = { allowedDomains: [], allowedUsers: [], allowedGroups: [] }
    const signsIn = { ...rest, control: { ...control, oidc: { ...oidc, ...lists } } as Deployment['control'] }
    const text = show(deployment([alice], signsIn))
    expect(text).toContain('It shows a page: sign in there as `alice@example.com`.')
    expect(text).not.toContain('invite')
  })

  it('names the tags of managed Macs', () => {
    const managed = user(1, 'alice', { logins: [], tags: ['tag:macs'], allow: ['tag:macs'] })
    const text = show(deployment([managed]))
    expect(text).toContain('needs the tag tag:macs')
    expect(text).not.toContain('sign in as')
  })

  it('names the macOS versions that cannot back up', () => {
    for (const { first, last } of badMacos) expect(show()).toMatch(new RegExp(`${first} (to|and) ${last}`))
    expect(show()).toContain('26.5')
  })

  it('refuses a name that is not there', () => {
    expect(() => guide(plain, 'zoe', { templates, restore: false })).toThrow('there is no user "zoe" in tmgen.yaml')
  })
})

describe('the restore guide', () => {
  const text = show(plain, { restore: true, dnsName: 'tm-alice.example.ts.net' })

  it.each([
    '## Single files',
    '## A whole Mac',
    '## A dead Mac',
    '### A copied bundle',
    '### Through another Mac in the same LAN',
  ])('has the part %s', (part) => expect(text).toContain(part))

  it('says that Recovery has no Tailscale and that the encryption password is not on the server', () => {
    expect(text).toContain('Recovery has no Tailscale')
    expect(text).toContain('The server does not have the second one')
  })

  it('quotes the storage path for the shell', () => {
    const d = deployment([user(1, 'alice', { storage: "/mnt/it's big" })])
    expect(show(d, { restore: true })).toContain(`rsync -a '/mnt/it'\\''s big/macbook/' /path`)
  })
})
