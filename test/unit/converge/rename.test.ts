import { beforeEach, describe, expect, it } from 'vitest'
import { removeUserText } from '../../../src/config/index.ts'
import type { Command } from '../../../src/converge/command.ts'
import { TmgenError } from '../../../src/errors.ts'
import { Kill, type MemoryWorldOptions } from '../../support/world.ts'
import { addUser, failure, faultAt, generate, person, type Scene, ws } from './helper.ts'
import { band, copy, hisOf, json, type Place, removing, runIn, start, usersOf } from './people.ts'

const renaming: Partial<Command> = {
  name: 'rename user alice alicia',
  rename: { from: 'alice', to: 'alicia' },
  users: ['alicia'],
}
const policy = (...tags: string[]) => ({
  text: JSON.stringify({ tagOwners: Object.fromEntries(tags.map((tag) => [tag, ['tag:tmgen']])), grants: [] }),
  etag: undefined,
})
const caddy = ({ disk }: Scene) => disk.text(`${ws}/generated/caddy/config.json`)!
const names = (place: Scene) => usersOf(place).map((user) => user.name)
const password = ({ disk }: Scene, name: string) => disk.text(`${ws}/secrets/smb/${name}/password`)

async function begin(provider?: Parameters<typeof start>[0]): Promise<Place> {
  const place = await start(provider)
  // The embedded server's policy is written by tmgen.
  if (provider !== 'embedded') place.plane.policy = policy('tag:tm-alice', 'tag:tm-bob', 'tag:tm-alicia')
  return place
}

/** What of alice has to be the same afterwards, under whichever name. */
const kept = (place: Place, name: string) => {
  const { nodes, users } = json(place, 'tmgen.lock.json')
  return {
    uid: users.u1.uid,
    ip: users.u1.destinations.timemachine.ip,
    udpPort: nodes.n1.udpPort,
    password: password(place, name),
    data: place.disk.text(`/srv/tm/${name}/${band}`),
    node: place.disk.snapshot(`${ws}/state/gateway/${name}`)[`${ws}/state/gateway/${name}/tailscaled.state`],
    pins: place.disk.text(`${ws}/state/gateway/${name}/pins/pins-0.json`),
  }
}

function expectRenamed(place: Place, before: ReturnType<typeof kept>): void {
  const { disk, plane, docker } = place
  expect(kept(place, 'alicia')).toEqual(before)
  expect(names(place)).toEqual(['alicia', 'bob'])
  expect(json(place, 'tmgen.lock.json').users.u1).toEqual({
    name: 'alicia',
    uid: 20001,
    destinations: { timemachine: { ip: before.ip } },
  })
  expect(plane.nodes.map(({ id, hostname, tags }) => [id, hostname, ...tags])).toEqual([
    ['11', 'tm-alicia', 'tag:tm-alicia'],
    ['12', 'tm-bob', 'tag:tm-bob'],
  ])
  const now = new Date('2026-01-02T03:04:05Z')
  expect([plane.usable('tag:tm-alice', now), plane.usable('tag:tm-alicia', now)]).toEqual([[], []])
  expect(docker.containers.map((one) => one.service)).toEqual(['samba-bob'])
  const marker = JSON.parse(disk.text('/srv/tm/alicia/.tmgen.json')!)
  expect(marker).toMatchObject({ user: 'u1', name: 'alicia', uid: 20001 })
  expect(JSON.parse(caddy(place)).apps.tailscale.nodes.alicia).toMatchObject({ hostname: 'tm-alicia' })
  expect(disk.text(`${ws}/generated/users/alicia/smb.conf`)).toContain('valid users = alicia')
  const old = [...disk.nodes.keys()].filter((path) => /\/alice(\/|\.|$)/.test(path))
  expect(old).toEqual([])
  for (const file of ['tmgen.lock.json', 'state/manifest.json', 'generated/docker-compose.yml'])
    expect(disk.text(`${ws}/${file}`), file).not.toMatch(/alice\b/)
  expect(json(place, 'state/manifest.json').storage.u1).toBe('/srv/tm/alicia')
  expect(json(place, 'state/allocation.json').serial).toBe(json(place, 'tmgen.lock.json').serial)
  expect([...disk.nodes.keys()].filter((path) => /tmgen-tmp|journal/.test(path))).toEqual([])
}

describe('rename user', () => {
  let place: Place
  beforeEach(async () => {
    place = await begin()
  })

  it('cuts the route and stops the container first, then has all follow; data, numbers, password and node stay', async () => {
    const [his, before] = [hisOf(place), kept(place, 'alice')]
    const { steps } = await runIn(place, renaming)
    expectRenamed(place, before)
    expect(hisOf(place)).toEqual(his)
    const kinds = steps.map((step) => step.kind).filter((kind) => !/-file$/.test(kind) || kind === 'move-file')
    expect(kinds).toEqual([
      'stop-container',
      'expire-key',
      'tag-node',
      'rename-node',
      'move-file',
      'move-file',
      'move-file',
      'move-storage',
      'storage',
    ])
    const cut = steps.findIndex((step) => 'path' in step && step.path.endsWith('caddy/config.json'))
    expect(cut).toBeLessThan(steps.findIndex((step) => step.kind === 'stop-container'))
    expect((await runIn(place, { name: 'provision' })).steps).toEqual([])
  })

  it('has the addresses that only this person is told at follow', async () => {
    place.disk.put(`${ws}/secrets/monitor/users/alice/webhook`, 'https://example.com/x\n', 0o600)
    const before = kept(place, 'alice')
    await runIn(place, renaming)
    expectRenamed(place, before)
    expect(place.disk.text(`${ws}/secrets/monitor/users/alicia/webhook`)).toBe('https://example.com/x\n')
  })

  it.each<[string, (place: Place) => MemoryWorldOptions, RegExp]>([
    [
      'a mount point',
      () => ({ host: { mounts: [{ device: '8:1', root: '/', path: '/srv/tm/alice' }] } }),
      /stays in \/srv\/tm\/alice: it is a mount point/,
    ],
    [
      'beside something that has the new name',
      ({ disk }) => {
        disk.mkdirs('/srv/tm/alicia')
        return {}
      },
      /\/srv\/tm\/alicia is there already/,
    ],
  ])('leaves a folder where it is that is %s, and writes that down', async (_what, prepare, why) => {
    const { notes } = await runIn(place, renaming, prepare(place))
    expect(notes.join()).toMatch(why)
    expect(usersOf(place)[0]).toMatchObject({ name: 'alicia', storage: '/srv/tm/alice' })
    expect(place.disk.text(`/srv/tm/alice/${band}`)).toBe('data of alice')
    expect(JSON.parse(place.disk.text('/srv/tm/alice/.tmgen.json')!)).toMatchObject({ name: 'alicia' })
    expect(place.disk.text(`${ws}/tmgen.yaml`)).toContain('storage: /srv/tm/alice\n')
  })

  it.each<[string, (place: Place) => MemoryWorldOptions, RegExp]>([
    [
      'a tag that the policy does not define',
      ({ plane }) => {
        plane.policy = policy('tag:tm-alice')
        return {}
      },
      /control-refused: the tailnet policy does not define tag:tm-alicia yet/,
    ],
    [
      'a server that takes a new tag up too late',
      ({ plane }) => {
        plane.features = { grants: false, tests: false, retags: false }
        return {}
      },
      /control-refused: this Headscale gives a renamed user no access/,
    ],
    [
      'a node without its tag',
      ({ plane }) => {
        plane.nodes[0]!.tags = ['tag:x']
        return {}
      },
      /control-foreign: .*does not carry tag:tm-alice: left alone/,
    ],
    [
      'another node with the new name',
      ({ plane }) => {
        plane.nodes.push({ ...plane.nodes[1]!, id: '13', hostname: 'tm-alicia', tags: [] })
        return {}
      },
      /control-foreign: a node tm-alicia exists/,
    ],
    ['data in use', () => ({ host: { usersOf: [{ pid: 7, command: 'rsync' }] } }), /in use by process 7/],
    [
      'a folder in the way',
      ({ disk }) => {
        disk.put(`${ws}/secrets/smb/alicia/password`, 'somebody\n')
        return {}
      },
      /disk: secrets\/smb\/alicia in the workspace is in the way/,
    ],
    [
      'a Docker that does not answer',
      ({ docker }) => {
        docker.isUp = false
        return {}
      },
      /Docker does not answer/,
    ],
    [
      'a control plane that does not answer',
      ({ plane }) => {
        plane.hook = () => {
          throw new TmgenError('control-unreachable', 'no answer')
        }
        return {}
      },
      /control-unreachable/,
    ],
    [
      'a name that a removed user has',
      ({ disk }) => {
        const lock = disk.text(`${ws}/tmgen.lock.json`)!
        disk.put(`${ws}/tmgen.lock.json`, lock.replace('"name": "bob"', '"name": "alicia"').replace('tm-bob', 'tm-x'))
        return {}
      },
      /usage: the name alicia is not free/,
    ],
  ])('%s is found before anything changes', async (_what, prepare, message) => {
    const options = prepare(place)
    const before = place.disk.snapshot('')
    expect((await failure(runIn(place, renaming, options))).join()).toMatch(message)
    expect(place.disk.snapshot('')).toEqual(before)
    expect([place.plane.calls.filter((call) => /^(tag|rename|expire)/.test(call)), place.docker.calls]).toEqual([
      [],
      [],
    ])
  })

  it.each([
    ['bob', /there is a user bob already/],
    ['Alicia', /config-invalid/],
    ['alice', /there is a user alice already/],
  ])('to %s is refused', async (to, message) => {
    const before = place.disk.snapshot('')
    expect((await failure(runIn(place, { ...renaming, rename: { from: 'alice', to } }))).join()).toMatch(message)
    expect(place.disk.snapshot('')).toEqual(before)
  })

  it('stopped half way, keeps both names, serves nobody, and refuses what would lose something', async () => {
    place.plane.hook = (call, moment) => {
      if (call.startsWith('tag') && moment === 'before') throw new TmgenError('control-auth', 'no')
    }
    const told: string[] = []
    expect(await failure(runIn(place, { ...renaming, onNote: (note) => told.push(note) }))).toEqual([
      'control-auth: no',
    ])
    expect(told.join()).toContain('alicia has no access; the rest is not done')
    place.plane.hook = () => undefined
    const { notes } = await runIn(place, generate)
    expect(notes.join()).toContain('alicia has no access until the rename is done: tmgen rename user alice alicia')
    expect(caddy(place)).not.toMatch(/alic/)
    const gone: Partial<Command> = {
      ...removing,
      edit: (parsed) => removeUserText(parsed, 'alicia'),
      remove: 'alicia',
    }
    for (const other of [
      gone,
      { newPasswords: ['alicia'], permits: 'local', remote: 'no' } as const,
      { rekey: 'alicia', users: ['alicia'] },
      { ...renaming, rename: { from: 'alicia', to: 'al' } },
    ])
      expect((await failure(runIn(place, other))).join()).toMatch(/usage: alicia is still being renamed/)
    expect((await failure(runIn(place, addUser('alice')))).join()).toMatch(/\(alice\) is not free yet/)
    await runIn(place, renaming)
    await runIn(place, addUser('alice', person('alice')))
    expect(json(place, 'tmgen.lock.json').users.u3).toMatchObject({ name: 'alice', uid: 20003 })
  })

  it('of a node that was never enrolled makes a key with the new tag, and ends the one with the old', async () => {
    place.plane.nodes.shift()
    place.disk.remove(`${ws}/state/gateway/alice`)
    await runIn(place, renaming)
    const now = new Date('2026-01-02T03:04:05Z')
    expect(place.plane.usable('tag:tm-alice', now)).toEqual([])
    expect(place.plane.usable('tag:tm-alicia', now)).toHaveLength(1)
  })

  it('changes nothing else in tmgen.yaml', async () => {
    const text = place.disk.text(`${ws}/tmgen.yaml`)!
    await runIn(place, renaming)
    expect(place.disk.text(`${ws}/tmgen.yaml`)).toBe(text.replace('\n  - name: alice\n', '\n  - name: alicia\n'))
  })
})

describe.each([
  ['headscale', 1],
  ['tailscale', 3],
  ['embedded', 2],
] as const)('with the provider %s, rename user', (provider, stride) => {
  it('killed at any point, is undone or goes on with the same command; nothing is lost or doubled', async () => {
    const base = await begin(provider)
    const [his, before] = [hisOf(base), kept(base, 'alice')]
    const files = base.disk.snapshot(ws, /state\/(tmgen|journal)/)
    const seen = new Set<string>()
    let kills = 0
    for (let n = 1; n < 500; n += stride) {
      const place = copy(base)
      const fault = faultAt(place, n, () => new Kill(`at ${n}`))
      await runIn(place, renaming, { hook: fault.hook }).catch((error) => expect(error).toBeInstanceOf(Kill))
      if (!fault.happened()) break
      kills++
      place.plane.hook = () => undefined
      const { notes } = await runIn(place, generate, { seed: 9 })
      const { name, formerly } = json(place, 'tmgen.lock.json').users.u1
      const state = name === 'alice' ? 'undone' : formerly === 'alice' ? 'half' : 'done'
      seen.add(state)
      if (state === 'undone') expect(place.disk.snapshot(ws, /state\/(tmgen|journal)/)).toEqual(files)
      const { nodes, policy: rules } = place.plane
      if (state === 'undone') expect([nodes, rules]).toEqual([base.plane.nodes, base.plane.policy])
      if (state === 'half') expect(caddy(place)).not.toMatch(/alic/)
      if (state === 'half') expect(notes.join()).toContain('tmgen rename user alice alicia')
      if (state !== 'done') await runIn(place, renaming)
      expectRenamed(place, before)
      expect(hisOf(place)).toEqual(his)
      expect((await runIn(place, { name: 'provision' })).steps).toEqual([])
    }
    expect(kills * stride).toBeGreaterThan(40)
    expect([...seen]).toEqual(['undone', 'half', 'done'])
  })
})

it('rename user killed, and the run that goes on with it killed too, still ends right', async () => {
  const base = await begin()
  const before = kept(base, 'alice')
  let twice = 0
  for (let n = 5; n < 500; n += 13) {
    const killed = copy(base)
    const fault = faultAt(killed, n, () => new Kill(`at ${n}`))
    await runIn(killed, renaming, { hook: fault.hook }).catch((error) => expect(error).toBeInstanceOf(Kill))
    if (!fault.happened()) break
    for (let m = 2; m < 500; m += 11) {
      const place = copy(killed)
      const again = faultAt(place, m, () => new Kill(`at ${n}, ${m}`))
      const isDone = () =>
        json(place, 'tmgen.lock.json').users.u1.name === 'alicia' && !json(place, 'tmgen.lock.json').users.u1.formerly
      // What is finished is refused when it is asked for once more.
      await runIn(place, renaming, { hook: again.hook, seed: 5 }).catch((error) =>
        expect(error instanceof Kill || isDone()).toBe(true),
      )
      place.plane.hook = () => undefined
      await runIn(place, generate, { seed: 6 })
      if (!isDone()) await runIn(place, renaming, { seed: 7 })
      expectRenamed(place, before)
      if (!again.happened()) break
      twice++
    }
  }
  expect(twice).toBeGreaterThan(10)
})
