import { packTar } from 'modern-tar'
import { describe, expect, test } from 'vitest'
import { pack, unpack } from '../../../src/archive/index.ts'

const about = '{"version":1}\n'
const file = (path: string, text = 'x') => ({ path, content: Buffer.from(text) })
const tarOf = (...headers: { name: string; type?: 'file' | 'symlink' | 'link' | 'directory'; linkname?: string }[]) =>
  packTar([
    { header: { name: 'tmgen-backup.json', type: 'file', size: about.length }, body: about },
    ...headers.map((header) => ({
      header: { type: 'file' as const, size: header.type === undefined ? 1 : 0, ...header },
      ...(header.type === undefined ? { body: 'x' } : {}),
    })),
  ])

test('what is packed comes back byte for byte, and the same files give the same bytes', async () => {
  const long = `state/gateway/alice/${'k'.repeat(180)}`
  const files = [file('tmgen.yaml', 'a: b\n'), file(long, 'long'), file('secrets/empty', '')]
  const tar = await pack(about, files)
  expect(await pack(about, files)).toEqual(tar)
  const back = await unpack(tar)
  expect(back.about).toBe(about)
  expect(back.files.map(({ path, content }) => [path, Buffer.from(content).toString()])).toEqual([
    ['tmgen.yaml', 'a: b\n'],
    [long, 'long'],
    ['secrets/empty', ''],
  ])
})

describe('a hostile archive is refused whole', () => {
  const outside = ['../x', '/etc/passwd', 'state/../../x', 'state/./x', 'state//x', 'secrets', 'bin/x', 'generated/x']
  const ours = [
    'state/journal.json',
    'state/host.json',
    'state/tmgen.run.lock',
    'state/gateway/.reserve',
    'state/gateway/.host',
  ]
  const odd = ['state/a\nb', 'state/a\\b', 'state/ä', `state/${'d/'.repeat(20)}x`, 'tmgen.yaml/x', 'STATE/x']
  test.each([...outside, ...ours, ...odd])('with a file at %j', async (name) => {
    await expect(unpack(await tarOf({ name }))).rejects.toMatchObject({ code: 'backup' })
  })

  test.each(['symlink', 'link', 'directory'] as const)('with a %s', async (type) => {
    const tar = await tarOf({ name: 'state/x', type, linkname: '/etc/passwd' })
    await expect(unpack(tar)).rejects.toMatchObject({ code: 'backup' })
  })

  test('with a file that is there twice, or is the folder of another', async () => {
    await expect(unpack(await tarOf({ name: 'state/x' }, { name: 'state/x' }))).rejects.toThrow(/twice/)
    await expect(unpack(await tarOf({ name: 'state/x' }, { name: 'state/x/y' }))).rejects.toThrow(/a file and a folder/)
  })

  test('cut short at any place, or with one byte of a header changed', async () => {
    const tar = await pack(about, [file('state/x', 'y'.repeat(2000))])
    for (const length of [0, 100, 512, 700, 1100, 1600, 2500])
      await expect(unpack(tar.subarray(0, length)), `${length} bytes`).rejects.toMatchObject({ code: 'backup' })
    const changed = Buffer.from(tar)
    changed[1030] = (changed[1030] ?? 0) ^ 1
    await expect(unpack(changed)).rejects.toMatchObject({ code: 'backup' })
  })

  test('that claims a size far beyond its end', async () => {
    const tar = Buffer.from(await pack(about, [file('state/x')]))
    const header = tar.subarray(1024, 1536)
    header.write('77777777777 ', 124, 'latin1')
    header.fill(' ', 148, 156)
    const sum = header.reduce((total, byte) => total + byte, 0)
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
    await expect(unpack(tar)).rejects.toMatchObject({ code: 'backup' })
  })

  test('without its first entry', async () => {
    const tar = await packTar([{ header: { name: 'tmgen.yaml', type: 'file', size: 1 }, body: 'x' }])
    await expect(unpack(tar)).rejects.toThrow(/does not begin with/)
  })
})
