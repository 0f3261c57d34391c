import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addUserText, parseConfig } from '../../../src/config/index.ts'
import { pipeline } from '../../../src/converge/pipeline.ts'
import { makePlace, openPlane, realWorld } from './real/place.ts'
import { makeBase } from './real/process.ts'

const base = makeBase()
const canMount = (() => {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', base], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

// kill.test.ts does the same in memory, at every single write; this one needs the right to mount.
describe.runIf(canMount)('on a real filesystem that is full', () => {
  const filler = join(base, 'filler')
  beforeAll(() => makePlace(base))
  afterAll(() => execFileSync('umount', [base]))

  it.each([
    0, 1, 2, 3, 4, 5,
  ])('with %i free blocks, adding a user leaves all whole and is put right once there is room', async (free) => {
    const world = realWorld(base)
    const plane = openPlane(base)
    plane.hook = () => undefined
    const dependencies = { makeProvider: () => plane.provider(world.now) }
    const run = (command: object) =>
      pipeline(world, join(base, 'ws'), { name: 'test', permits: 'all', remote: 'write', ...command }, dependencies)
    const name = `user-${free}`
    const user = { name, logins: [`${name}@example.com`], macs: [{ name: 'mac' }] }
    const before = readFileSync(join(base, 'ws/tmgen.yaml'), 'utf8')

    const { bavail, bsize } = statfsSync(base)
    writeFileSync(filler, Buffer.alloc(Math.max(0, bavail - free) * bsize))
    const failed = await run({
      edit: (parsed: Parameters<typeof addUserText>[0]) => addUserText(parsed, user),
      users: [name],
    }).then(
      () => undefined,
      (error) => error,
    )
    expect(failed).toMatchObject({ code: 'disk', message: expect.stringMatching(/no space left|ENOSPC/) })
    rmSync(filler)

    await run({ name: 'provision' })
    const { config } = parseConfig(readFileSync(join(base, 'ws/tmgen.yaml')), 'tmgen.yaml')
    const isIn = config.users.some((one) => one.name === name)
    if (!isIn) expect(readFileSync(join(base, 'ws/tmgen.yaml'), 'utf8')).toBe(before)
    expect(plane.usable(`tag:tm-${name}`, world.now())).toHaveLength(isIn ? 1 : 0)
    expect((await run({ name: 'provision' })).steps).toEqual([])
  })
})

afterAll(() => rmSync(base, { recursive: true, force: true }))
