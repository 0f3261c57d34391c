import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nodeDisk } from '../../../src/converge/node-disk.ts'
import { processesAt } from '../../../src/converge/open-files.ts'
import { tempOf } from '../../../src/world.ts'
import { makePlace } from './real/place.ts'
import { bundleChild, makeBase, runChild } from './real/process.ts'

const base = makeBase()
afterAll(() => rmSync(base, { recursive: true, force: true }))
const isRoot = process.geteuid?.() === 0

describe('the real disk', () => {
  it('writes with the mode asked for, whatever the umask, and leaves nothing beside', async () => {
    const before = process.umask(0o077)
    await nodeDisk.makeDir(join(base, 'open'), 0o755)
    await nodeDisk.writeFile(join(base, 'open/file'), 'one', 0o755)
    process.umask(before)
    expect(await nodeDisk.stat(join(base, 'open'))).toMatchObject({ kind: 'directory', mode: 0o755 })
    expect(await nodeDisk.stat(join(base, 'open/file'))).toMatchObject({ kind: 'file', mode: 0o755, size: 3 })
    expect(await nodeDisk.list(join(base, 'open'))).toEqual(['file'])
  })

  it('moves a folder by one rename: the same inode, never over what is there, never to another filesystem', async () => {
    mkdirSync(join(base, 'moves/below'), { recursive: true })
    const inode = statSync(join(base, 'moves')).ino
    expect(await nodeDisk.rename(join(base, 'moves'), join(base, 'moved'))).toBe(true)
    expect(statSync(join(base, 'moved')).ino).toBe(inode)
    expect(await nodeDisk.list(join(base, 'moved'))).toEqual(['below'])
    mkdirSync(join(base, 'empty'))
    await expect(nodeDisk.rename(join(base, 'moved'), join(base, 'empty'))).rejects.toMatchObject({ code: 'disk' })
    const other = '/dev/shm'
    if (statSync(other, { throwIfNoEntry: false })?.dev !== statSync(base).dev)
      expect(await nodeDisk.rename(join(base, 'moved'), join(other, `tmgen-${process.pid}`))).toBe(false)
    expect(await nodeDisk.list(join(base, 'moved'))).toEqual(['below'])
  })

  it('knows who has a folder open: by a file in it or as the folder worked in, and nobody beside it', async () => {
    mkdirSync(join(base, 'used/below'), { recursive: true })
    writeFileSync(join(base, 'used-too'), '')
    const pids = () => processesAt(join(base, 'used')).found.map(({ pid }) => pid)
    const beside = openSync(join(base, 'used-too'), 'r')
    expect(pids()).toEqual([])
    const file = openSync(join(base, 'used/below/file'), 'w')
    expect(pids()).toEqual([process.pid])
    closeSync(file)
    closeSync(beside)
    const sleeper = spawn('sleep', ['60'], { cwd: join(base, 'used') })
    try {
      await once(sleeper, 'spawn')
      expect(processesAt(join(base, 'used')).found).toEqual([{ pid: sleeper.pid, command: 'sleep' }])
    } finally {
      sleeper.kill()
    }
  })

  it('takes the place of a link, never writing through it', async () => {
    writeFileSync(join(base, 'target'), 'mine')
    symlinkSync(join(base, 'target'), join(base, 'link'))
    symlinkSync(join(base, 'target'), tempOf(join(base, 'link')))
    await nodeDisk.writeFile(join(base, 'link'), 'new', 0o600)
    expect(readFileSync(join(base, 'target'), 'utf8')).toBe('mine')
    expect(await nodeDisk.stat(join(base, 'link'))).toMatchObject({ kind: 'file', mode: 0o600 })
  })

  it('knows nothing of what is not there', async () => {
    const absent = join(base, 'absent/deeper')
    expect(await nodeDisk.readFile(absent)).toBeUndefined()
    expect(await nodeDisk.stat(absent)).toBeUndefined()
    expect(await nodeDisk.list(absent)).toBeUndefined()
    expect(await nodeDisk.realpath(absent)).toBeUndefined()
    await nodeDisk.removeFile(absent)
    await nodeDisk.removeEmptyDir(absent)
  })

  it('keeps a folder that is not empty', async () => {
    mkdirSync(join(base, 'full/inner'), { recursive: true })
    await nodeDisk.removeEmptyDir(join(base, 'full'))
    expect(await nodeDisk.list(join(base, 'full'))).toEqual(['inner'])
  })

  it('refuses a file larger than the limit, and what is no file', async () => {
    writeFileSync(join(base, 'large'), 'x'.repeat(100))
    await expect(nodeDisk.readFile(join(base, 'large'), 99)).rejects.toMatchObject({ code: 'disk' })
    await expect(nodeDisk.readFile('/dev/null')).rejects.toMatchObject({ code: 'disk' })
  })

  it('says what to do where the folder is missing, and where the disk is full', async () => {
    await expect(nodeDisk.writeFile(join(base, 'absent/file'), '', 0o600)).rejects.toMatchObject({
      code: 'disk',
      message: `cannot write ${join(base, 'absent/file')}: the folder does not exist`,
    })
  })

  it.runIf(isRoot)('gives what root makes to the owner of the folder', async () => {
    mkdirSync(join(base, 'hers'))
    chownSync(join(base, 'hers'), 65534, 65534)
    await nodeDisk.makeDir(join(base, 'hers/sub'), 0o700)
    await nodeDisk.writeFile(join(base, 'hers/sub/file'), '', 0o600)
    expect(await nodeDisk.stat(join(base, 'hers/sub/file'))).toMatchObject({ uid: 65534, gid: 65534 })
  })
})

describe('as a user who may not write', () => {
  const place = join(base, 'place')
  let child = ''
  const ws = join(place, 'ws')
  const chownAll = (path: string) => {
    chownSync(path, 65534, 65534)
    if (statSync(path).isDirectory()) for (const name of readdirSync(path)) chownAll(join(path, name))
  }
  const bytes = (path: string): string =>
    statSync(path).isDirectory()
      ? readdirSync(path)
          .sort()
          .map((name) => `${name}\n${bytes(join(path, name))}`)
          .join('')
      : readFileSync(path, 'latin1')

  beforeAll(async () => {
    mkdirSync(place)
    child = await bundleChild(place)
    await makePlace(place)
    if (isRoot) chownAll(ws)
  })

  it.each([
    ['the workspace', ws, `disk: cannot write to ${ws} (run tmgen as the owner of the workspace`],
    [
      'generated/',
      join(ws, 'generated'),
      `disk: cannot write to ${join(ws, 'generated')} (run tmgen as the owner of the workspace`,
    ],
    [
      'state/',
      join(ws, 'state'),
      `disk: cannot write ${join(ws, 'state/tmgen.run.lock')}: EACCES (run tmgen as the owner of the workspace`,
    ],
    [
      'storage',
      join(place, 'storage'),
      `storage: no permission to make the storage of alice in ${join(place, 'storage')} (run tmgen as the owner`,
    ],
  ])('%s being read-only is a clear error, and nothing is changed', async (_name, folder, expected) => {
    const mode = statSync(folder).mode & 0o777
    const before = bytes(ws)
    chmodSync(folder, 0o555)
    const { lines, code } = await runChild(child, [place, 'add', 'alice'], { asNobody: true })
    chmodSync(folder, mode)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain(expected)
    expect(code).toBe(1)
    expect(bytes(ws)).toBe(before)
  })
})
