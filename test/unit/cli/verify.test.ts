import { beforeEach, expect, test } from 'vitest'
import type { AskedLine, Stand } from '../../../src/monitor/verify/part.ts'
import { Scene } from './scene.ts'

const sound: Stand = {
  ...{ bundle: 'A.sparsebundle', bands: 200, covered: 70, read: 50, readBytes: 400 * 2 ** 20, busy: 0 },
  ...{ faults: { rot: 0, unreadable: 0, oversize: 0 }, examples: [], files: [], ended: 'bytes' },
}
const done = (mac = 'macbook'): AskedLine => ({ mac, end: { outcome: 'done', bundles: ['A.sparsebundle'] } })
const stand = (change: Partial<Stand> = {}, mac = 'macbook'): AskedLine => ({ mac, stand: { ...sound, ...change } })

let scene: Scene
beforeEach(async () => {
  scene = await Scene.with('manual')
  await scene.tmgen('add user alice --login alice@example.com --mac macbook')
})
const answer = (...lines: AskedLine[]) => {
  scene.dockerAnswer = (args) =>
    args.includes('monitor-scanner')
      ? { exitCode: 0, stdout: lines.map((line) => JSON.stringify(line)).join('\n'), stderr: '' }
      : { exitCode: 1, stdout: '', stderr: '' }
}
const asked = () => scene.docker.find((args) => args.includes('verify'))

test('asks the scanner, and shows what was read', async () => {
  answer(stand({ read: 10, ended: null }), stand(), done())
  const { code, stdout } = await scene.tmgen('verify alice')
  expect(code).toBe(0)
  expect(stdout).toMatch(/^macbook +A.sparsebundle +50 bands, 400M +70 of 200 +sound$/m)
  const args = 'compose exec -T monitor-scanner node /usr/lib/tmgen/scanner.cjs verify alice --bytes 1073741824'
  expect(asked()?.join(' ')).toBe(args)
})

test.each([
  ['--all', '--all'],
  ['--bytes 20G', `--bytes ${20 * 2 ** 30}`],
  ['--mac macbook --all', '--mac macbook --all'],
])('%s is passed on', async (options, expected) => {
  answer(stand(), done())
  expect((await scene.tmgen(`verify alice ${options}`)).code).toBe(0)
  expect(asked()?.join(' ')).toMatch(new RegExp(` verify alice ${expected}$`))
})

test('what is not as it should be is named, and the exit code is 1', async () => {
  const faults = { rot: 1, unreadable: 1, oversize: 0 }
  const examples: Stand['examples'] = [
    { band: '1f', fault: 'rot', why: 'its content is another' },
    { band: '2a', fault: 'unreadable', why: 'the disk does not give it back (EIO)' },
  ]
  answer(stand({ faults, examples, bundle: '\u001b[2JA' }), done())
  const { code, stdout, stderr } = await scene.tmgen('verify alice')
  expect(code).toBe(1)
  expect(stdout).toContain('1 band changed on the disk without a write (1f); 1 band cannot be read (2a)')
  expect(stderr).toContain('bands/2a: the disk does not give it back (EIO)')
  expect(stdout + stderr).not.toContain('\u001b')
  const json = JSON.parse((await scene.tmgen('verify alice --json')).stdout)
  expect(json).toMatchObject({ user: 'alice', ok: false, macs: [{ mac: 'macbook', ok: false, bundles: [{ faults }] }] })
})

test.each<[string, AskedLine[], string]>([
  ['a plist', [stand({ files: ['Info.plist: cut short'] }), done()], 'Info.plist: cut short'],
  [
    'a disk that is not there',
    [{ mac: 'macbook', end: { outcome: 'failed', cause: 'no marker' } }],
    'macbook: no marker',
  ],
  ['no band at all', [stand({ read: 0, readBytes: 0, busy: 3 }), done()], 'nothing was read: this proves nothing'],
  ['no backup', [{ mac: 'macbook', end: { outcome: 'done', bundles: [] } }], 'nothing was read'],
  ['another Mac alone', [stand({}, 'imac'), done('imac'), done()], 'nothing was read'],
])('%s is no success', async (_name, lines, text) => {
  answer(...lines)
  const { code, stdout, stderr } = await scene.tmgen('verify alice')
  expect(code).toBe(1)
  expect(stdout + stderr).toContain(text)
})

test('a scanner that does not run, or ends before it is done, is an error with a hint', async () => {
  answer(stand())
  const { code, stderr } = await scene.tmgen('verify alice')
  expect(code).toBe(1)
  expect(stderr).toMatch(/scanner does not run, or was ended[\s\S]*docker compose up -d/)
})

test.each([
  ['verify bob', /there is no user "bob"/],
  ['verify alice --mac imac', /alice has no Mac "imac"/],
  ['verify alice --bytes 20', /whole digits/],
  ['verify alice --all --bytes 1G', /cannot be used with/],
])('%s is refused', async (line, message) => {
  const { code, stderr } = await scene.tmgen(line)
  expect(code).toBe(2)
  expect(stderr).toMatch(message)
  expect(asked()).toBeUndefined()
})

test('somebody who is disabled is not served, and nothing of theirs is read', async () => {
  await scene.tmgen('disable user alice')
  const { code, stderr } = await scene.tmgen('verify alice')
  expect(code).toBe(2)
  expect(stderr).toMatch(/alice is disabled[\s\S]*tmgen enable user alice/)
})
