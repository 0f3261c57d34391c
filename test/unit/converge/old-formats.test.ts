import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { configFormat } from '../../../src/config/config-format.ts'
import { changesOf } from '../../../src/converge/index.ts'
import { migrate } from '../../../src/migration.ts'
import type { lockFormat } from '../../../src/resolve/index.ts'
import { Kill } from '../../support/world.ts'
import { addUser, copyOf, failure, faultAt, generate, run, type Scene, scene, ws } from './helper.ts'

// A version 0 that never was, so that the frame is tried before the first real step comes.
vi.mock('../../../src/resolve/lock-format.ts', () => ({
  lockFormat: {
    version: 1,
    migrations: [{ from: 0, to: ({ people, ...rest }: Record<string, unknown>) => ({ ...rest, users: people }) }],
  },
}))
vi.mock('../../../src/config/config-format.ts', () => ({
  configFormat: {
    version: 1,
    migrations: [
      { from: 0, to: (text: string) => text.replace(/^version: 0/m, 'version: 1').replace(/^people:/m, 'users:') },
    ],
  },
}))

const [yaml, lock] = [`${ws}/tmgen.yaml`, `${ws}/tmgen.lock.json`]
const note = '# mine, and it stays\n'
const comesBack = { name: 'test', permits: 'local', remote: 'no', checkOnly: true } as const

let place: Scene
/** Both files as they are in today's format, and as they would have been in the former one. */
let today: { yaml: string; lock: string }
let former: { yaml: string; lock: string }

beforeEach(async () => {
  place = await scene('manual')
  await run(place, addUser('alice'))
  const text = (path: string) => place.disk.text(path) ?? ''
  today = { yaml: note + text(yaml), lock: text(lock) }
  former = {
    yaml: today.yaml.replace(/^version: 1/m, 'version: 0').replace(/^users:/m, 'people:'),
    lock: today.lock.replace('"version": 1', '"version": 0').replace('"users": {', '"people": {'),
  }
  expect(former.yaml).toContain('people:')
  expect(former.lock).toContain('"people"')
  place.disk.put(yaml, former.yaml)
  place.disk.put(lock, former.lock)
})

const kept = ({ disk }: Scene) => [...disk.nodes.keys()].filter((path) => /\.v\d/.test(path)).sort()

describe('files in an older format', () => {
  test('are brought to today’s by the first command that writes, and kept as they were', async () => {
    const rest = place.disk.snapshot('', /tmgen\.(yaml|lock)|state\//)
    const { steps } = await run(place, generate)
    expect(steps.map((step) => ('path' in step ? step.path : step.kind))).toEqual([
      'tmgen.yaml.v0',
      'tmgen.lock.json.v0',
      'tmgen.yaml',
      'tmgen.lock.json',
    ])
    expect(place.disk.text(yaml)).toBe(today.yaml)
    expect(place.disk.text(lock)).toBe(today.lock)
    expect(place.disk.text(`${yaml}.v0`)).toBe(former.yaml)
    expect(place.disk.text(`${lock}.v0`)).toBe(former.lock)
    expect(place.disk.snapshot('', /tmgen\.(yaml|lock)|state\//)).toEqual(rest)
    expect((await run(place, generate)).steps).toEqual([])
  })

  test('are only read by a command that shows something', async () => {
    const before = place.disk.snapshot('')
    const outcome = await run(place, comesBack)
    const { parsed, steps } = outcome
    expect(parsed.config.users.map(({ name }) => name)).toEqual(['alice'])
    expect(steps.map(({ title }) => title)[0]).toBe('keep the former format as tmgen.yaml.v0')
    const parts = changesOf(outcome, new Date()).flatMap((change) => ('parts' in change ? change.parts : []))
    expect(parts.map(({ sign, title }) => `${sign} ${title}`)).toEqual(
      expect.arrayContaining(['+ tmgen.yaml.v0', '+ tmgen.lock.json.v0', '~ tmgen.yaml', '~ tmgen.lock.json']),
    )
    expect(place.disk.snapshot('')).toEqual(before)
  })

  test('take an edit at once, and a refused one leaves them as they are', async () => {
    const before = place.disk.snapshot('')
    await failure(run(place, addUser('alice')))
    expect(place.disk.snapshot('')).toEqual(before)
    await run(place, addUser('bob'))
    expect(place.disk.text(yaml)).toMatch(/^# mine.*^users:.*name: bob/ms)
    expect(kept(place)).toEqual([`${lock}.v0`, `${yaml}.v0`])
  })

  test('never take the place of what was kept before', async () => {
    place.disk.put(`${lock}.v0`, 'of another time')
    place.disk.put(`${yaml}.v0`, former.yaml)
    await run(place, generate)
    expect(place.disk.text(`${lock}.v0`)).toBe('of another time')
    expect(place.disk.text(`${lock}.v0-2`)).toBe(former.lock)
    expect(kept(place)).toEqual([`${lock}.v0`, `${lock}.v0-2`, `${yaml}.v0`])
  })

  test('are whole after a kill at any step', async () => {
    await run(copyOf(place), generate)
    const done = copyOf(place)
    await run(done, generate)
    const wanted = done.disk.snapshot('')
    for (let n = 1; ; n++) {
      const one = copyOf(place)
      const fault = faultAt(one, n, () => new Kill())
      await run(one, generate, { hook: fault.hook }).catch(() => undefined)
      if (!fault.happened()) break
      expect([former.yaml, today.yaml], `killed at ${n}`).toContain(one.disk.text(yaml))
      one.plane.hook = () => undefined
      await run(one, generate)
      expect(one.disk.snapshot(''), `killed at ${n}`).toEqual(wanted)
    }
  })

  test.each([
    [
      'tmgen.yaml',
      () => place.disk.put(yaml, today.yaml.replace(/^version: 1/m, 'version: 2')),
      /^config-invalid: .*newer/,
    ],
    [
      'the lock',
      () => place.disk.put(lock, today.lock.replace('"version": 1', '"version": 2')),
      /^lock-invalid: .*newer/,
    ],
    [
      'an unknown version',
      () => place.disk.put(lock, former.lock.replace('"version": 0', '"version": -1')),
      /cannot read/,
    ],
    ['half a file', () => place.disk.put(lock, '{"version": 0}'), /^lock-invalid: /],
  ])('%s of a newer or unknown format is refused, and nothing is written', async (_what, put, message) => {
    put()
    const before = place.disk.snapshot('')
    const [error] = await failure(run(place, generate))
    expect(error).toMatch(message)
    expect(place.disk.snapshot('')).toEqual(before)
  })
})

test('steps are taken one after the other; a gap is no way', () => {
  const steps = [1, 2, 3].map((from) => ({ from, to: (text: string) => `${text}${from}` }))
  expect(migrate({ version: 4, migrations: steps }, 1, '')).toBe('123')
  expect(migrate({ version: 4, migrations: steps.slice(0, 2) }, 1, '')).toBeUndefined()
  expect(migrate({ version: 4, migrations: steps }, 0, '')).toBeUndefined()
})

test('the real formats have a way from their oldest version', async () => {
  const real = {
    lock: await vi.importActual<{ lockFormat: typeof lockFormat }>('../../../src/resolve/lock-format.ts'),
    config: await vi.importActual<{ configFormat: typeof configFormat }>('../../../src/config/config-format.ts'),
  }
  for (const { version, migrations } of [real.lock.lockFormat, real.config.configFormat]) {
    const oldest = Math.min(version, ...migrations.map(({ from }) => from))
    expect(migrations.map(({ from }) => from).sort()).toEqual(
      Array.from({ length: version - oldest }, (_none, index) => oldest + index),
    )
  }
})
