import { describe, expect, it } from 'vitest'
import { readIni } from '../../../src/render/ini.ts'
import { smbConf } from '../../../src/render/samba.ts'
import { deployment, templates, user } from './fixture.ts'

const mac = (name: string, quota = '1T') => ({ name, quota, quotaBytes: 1 })
const conf = (alice = user(1, 'alice'), change = {}, t = templates) => smbConf(deployment([alice], change), alice, t)

describe('smb.conf', () => {
  it('has one share a Mac, each with its own quota, open to its user only', () => {
    const ini = readIni(conf(user(1, 'alice', { macs: [mac('macbook', '500G'), mac('imac')] })))
    expect([...ini.keys()]).toEqual(['global', 'macbook', 'imac'])
    expect(ini.get('macbook')!.get('fruit:time machine max size')).toBe('500G')
    expect(ini.get('imac')!.get('fruit:time machine max size')).toBe('1T')
    expect(ini.get('imac')!.get('valid users')).toBe('alice')
    expect(ini.get('imac')!.get('path')).toBe('/srv/tmgen/imac')
  })

  it('lets the gateway and the health check in, and no guest', () => {
    const global = readIni(conf()).get('global')!
    expect(global.get('hosts allow')).toBe('10.77.0.2 127.0.0.1')
    expect(global.get('map to guest')).toBe('Never')
    expect(global.get('server min protocol')).toBe('SMB3_00')
    expect(global.get('restrict anonymous')).toBe('2')
  })

  it.each(['500GB', '1.5T', '0', '-1', '1T\n[x]', ''])('never holds the quota %j', (quota) => {
    expect(() => conf(user(1, 'alice', { macs: [mac('macbook', quota)] }))).toThrow(/quota|parameter|section/)
  })

  it.each(['x]\n[global', 'a;b', 'a#b', 'a b', '%U', '..', 'a/b', 'A', ''])('never holds the name %j', (name) => {
    expect(() => conf(user(1, 'alice', { macs: [mac(name)] }))).toThrow('is no name')
    expect(() => conf(user(1, name))).toThrow('is no name')
  })

  it('never holds something else than an address of the gateway', () => {
    const { network } = deployment([])
    for (const gatewayIp of ['10.77.0.2\nguest ok = yes', '0.0.0.0/0', 'ALL']) {
      expect(() => conf(undefined, { network: { ...network, gatewayIp } })).toThrow('is no address')
    }
  })

  it.each([
    ['a share that the deployment does not have', '\n[more]\n  path = /\n', /sections are global, macbook, more/],
    ['a guest share', '\n  guest ok = yes\n', /"guest ok" twice/],
    ['a program to run', '\n  root preexec = /bin/sh\n', /has "root preexec"/],
    ['a further file', '\n  include = /tmp/x\n', /has "include"/],
    ['a macro', '\n  comment = %U\n', /holds %, ; or #/],
    ['a continued line', '\n  comment = x \\\n', /a continued line/],
  ])('is refused when the template brings %s', (_, more, message) => {
    const changed = { ...templates, 'smb.conf.hbs': `${templates['smb.conf.hbs']}${more}` }
    expect(() => conf(undefined, {}, changed)).toThrow(message)
  })

  it('is refused when the template forgets the firewall of addresses', () => {
    const changed = { 'smb.conf.hbs': templates['smb.conf.hbs']!.replace(/^.*hosts allow.*$/m, '') }
    expect(() => conf(undefined, {}, changed)).toThrow('[global] hosts allow is undefined')
  })

  it('is not read back again when an earlier run did so with the same bytes, and only then', () => {
    const alice = user(1, 'alice')
    const unsound = { 'smb.conf.hbs': 'guest ok = yes\n' }
    const known = (text: string) => text === 'guest ok = yes\n'
    expect(smbConf(deployment([alice]), alice, unsound, known)).toBe('guest ok = yes\n')
    expect(() => smbConf(deployment([alice]), alice, unsound, (text) => !known(text))).toThrow(
      'before the first section',
    )
  })

  it('is refused when the template asks for a value that does not exist', () => {
    expect(() => conf(undefined, {}, { 'smb.conf.hbs': '{{nothing}}' })).toThrow('template smb.conf.hbs: ')
    expect(() => conf(undefined, {}, {})).toThrow('template smb.conf.hbs is missing')
  })
})

describe('the INI reader', () => {
  it.each([
    ['a parameter before the first section', 'a = b\n'],
    ['section [x] twice', '[x]\n[X]\n'],
    ['neither a section, a parameter nor a comment', '[x]\nword\n'],
  ])('refuses %s', (message, text) => {
    expect(() => readIni(text)).toThrow(message)
  })
})
