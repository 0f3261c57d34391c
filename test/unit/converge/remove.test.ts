import { beforeEach, describe, expect, it } from 'vitest'
import { enableUserText } from '../../../src/config/index.ts'
import type { Command } from '../../../src/converge/command.ts'
import { changesOf } from '../../../src/converge/index.ts'
import { TmgenError } from '../../../src/errors.ts'
import { Kill, type MemoryWorldOptions } from '../../support/world.ts'
import { addUser, failure, faultAt, generate, ws } from './helper.ts'
import { archived, band, copy, hisOf, isIn, json, type Place, removing, runIn, start, usersOf } from './people.ts'

/** Another container with a mount. */
const server =
  (service: string, mount: string) =>
  ({ docker }: Place): MemoryWorldOptions => {
    docker.containers.push({ id: 'f'.repeat(64), service, mounts: [mount] })
    return {}
  }

function expectGone(place: Place): void {
  const { disk, plane, docker } = place
  expect(plane.nodes.map((node) => node.id)).toEqual(['12'])
  expect(plane.usable('tag:tm-alice', new Date('2026-01-02T03:04:05Z'))).toEqual([])
  expect(docker.containers.map((one) => one.service)).toEqual(['samba-bob'])
  expect([...disk.nodes.keys()].filter((path) => path.startsWith(ws) && path.includes('alice'))).toEqual([])
  expect(isIn(place)).toBe(false)
  for (const file of ['tmgen.lock.json', 'state/manifest.json', 'generated/caddy/config.json'])
    expect(disk.text(`${ws}/${file}`), file).not.toContain('alice')
  expect(Object.keys(json(place, 'state/control.json').users)).toEqual(['u2'])
  expect(json(place, 'state/allocation.json').serial).toBe(json(place, 'tmgen.lock.json').serial)
  expect([...disk.nodes.keys()].filter((path) => /tmgen-tmp|journal/.test(path))).toEqual([])
}

describe('remove user', () => {
  let place: Place
  beforeEach(async () => {
    place = await start()
  })

  it('ends access, puts the data aside whole, takes back node and key, and forgets the numbers but never deals them again', async () => {
    const his = hisOf(place)
    const { steps } = await runIn(place, removing)
    const kinds = steps.map((step) => step.kind).filter((kind) => !kind.endsWith('-file'))
    expect(kinds).toEqual(['stop-container', 'archive-storage', 'expire-key', 'delete-node', 'forget-user'])
    expect(steps.findIndex((step) => 'path' in step && step.path.endsWith('caddy/config.json'))).toBeLessThan(
      steps.findIndex((step) => step.kind === 'stop-container'),
    )
    const [path] = archived(place)
    expect(path).toBe(`/srv/tm/.tmgen-archive/alice-u1-20260102T030405Z/${band}`)
    expect(place.disk.text(path!)).toBe('data of alice')
    expectGone(place)
    expect(hisOf(place)).toEqual(his)
    await runIn(place, addUser('alice'))
    expect(json(place, 'tmgen.lock.json').users.u3).toMatchObject({ name: 'alice', uid: 20003 })
    expect(archived(place)).toEqual([path])
  })

  it('removes the addresses that only this person was told at, and nobody else’s', async () => {
    for (const path of ['ntfy', 'users/alice/webhook', 'users/bob/webhook'])
      place.disk.put(`${ws}/secrets/monitor/${path}`, 'https://example.com/x\n', 0o600)
    await runIn(place, removing)
    expectGone(place)
    for (const path of ['ntfy', 'users/bob/webhook'])
      expect(place.disk.text(`${ws}/secrets/monitor/${path}`)).toBe('https://example.com/x\n')
  })

  it('takes a user who was taken out of tmgen.yaml by hand', async () => {
    place.disk.put(
      `${ws}/tmgen.yaml`,
      place.disk.text(`${ws}/tmgen.yaml`)!.replace(/^ {2}- name: alice\n( {4}.*\n)+/m, ''),
    )
    const { notes } = await runIn(place, generate)
    expect(notes.join()).toContain('until: tmgen remove user alice')
    await runIn(place, removing)
    expectGone(place)
  })

  it.each([
    [
      'a tag of others beside ours',
      { tags: ['tag:tm-alice', 'tag:x'] },
      /\(id 11, tag:tm-alice, tag:x\) is left alone: it does not carry/,
    ],
    ['no tag of ours', { tags: ['tag:x'] }, /\(id 11, tag:x\) is left alone/],
    ['another id', { id: '99' }, /\(id 99, tag:tm-alice\) is left alone: it is not the one on record/],
  ])('leaves a node with %s alone and says so', async (_what, other, message) => {
    Object.assign(place.plane.nodes[0]!, other)
    const { notes } = await runIn(place, removing)
    expect(place.plane.calls.filter((call) => call.startsWith('delete'))).toEqual([])
    expect(notes.join('\n')).toMatch(message)
  })

  it.each<[string, (place: Place) => MemoryWorldOptions, string, RegExp]>([
    [
      'a mount point',
      () => ({ host: { mounts: [{ device: '8:1', root: '/', path: '/srv/tm/alice' }] } }),
      'mark',
      /mount point/,
    ],
    [
      'a filesystem in it',
      () => ({ host: { mounts: [{ device: '8:1', root: '/', path: '/srv/tm/alice/macbook' }] } }),
      'mark',
      /mounted in it/,
    ],
    [
      'a folder that the kernel does not move',
      ({ disk }) => {
        disk.unmovable.add('/srv/tm/alice')
        return {}
      },
      'archive',
      /cannot be moved/,
    ],
  ])('marks data in place where it is %s', async (_what, prepare, kind, why) => {
    const { steps, notes } = await runIn(place, removing, prepare(place))
    expect(steps.map((step) => step.kind)).toContain(`${kind}-storage`)
    expect([...steps.map((step) => step.title), ...notes].join('\n')).toMatch(why)
    expect(place.disk.text(`/srv/tm/alice/${band}`)).toBe('data of alice')
    expect(JSON.parse(place.disk.text('/srv/tm/alice/.tmgen-removed.json')!)).toMatchObject({
      user: 'u1',
      name: 'alice',
    })
    expectGone(place)
    expect((await failure(runIn(place, addUser('alice'), {}))).join()).toContain('belongs to another user')
  })

  it.each<[string, (place: Place) => MemoryWorldOptions, RegExp]>([
    ['a process', () => ({ host: { usersOf: [{ pid: 7, command: 'smbd' }] } }), /in use by process 7 \(smbd\)/],
    ['another container', server('other', '/srv/tm/alice/macbook'), /in use by the container other/],
    ['a container with the folder around it', server('nas', '/srv/tm'), /in use by the container nas/],
    [
      'a disk that is not mounted',
      ({ disk }) => {
        disk.remove('/srv/tm/alice')
        return {}
      },
      /is gone/,
    ],
    [
      'a Docker that does not answer',
      ({ docker }) => {
        docker.isUp = false
        return {}
      },
      /Docker does not answer/,
    ],
  ])('%s is found before anything changes', async (_what, prepare, message) => {
    const options = prepare(place)
    const before = place.disk.snapshot('')
    expect((await failure(runIn(place, removing, options))).join()).toMatch(message)
    expect(place.disk.snapshot('')).toEqual(before)
    expect([place.plane.nodes.length, place.docker.calls]).toEqual([2, []])
  })

  it('refused by the control plane, has ended access, and the same command goes on', async () => {
    place.plane.hook = (call, moment) => {
      if (call.startsWith('delete') && moment === 'before') throw new TmgenError('control-auth', 'no')
    }
    const notes: string[] = []
    expect(await failure(runIn(place, { ...removing, onNote: (note) => notes.push(note) }))).toEqual([
      'control-auth: no',
    ])
    expect(notes.join()).toContain('access of alice has ended')
    expect(place.disk.text(`${ws}/generated/caddy/config.json`)).not.toContain('alice')
    place.plane.hook = () => undefined
    await runIn(place, addUser('carol'))
    await runIn(place, removing)
    expect(place.plane.nodes.map((node) => node.id)).toEqual(['12'])
    expect(archived(place)).toHaveLength(1)
  })
})

describe.each([
  ['headscale', 1],
  ['tailscale', 3],
  ['embedded', 3],
] as const)('with the provider %s, remove user', (provider, stride) => {
  it('killed at any point, is undone or goes on with the same command; no data is lost or doubled', async () => {
    const base = await start(provider)
    const [his, before] = [hisOf(base), base.disk.snapshot(ws, /state\/(tmgen|journal)/)]
    let kills = 0
    for (let n = 1; n < 500; n += stride) {
      const place = copy(base)
      const fault = faultAt(place, n, () => new Kill(`at ${n}`))
      await runIn(place, removing, { hook: fault.hook }).catch((error) => expect(error).toBeInstanceOf(Kill))
      if (!fault.happened()) break
      kills++
      place.plane.hook = () => undefined
      const { notes } = await runIn(place, generate, { seed: 9 })
      const here = place.disk.text(`/srv/tm/alice/${band}`) !== undefined
      expect([here, archived(place).length]).toEqual([here, here ? 0 : 1])
      const isKept = isIn(place)
      const isLocked = place.disk.text(`${ws}/tmgen.lock.json`)!.includes('alice')
      if (isKept) expect(place.disk.snapshot(ws, /state\/(tmgen|journal)/)).toEqual(before)
      else expect(place.disk.text(`${ws}/generated/caddy/config.json`)).not.toContain('alice')
      if (!isKept && isLocked) expect(notes.join()).toContain('tmgen remove user alice')
      if (isLocked) await runIn(place, removing)
      expectGone(place)
      expect(archived(place).map((path) => place.disk.text(path))).toEqual(['data of alice'])
      expect(hisOf(place)).toEqual(his)
      expect((await runIn(place, { name: 'provision' })).steps).toEqual([])
    }
    expect(kills * stride).toBeGreaterThan(30)
  })
})

describe('remove user with the embedded Headscale', () => {
  it.each([
    'before',
    'after',
  ])('killed %s the policy is written, has cut the route: no policy shuts out whom tmgen.yaml has', async (moment) => {
    const place = await start('embedded')
    const fault = faultAt(place, 1, () => new Kill('kill -9'), new RegExp(`^writePolicy ${moment}$`))
    const error = await runIn(place, removing, { hook: fault.hook }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Kill)
    expect(isIn(place)).toBe(false)
    expect(place.disk.text(`${ws}/generated/caddy/config.json`)).not.toContain('alice')
    // Nothing of hers is touched before she can reach it no more.
    expect([archived(place), place.plane.nodes.length]).toEqual([[], 2])
    place.plane.hook = () => undefined
    await runIn(place, removing, { seed: 9 })
    expectGone(place)
    expect(place.plane.policy?.text).not.toContain('alice')
    expect((await runIn(place, { name: 'provision' })).steps).toEqual([])
  })

  it('that cannot write the policy has cut the route, and says to run it again', async () => {
    const place = await start('embedded')
    place.plane.hook = (call) => {
      if (call === 'writePolicy') throw new TmgenError('control-refused', 'no')
    }
    const notes: string[] = []
    expect(await failure(runIn(place, { ...removing, onNote: (note) => notes.push(note) }))).toEqual([
      'control-refused: no',
    ])
    expect(notes.join()).toContain('the access of alice has ended; the rest is not done')
    expect([isIn(place), archived(place)]).toEqual([false, []])
  })
})

const switched = (to: boolean): Partial<Command> => ({
  name: `${to ? 'enable' : 'disable'} user alice`,
  edit: (parsed) => enableUserText(parsed, 'alice', to),
  permits: to ? 'all' : 'access',
  remote: 'read',
  users: ['alice'],
})

describe('disable user', () => {
  it('killed at any point, ends with the route cut or as it was, and the same command stops the container', async () => {
    const base = await start()
    const off = switched(false)
    for (let n = 1; n < 500; n++) {
      const place = copy(base)
      const fault = faultAt(place, n, () => new Kill(`at ${n}`))
      await runIn(place, off, { hook: fault.hook }).catch((error) => expect(error).toBeInstanceOf(Kill))
      if (!fault.happened()) break
      place.plane.hook = () => undefined
      await runIn(place, generate, { seed: 9 })
      const isOff = usersOf(place).some((user) => !user.enabled)
      expect(place.disk.text(`${ws}/generated/caddy/config.json`)!.includes('tm-alice')).toBe(!isOff)
      await runIn(place, off)
      expect(place.docker.containers.map((one) => one.service)).toEqual(['samba-bob'])
      expect(place.plane.nodes).toHaveLength(2)
      expect(place.disk.text(`/srv/tm/alice/${band}`)).toBe('data of alice')
    }
  })
})

describe.each([
  ['disable', false],
  ['enable', true],
] as const)('%s user with the embedded Headscale', (_verb, to) => {
  const isOnIn = (place: Place) => usersOf(place).find((user) => user.name === 'alice')?.enabled
  const isLetIn = ({ plane }: Place, login: string) =>
    (JSON.parse(plane.policy!.text).grants as { src: string[] }[]).some(({ src }) => src.includes(login))

  /** Policy, route and tmgen.yaml say the same, and a plan has nothing to do. */
  async function expectAgreement(place: Place, isOn: boolean | undefined): Promise<void> {
    expect([isOnIn(place), isLetIn(place, 'alice@example.com')]).toEqual([isOn, isOn])
    expect(isLetIn(place, 'bob@example.com')).toBe(true)
    expect(place.disk.text(`${ws}/generated/caddy/config.json`)!.includes('tm-alice')).toBe(isOn)
    if (!isOn) expect(place.docker.containers.map((one) => one.service)).toEqual(['samba-bob'])
    expect(place.plane.nodes).toHaveLength(2)
    const planned = await runIn(place, { checkOnly: true, remote: 'read' })
    expect([planned.steps, changesOf(planned, new Date())]).toEqual([[], []])
  }

  it('killed at any point, ends right by the next apply, or by the same command', async () => {
    const base = await start('embedded')
    if (to) await runIn(base, switched(false))
    let disagreed = 0
    for (let n = 1; n < 500; n++) {
      const place = copy(base)
      const fault = faultAt(place, n, () => new Kill(`at ${n}`))
      await runIn(place, switched(to), { hook: fault.hook }).catch((error) => expect(error).toBeInstanceOf(Kill))
      if (!fault.happened()) break
      place.plane.hook = () => undefined
      const again = copy(place)
      if (isLetIn(place, 'alice@example.com') !== isOnIn(place)) disagreed++
      // Whom tmgen.yaml shuts out by disable, the policy shut out before.
      if (!to && !isOnIn(place)) expect(isLetIn(place, 'alice@example.com')).toBe(false)
      await runIn(place, { name: 'apply' }, { seed: 9 })
      await expectAgreement(place, isOnIn(place))
      await runIn(again, switched(to), { seed: 9 })
      await expectAgreement(again, to)
    }
    expect(disagreed).toBeGreaterThan(0)
  })
})
