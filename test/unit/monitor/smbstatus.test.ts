import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sambaSchema } from '../../../src/monitor/observation/schema.ts'
import { readTold, sambaSeen } from '../../../src/monitor/scan/smbstatus.ts'

/** What Samba 4.22.11 printed while a client held a band open; the client sat behind the gateway. */
const captured = readFileSync(join(import.meta.dirname, 'golden/smbstatus.json'), 'utf8')
const connectedAt = Date.parse('2026-11-21T22:46:52.375Z')

let root: string
let file: string
let band: string
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'tmgen-smbstatus-')))
  mkdirSync(join(root, 'status'))
  mkdirSync(join(root, 'alice/macbook/mac.sparsebundle/bands'), { recursive: true })
  file = join(root, 'status/smbstatus.json')
  band = join(root, 'alice/macbook/mac.sparsebundle/bands/1f')
  writeFileSync(band, 'x')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const read = async (now = Date.now()) => (await readTold(join(root, 'status'), now)).status
async function seen(text: string, mac = 'macbook') {
  writeFileSync(file, text)
  const status = await read()
  const found = status && (await sambaSeen(status, join(root, 'alice'), mac))
  // The reporter takes the look as a whole, or not at all.
  return found && sambaSchema.parse(found)
}
/** The captured one, with something changed in it. */
// biome-ignore lint/suspicious/noExplicitAny: it is changed at any depth
const changed = (change: (status: any) => void) => {
  const status = JSON.parse(captured)
  change(status)
  return JSON.stringify(status)
}
const opened = 'open_files'
const only = '/srv/tmgen/macbook/mac.sparsebundle/bands/1f'

test('Samba serves while its health check said so within two minutes', async () => {
  const serves = async (now: number) => (await readTold(join(root, 'status'), now)).serving
  const now = Date.now()
  expect(await serves(now)).toBe(false)
  writeFileSync(join(root, 'status/serving'), '')
  expect([await serves(now + 100_000), await serves(now + 130_000), await serves(now - 10_000)]).toEqual([
    ...[true, false, false],
  ])
  expect((await readTold(join(root, 'nowhere'), now)).serving).toBe(false)
})

describe('what Samba tells of a share', () => {
  test('a Mac that holds a band open: since when it is connected, and when the band was written by the disk', async () => {
    expect(await seen(captured)).toEqual({
      ...{ sessions: 1, since: connectedAt, files: 1, open: true },
      wrote: statSync(band).ctime.getTime(),
    })
  })

  test('another Mac of the same person is not connected', async () => {
    expect(await seen(captured, 'imac')).toEqual({ sessions: 0, since: null, files: 0, open: false, wrote: null })
  })

  test('nobody: what the container tells without asking', async () => {
    const text = '{"sessions":{},"tcons":{},"open_files":{}}\n'
    expect(await seen(text)).toEqual({ sessions: 0, since: null, files: 0, open: false, wrote: null })
  })

  test('of several connections the oldest counts', async () => {
    const text = changed(({ tcons }) => {
      tcons['2'] = { ...tcons['8761727'], connected_at: '2026-11-21T20:00:00.000001+00:00' }
      tcons['3'] = { ...tcons['8761727'], service: 'IPC$' }
    })
    expect(await seen(text)).toMatchObject({ sessions: 2, since: Date.parse('2026-11-21T20:00:00Z') })
  })

  test.each<[string, object, object]>([
    ['read only', { access_mask: { WRITE_DATA: false, APPEND_DATA: false } }, { open: false, wrote: null }],
    ['to be added to', { access_mask: { WRITE_DATA: false, APPEND_DATA: true } }, { open: true }],
  ])('a band that is open %s', async (_how, change, expected) => {
    const text = changed((status) => Object.assign(status[opened][only].opens['102/3'], change))
    expect(await seen(text)).toMatchObject({ files: 1, ...expected })
  })

  test.each([
    ['its lock: the image is attached', 'mac.sparsebundle/lock', true],
    ['a band that is gone', 'mac.sparsebundle/bands/20', true],
    ['the attributes of a band', 'mac.sparsebundle/bands/1f:AFP_AfpInfo', true],
    ['a file beside the bundle', '.DS_Store', false],
    ['the share itself', '.', false],
  ])('open to be written: %s', async (_what, filename, open) => {
    const text = changed((status) => {
      status[opened][only].filename = filename
    })
    expect(await seen(text)).toMatchObject({ files: 1, open, wrote: null })
  })
})

describe('whoever broke into a Samba may write there what they like', () => {
  test.each([
    ['three minutes old', -180],
    ['of the future', 60],
  ])('what is %s is not known', async (_age, seconds) => {
    writeFileSync(file, captured)
    expect(await read()).toBeDefined()
    const time = Date.now() / 1000 + seconds
    utimesSync(file, time, time)
    expect(await read()).toBeUndefined()
  })

  test.each([
    ['nothing', ''],
    ['half of it', captured.slice(0, 900)],
    ['no object', '7'],
    ['null', 'null'],
    ['a list', '[]'],
    ['something else', '{"sessions":{},"tcons":[],"open_files":{}}'],
    ['more than a mebibyte', captured + ' '.repeat(1024 * 1024)],
    ['a deep nest', `{"tcons":{},"open_files":${'['.repeat(500_000)}`],
    ['a deep nest that is whole', `{"tcons":{},"open_files":${'['.repeat(400_000)}${']'.repeat(400_000)}}`],
    ['no date', changed(({ tcons }) => Object.assign(tcons['8761727'], { connected_at: 'soon' }))],
    [
      'a date before all dates',
      changed(({ tcons }) => Object.assign(tcons['8761727'], { connected_at: '1901-01-01' })),
    ],
  ])('%s: nothing is known', async (_what, text) => {
    expect(await seen(text)).toBeUndefined()
  })

  test.each<[string, (path: string) => void]>([
    ['a FIFO', (path) => execFileSync('mkfifo', [path])],
    ['a folder', (path) => mkdirSync(path)],
    ['a link', (path) => symlinkSync('/dev/zero', path)],
    ['nothing', () => {}],
  ])('%s in its place holds up nobody', async (_what, put) => {
    put(file)
    writeFileSync(join(root, 'status/serving'), '')
    expect(await readTold(join(root, 'status'), Date.now())).toEqual({ serving: true, status: undefined })
  })

  test('a status that is half a JSON says nothing of whether Samba serves', async () => {
    writeFileSync(file, captured.slice(0, 100))
    writeFileSync(join(root, 'status/serving'), '')
    expect(await readTold(join(root, 'status'), Date.now())).toEqual({ serving: true, status: undefined })
  })

  test('an older stack has no such folder', async () => {
    expect((await readTold(join(root, 'absent'), Date.now())).status).toBeUndefined()
  })

  test.each([
    ['leads out of the share', '../../bob/macbook/mac.sparsebundle/bands/1f'],
    ['is absolute', '/etc/passwd.sparsebundle/bands/1f'],
    ['has a NUL in it', 'x\u0000.sparsebundle/bands/1f'],
    ['is too long', `${'x'.repeat(5000)}.sparsebundle/bands/1f`],
    ['is __proto__', '__proto__'],
  ])('a file name that %s leads nowhere', async (_how, filename) => {
    const text = changed((status) => {
      status[opened][only].filename = filename
    }).replace('"/srv/tmgen/macbook/mac', '"__proto__')
    expect(await seen(text)).toMatchObject({ wrote: null })
  })

  test('a bundle that is a link, and a band that is a FIFO, tell no time', async () => {
    symlinkSync('mac.sparsebundle', join(root, 'alice/macbook/link.sparsebundle'))
    execFileSync('mkfifo', [join(root, 'alice/macbook/mac.sparsebundle/bands/20')])
    for (const filename of ['link.sparsebundle/bands/1f', 'mac.sparsebundle/bands/20']) {
      const text = changed((status) => {
        status[opened][only].filename = filename
      })
      expect(await seen(text)).toMatchObject({ open: true, wrote: null })
    }
  })

  test('of a thousand open bands some are looked at', async () => {
    const text = changed((status) => {
      const { opens } = status[opened][only]
      for (let number = 0; number < 1000; number++)
        status[opened][`/${number}`] = {
          service_path: '/srv/tmgen/macbook',
          filename: `mac.sparsebundle/bands/${number.toString(16)}`,
          opens: { a: { access_mask: opens['102/3'].access_mask } },
        }
    })
    const { ctime } = statSync(band)
    let late = ctime
    while (late <= ctime) {
      writeFileSync(join(band, '../ff'), 'x')
      late = statSync(join(band, '../ff')).ctime
    }
    expect(await seen(text)).toMatchObject({ files: 1001, open: true, wrote: ctime.getTime() })
  })
})
