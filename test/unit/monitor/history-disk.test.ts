import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs, { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { History } from '../../../src/monitor/history/index.ts'
import { Reporter } from '../../../src/monitor/report/index.ts'
import { ledgersIn } from '../../../src/monitor/report/ledgers.ts'
import { lookAt, person, running, settingsOf, worldOf } from './settings.ts'
import { hour, minute, Story, start } from './timeline.ts'

let folder: string
let losses: string[]
let open: History[]
let mounted: string[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tmgen-history-'))
  losses = []
  open = []
  mounted = []
})
afterEach(() => {
  for (const history of open) history.close()
  for (const path of mounted) execFileSync('umount', [path])
  rmSync(folder, { recursive: true, force: true })
})
const opened = (file: string) => {
  const history = new History(file, { onLoss: (why) => losses.push(why) })
  open.push(history)
  return history
}
const unkept = /^the history cannot be written \(.+\): until it can nothing is added$/

/** A disk of its own, of which tests may say that it is read-only; that takes root. */
function disk(options = 'size=2m'): { path: string; turn: (to: 'ro' | 'rw') => void } {
  const path = join(folder, 'disk')
  mkdirSync(path)
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path])
  mounted.push(path)
  return { path, turn: (to) => execFileSync('mount', ['-o', `remount,${to}`, path]) }
}

/** Looks at a person's Mac that has backed up and then stops, and who is told. */
function monitored(history: History) {
  const story = new Story().begin('Alice.sparsebundle').complete()
  const posts: { items: { what: string; kind: string; reason?: string }[] }[] = []
  const settings = settingsOf({ alerts: ['webhook'], users: [person('alice', 'u1')] })
  const reporter = new Reporter(
    history,
    worldOf({
      look: async () => lookAt(story, 'alice'),
      gateway: async () => ({ alice: running }),
      secret: async () => 'https://hooks.example.com/x\n',
      fetch: async (_url, init) => {
        posts.push(JSON.parse(String(init?.body)))
        return new Response(null, { status: 204 })
      },
    }),
  )
  const round = (at: number) => {
    story.now = at
    return reporter.round(settings, at)
  }
  const told = () => posts.flatMap(({ items }) => items.map(({ what, kind }) => `${what} ${kind}`))
  return { story, round, told }
}

test('a history that cannot be opened: looks are judged, people told, and the operator told what is wrong', async () => {
  // A file in place of the folder: nothing opens there, not for root either.
  writeFileSync(join(folder, 'state'), '')
  const history = opened(join(folder, 'state/history.sqlite'))
  expect(history.trouble).toMatch(unkept)
  const { round, told } = monitored(history)
  expect(await round(start)).toMatchObject({ host: [], macs: [{ lastSuccess: start }] })
  await round(start + 10 * minute)
  expect(told()).toEqual([])
  const { host } = await round(start + 15 * minute)
  expect(host).toMatchObject([{ kind: 'disk', severity: 'alarm', since: start }])
  expect(host[0]?.reason).toMatch(/^the disk of state\/monitor has trouble: the history cannot be written \(.+\)/)
  expect(host[0]?.todo).toContain('docker compose restart monitor')
  await round(start + 20 * minute)
  expect(told()).toEqual(['new disk'])
  // What is remembered is held in memory: nothing is told twice, and a backup that stops is told.
  for (let at = start + hour; at < start + 80 * hour; at += hour) await round(at)
  expect(told().filter((one) => one.startsWith('new'))).toEqual(['new disk', 'new missing'])
  // It is said once, not with each round.
  expect(losses).toEqual([expect.stringMatching(unkept)])
  // It can be opened: what is kept from now on is there after a start.
  rmSync(join(folder, 'state'))
  mkdirSync(join(folder, 'state'))
  expect((await round(start + 80 * hour)).macs).toMatchObject([{ state: 'missing' }])
  expect(history.trouble).toBe('')
  expect(losses.slice(1)).toEqual(['the history is kept again'])
  open.pop()!.close()
  expect(opened(join(folder, 'state/history.sqlite')).remembered('looked')).toBe(start + 80 * hour)
})

test('a disk that takes nothing more of a sudden: nothing of a round is kept, what is there can be read, and it goes on', async () => {
  const history = opened(join(folder, 'history.sqlite'))
  const { round, told } = monitored(history)
  await round(start)
  const write = vi.spyOn(fs, 'writeSync').mockImplementation(() => {
    throw Object.assign(new Error('EROFS: read-only file system, write'), { code: 'EROFS', syscall: 'write' })
  })
  const kept = () => history.runs('mac:alice/macbook').map(({ last }) => last)
  for (let minutes = 5; minutes <= 25; minutes += 5) await round(start + minutes * minute)
  expect(kept()).toEqual([start])
  expect(told()).toEqual(['new disk'])
  expect(losses).toEqual(['the history cannot be written (disk I/O error): until it can nothing is added'])
  write.mockRestore()
  await round(start + 30 * minute)
  expect((await round(start + 31 * minute)).host).toEqual([])
  expect(kept().at(-1)).toBe(start + 31 * minute)
  expect(losses.slice(1)).toEqual(['the history is kept again'])
})

test('a look at everybody of which one write fails is not kept in part', () => {
  const history = opened(join(folder, 'history.sqlite'))
  const write = vi.spyOn(fs, 'writeSync').mockImplementationOnce(() => {
    throw Object.assign(new Error('EIO: i/o error, write'), { code: 'EIO', syscall: 'write' })
  })
  const look = (at: number) =>
    history.together(() => {
      for (const subject of ['a', 'b']) history.record(subject, at, at)
    })
  look(1)
  expect(write).toHaveBeenCalled()
  look(2)
  expect([history.runs('a'), history.runs('b')]).toMatchObject([[{ first: 2 }], [{ first: 2 }]])
  write.mockRestore()
})

test('who is renamed while the disk takes nothing: what was kept follows, and is not the next one’s of that name', () => {
  const history = opened(join(folder, 'history.sqlite'))
  history.together(() => {
    history.record('mac:alice', 1, 'hers')
    history.remember('mac:alice', 'hers')
  })
  const write = vi.spyOn(fs, 'writeSync').mockImplementation(() => {
    throw Object.assign(new Error('EIO: i/o error, write'), { code: 'EIO', syscall: 'write' })
  })
  history.together(() => history.relabel((subject) => subject.replace('alice', 'carol')))
  expect(history.remembered('mac:carol')).toBe('hers')
  write.mockRestore()
  // Amid two looks, nothing is mixed into what has the old names.
  history.remember('queue', 1)
  history.together(() => history.record('mac:alice', 2, 'another’s'))
  expect([history.runs('mac:carol'), history.runs('mac:alice')]).toMatchObject([[{ body: 'hers' }], [{ first: 2 }]])
  open.pop()!.close()
  const again = opened(join(folder, 'history.sqlite'))
  expect([again.remembered('mac:carol'), again.remembered('mac:alice')]).toEqual(['hers', undefined])
})

test('a fault of the program is none of the disk: it is thrown', () => {
  const history = opened(join(folder, 'history.sqlite'))
  const fail = () => {
    throw new TypeError('a bug')
  }
  expect(() => history.together(fail)).toThrow('a bug')
  expect([history.trouble, losses]).toEqual(['', []])
})

test('what is remembered of bands on a disk that takes nothing stays as it is, and ends nothing', () => {
  const lines: string[] = []
  writeFileSync(join(folder, 'bands'), '')
  mkdirSync(join(folder, 'all'))
  mkdirSync(join(folder, 'all/name'))
  const ledgers = ledgersIn(join(folder, 'all'), (line) => lines.push(line))
  ledgers.remove('name')
  ledgers.prune(Date.now() + hour)
  const none = ledgersIn(join(folder, 'bands'), (line) => lines.push(line))
  none.touch('name')
  expect(lines.map((line) => line.split(':')[0])).toEqual([
    'what was read back is not removed',
    'what was read back long ago is not removed',
    'a round of reading back is not marked',
  ])
})

// A disk of its own takes root; where tests run without, these are reported as skipped.
describe.skipIf(process.getuid?.() !== 0)('a disk of its own', () => {
  test.each([
    false,
    true,
  ])('read-only from the start (a lock was left: %s): a round judges, and what is there stays', async (isLeft) => {
    const { path, turn } = disk()
    const file = join(path, 'history.sqlite')
    const before = monitored(opened(file))
    before.story.now = start
    await before.round(start)
    open.pop()!.close()
    if (isLeft) mkdirSync(`${file}.lock`)
    turn('ro')
    const history = opened(file)
    const { round, told } = monitored(history)
    for (let minutes = 60; minutes <= 80; minutes += 5) await round(start + minutes * minute)
    expect(told()).toEqual(['new disk'])
    expect(losses).toEqual([expect.stringMatching(unkept)])
    turn('rw')
    await round(start + 2 * hour)
    expect((await round(start + 2 * hour + minute)).host).toEqual([])
    expect(losses.slice(1)).toEqual(['the history is kept again'])
    // What was kept is taken up again, not what was made up meanwhile.
    expect(history.runs('mac:alice/macbook')[0]).toMatchObject({ first: start })
    expect(history.remembered('mac:alice/macbook')).toMatchObject({ firstAt: start })
  })

  test('without an inode left', async () => {
    const { path } = disk('size=2m,nr_inodes=4')
    for (const name of ['a', 'b', 'c']) writeFileSync(join(path, name), '')
    const { round, told } = monitored(opened(join(path, 'history.sqlite')))
    for (let minutes = 0; minutes <= 20; minutes += 5) await round(start + minutes * minute)
    expect(told()).toEqual(['new disk'])
    expect(losses).toEqual([expect.stringMatching(unkept)])
    rmSync(join(path, 'a'))
    rmSync(join(path, 'b'))
    rmSync(join(path, 'c'))
    await round(start + hour)
    expect((await round(start + hour + minute)).host).toEqual([])
    expect(existsSync(join(path, 'history.sqlite'))).toBe(true)
  })
})

test('a fault of the program ends a service with one line that names it', async () => {
  const code = `
    const { runService } = await import(${JSON.stringify(join(import.meta.dirname, '../../../src/monitor/service.ts'))})
    runService(async () => { throw new TypeError('a bug\\nin two lines') })
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, [
    ...['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', code],
  ])
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  const [status] = await once(child, 'close')
  expect(status).toBe(1)
  expect(said).toMatch(/^ended by a fault: TypeError: a bug.*in two lines at .*\n$/)
})
