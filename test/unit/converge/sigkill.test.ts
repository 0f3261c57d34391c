import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseConfig } from '../../../src/config/index.ts'
import { pipeline } from '../../../src/converge/pipeline.ts'
import { makePlace, openPlane, realWorld } from './real/place.ts'
import { bundleChild, makeBase, runChild } from './real/process.ts'

/** Kills spread over the length of a run; the exhaustive search of kill.test.ts is in memory. */
const tries = 12
const base = makeBase()
let child = ''

beforeAll(async () => {
  child = await bundleChild(base)
  await makePlace(base)
})
afterAll(() => rmSync(base, { recursive: true, force: true }))

const read = (path: string) => readFileSync(join(base, 'ws', path), 'utf8')

it(
  'a real process killed by SIGKILL leaves a workspace that the next command puts right',
  {
    timeout: 120_000,
  },
  async () => {
    const begin = Date.now()
    expect((await runChild(child, [base, 'add', 'first'])).lines).toEqual([])
    const wholeMs = Date.now() - begin
    let kills = 0
    for (let i = 0; i < tries; i++) {
      const name = `user-${i}`
      const { signal } = await runChild(child, [base, 'add', name], { killAfterMs: (wholeMs * i) / tries })
      if (signal === 'SIGKILL') kills++
      const world = realWorld(base)
      const plane = openPlane(base)
      await pipeline(
        world,
        join(base, 'ws'),
        { name: 'provision', permits: 'all', remote: 'write' },
        { makeProvider: () => plane.provider(world.now) },
      )

      const users = parseConfig(readFileSync(join(base, 'ws/tmgen.yaml')), 'tmgen.yaml').config.users.map(
        (user) => user.name,
      )
      const usable = plane.keys.filter((key) => key.expires! > world.now()).map((key) => key.tags[0])
      expect(usable.sort()).toEqual(users.map((user) => `tag:tm-${user}`).sort())
      const lock = JSON.parse(read('tmgen.lock.json')) as { serial: number; users: Record<string, { name: string }> }
      expect(Object.values(lock.users).map((user) => user.name)).toEqual(users)
      expect(JSON.parse(read('state/allocation.json'))).toMatchObject({ serial: lock.serial })
      expect(readdirSync(join(base, 'ws/secrets/gateway')).sort()).toEqual(
        users.map((user) => `${user}.authkey`).sort(),
      )
      expect(readdirSync(join(base, 'ws/generated/users')).sort()).toEqual([...users].sort())
      expect(existsSync(join(base, 'ws/state/journal.json'))).toBe(false)
    }
    expect(kills).toBeGreaterThan(0)
  },
)
