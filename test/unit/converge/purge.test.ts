import { beforeEach, describe, expect, it } from 'vitest'
import type { Command } from '../../../src/converge/command.ts'
import { Kill, type MemoryWorldOptions } from '../../support/world.ts'
import { addUser, failure, faultAt, generate, type Scene, ws } from './helper.ts'
import { archived, band, copy, hisOf, json, type Place, removing, runIn, start } from './people.ts'

const purging: Partial<Command> = { ...removing, name: 'remove user alice --purge', purge: true }
const archive = '/srv/tm/.tmgen-archive/alice-u1-20260102T030405Z'
const left = ({ disk }: Scene) =>
  [...disk.nodes.keys()].filter((path) => path.startsWith('/srv/tm/') && !path.startsWith('/srv/tm/bob'))
const mountedAt = (path: string) => ({ host: { mounts: [{ device: '8:1', root: '/', path }] } })

describe('remove user --purge', () => {
  let place: Place
  beforeEach(async () => {
    place = await start()
  })

  it('ends the user as without, then deletes what was put aside and nothing else', async () => {
    const his = hisOf(place)
    place.disk.put('/srv/tm/.tmgen-archive/bob-u9-20250101T000000Z/.tmgen.json', '{}')
    const { steps } = await runIn(place, purging)
    const kinds = steps.map((step) => step.kind)
    expect(kinds.indexOf('archive-storage')).toBeLessThan(kinds.indexOf('purge-storage'))
    expect(kinds.at(-1)).toBe('purge-storage')
    expect(left(place)).toEqual([
      '/srv/tm/.tmgen-archive',
      '/srv/tm/.tmgen-archive/bob-u9-20250101T000000Z',
      '/srv/tm/.tmgen-archive/bob-u9-20250101T000000Z/.tmgen.json',
    ])
    expect(hisOf(place)).toEqual(his)
    expect(place.disk.text(`${ws}/tmgen.lock.json`)).not.toContain('alice')
  })

  it('deletes what a user left who was removed before, and says when there is nothing', async () => {
    await runIn(place, removing)
    expect(archived(place)).toHaveLength(1)
    const before = place.disk.snapshot(ws)
    const { steps } = await runIn(place, purging)
    expect(steps.map((step) => step.title)).toEqual([`delete ${archive}`])
    expect(left(place)).toEqual([])
    expect(place.disk.snapshot(ws)).toEqual(before)
    expect((await failure(runIn(place, purging))).join()).toMatch(/storage: nothing that a removed user alice left/)
  })

  it('of one who came back leaves the archive of the first time alone', async () => {
    await runIn(place, removing)
    await runIn(place, addUser('alice'))
    place.plane.nodes = place.plane.nodes.filter((node) => node.id !== '11')
    await runIn(place, purging, { now: new Date('2026-01-03T00:00:00Z') })
    expect(archived(place)).toEqual([`${archive}/${band}`])
  })

  it('empties a mount point where the data was marked, and leaves the mount point', async () => {
    await runIn(place, purging, mountedAt('/srv/tm/alice'))
    expect(left(place)).toEqual(['/srv/tm/alice'])
  })

  it.each<[string, (place: Place) => MemoryWorldOptions, RegExp]>([
    ['of another workspace', ({ disk }) => put(disk, { workspace: '0123456789abcdef' }), /nothing that a removed user/],
    ['of another user', ({ disk }) => put(disk, { user: 'u7' }), /nothing that a removed user/],
    ['that was imported', ({ disk }) => put(disk, { imported: true }), /nothing that a removed user/],
    [
      'whose marker is gone',
      ({ disk }) => {
        disk.remove(`${archive}/.tmgen.json`)
        return {}
      },
      /nothing that a removed user/,
    ],
    [
      'reached through a link',
      ({ disk }) => {
        disk.remove('/srv/tm/.tmgen-archive')
        disk.put('/home/other/.tmgen.json', '{}')
        disk.mkdirs('/srv/tm/.tmgen-archive')
        disk.link(archive, '/home/other')
        return {}
      },
      /nothing that a removed user/,
    ],
    ['with a mount in it', () => mountedAt(`${archive}/macbook`), /is mounted in what is to be deleted/],
    ['that a process uses', () => ({ host: { usersOf: [{ pid: 7, command: 'cp' }] } }), /in use by process 7/],
  ])('leaves data alone %s', async (_what, prepare, message) => {
    await runIn(place, removing)
    const options = prepare(place)
    const before = place.disk.snapshot('')
    expect((await failure(runIn(place, purging, options))).join()).toMatch(message)
    expect(place.disk.snapshot('')).toEqual(before)
  })

  it('killed at any point, goes on with the same command; a living user is never without data', async () => {
    const his = hisOf(place)
    let kills = 0
    for (let n = 1; n < 500; n++) {
      const there = copy(place)
      const fault = faultAt(there, n, () => new Kill(`at ${n}`))
      await runIn(there, purging, { hook: fault.hook }).catch((error) => expect(error).toBeInstanceOf(Kill))
      if (!fault.happened()) break
      kills++
      there.plane.hook = () => undefined
      const { notes } = await runIn(there, generate, { seed: 9 })
      const isLocked = there.disk.text(`${ws}/tmgen.lock.json`)!.includes('alice')
      const isWhole = there.disk.text(`/srv/tm/alice/${band}`) !== undefined || archived(there).length === 1
      if (isLocked) expect(isWhole).toBe(true)
      if (!isLocked && left(there).length > 1) {
        if (!isWhole) expect(notes.join()).toContain('tmgen remove user alice --purge goes on with it')
        await runIn(there, purging)
      } else if (isLocked) await runIn(there, purging)
      expect(left(there).filter((path) => path !== '/srv/tm/.tmgen-archive')).toEqual([])
      expect(hisOf(there)).toEqual(his)
      expect(json(there, 'tmgen.lock.json').users.u1).toBeUndefined()
    }
    expect(kills).toBeGreaterThan(40)
  })

  it('killed while a mount point is emptied, goes on too', async () => {
    const host = mountedAt('/srv/tm/alice')
    await runIn(place, removing, host)
    for (let n = 1; n < 100; n++) {
      const there = copy(place)
      const fault = faultAt(there, n, () => new Kill(`at ${n}`))
      await runIn(there, purging, { ...host, hook: fault.hook }).catch((error) => expect(error).toBeInstanceOf(Kill))
      if (!fault.happened()) break
      await runIn(there, generate, host)
      if (there.disk.text('/srv/tm/alice/.tmgen-removed.json') !== undefined) await runIn(there, purging, host)
      expect(left(there)).toEqual(['/srv/tm/alice'])
    }
  })
})

/** Changes what the marker in the archive says. */
function put(disk: Place['disk'], change: object): MemoryWorldOptions {
  const path = `${archive}/.tmgen.json`
  disk.put(path, JSON.stringify({ ...JSON.parse(disk.text(path)!), ...change }))
  return {}
}
