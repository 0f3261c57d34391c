import { beforeEach, describe, expect, it } from 'vitest'
import type { Command } from '../../../src/converge/command.ts'
import { TmgenError } from '../../../src/errors.ts'
import { Secret } from '../../../src/secret.ts'
import { Kill } from '../../support/world.ts'
import { failure, faultAt, generate, ws } from './helper.ts'
import { band, copy, enrolAs, hisOf, json, type Place, runIn, start } from './people.ts'

const now = new Date('2026-01-02T03:04:05Z')
const rekey: Partial<Command> = { name: 'rotate alice --key', rekey: 'alice', users: ['alice'] }
const routes = ({ disk }: Place) =>
  Object.keys(JSON.parse(disk.text(`${ws}/generated/caddy/config.json`)!).apps.tailscale.nodes)

/** As after a first start of the gateway: the keys that enrolled the nodes are used. */
async function enrolled(provider?: Parameters<typeof start>[0]): Promise<Place> {
  const place = await start(provider)
  for (const key of place.plane.keys) key.used = true
  return place
}

/** What the gateway does where it has a route and no node: it enrols with the key that lies ready. */
function enrol(place: Place): void {
  const { disk, plane } = place
  if (!routes(place).includes('alice') || disk.text(`${ws}/state/gateway/alice/tailscaled.state`) !== undefined) return
  const key = plane.usable('tag:tm-alice', now)[0]
  expect(disk.text(`${ws}/secrets/gateway/alice.authkey`)).toContain(key!.id.padStart(6, '0'))
  key!.used = true
  // A name that is taken gets a number.
  const isFree = plane.nodes.every((node) => node.hostname !== 'tm-alice')
  enrolAs(place, 'alice', '21', isFree ? 'tm-alice' : 'tm-alice-1')
}
const nodes = ({ plane }: Place) => plane.nodes.map(({ id, hostname, tags }) => [id, hostname, ...tags]).sort()
const fresh = [
  ['12', 'tm-bob', 'tag:tm-bob'],
  ['21', 'tm-alice', 'tag:tm-alice'],
]

describe('rotate --key', () => {
  let place: Place
  beforeEach(async () => {
    place = await enrolled()
  })

  it('cuts the route, leaves nothing of the old node, then comes back under the same name; the share goes on', async () => {
    const [his, compose] = [hisOf(place), place.disk.text(`${ws}/generated/docker-compose.yml`)]
    const { steps } = await runIn(place, rekey)
    const kinds = steps.map((step) => step.kind).filter((kind) => kind !== 'write-file')
    expect(kinds).toEqual(['delete-node', 'forget-node', 'mint-key'])
    const configs = steps.flatMap((step, index) => ('path' in step && step.path.endsWith('config.json') ? [index] : []))
    expect(configs[0]).toBeLessThan(steps.findIndex((step) => step.kind === 'delete-node'))
    expect(configs[1]).toBeGreaterThan(steps.findIndex((step) => step.kind === 'mint-key'))
    expect(place.disk.text(`${ws}/state/gateway/alice/tailscaled.state`)).toBeUndefined()
    expect(place.disk.text(`${ws}/state/gateway/alice/pins/pins-0.json`)).toBe('{}')
    enrol(place)
    expect(nodes(place)).toEqual(fresh)
    expect(hisOf(place)).toEqual(his)
    expect(place.disk.text(`${ws}/generated/docker-compose.yml`)).toBe(compose)
    expect(place.docker.calls).toEqual([])
    expect(place.disk.text(`${ws}/tmgen.lock.json`)).not.toContain('rekeying')
    await runIn(place, { name: 'provision' })
    expect((await runIn(place, { name: 'provision' })).steps).toEqual([])
  })

  it('of a node that waits for its first login is a new auth key in place of the old', async () => {
    place.plane.nodes.shift()
    place.disk.remove(`${ws}/state/gateway/alice`)
    place.plane.keys[0]!.used = false
    const { steps } = await runIn(place, rekey)
    expect(steps.map((step) => step.kind).filter((kind) => kind.endsWith('-key'))).toEqual(['expire-key', 'mint-key'])
    expect(place.plane.usable('tag:tm-alice', now)).toHaveLength(1)
  })

  it.each([
    ['with a tag of others', { tags: ['tag:tm-alice', 'tag:x'] }],
    ['that is not the one on record', { id: '99' }],
    ['of somebody else that has the name', { id: '99', tags: [] }],
  ])('leaves a node alone %s', async (_what, other) => {
    Object.assign(place.plane.nodes[0]!, other)
    const before = place.disk.snapshot('')
    expect((await failure(runIn(place, rekey))).join()).toMatch(/control-foreign: .*is left alone/)
    expect(place.disk.snapshot('')).toEqual(before)
    expect(place.plane.nodes).toHaveLength(2)
  })

  it('takes a key that the person hands over', async () => {
    const keys = new Map([['alice', new Secret('hskey-auth-by-hand-0123456789')]])
    await runIn(place, { ...rekey, keys })
    expect(place.disk.text(`${ws}/secrets/gateway/alice.authkey`)).toBe('hskey-auth-by-hand-0123456789\n')
    expect(place.plane.usable('tag:tm-alice', now)).toEqual([])
  })

  it('refused half way, has no route, and the same command goes on', async () => {
    place.plane.hook = (call, moment) => {
      if (call.startsWith('delete') && moment === 'before') throw new TmgenError('control-auth', 'no')
    }
    expect(await failure(runIn(place, rekey))).toEqual(['control-auth: no'])
    place.plane.hook = () => undefined
    const { notes } = await runIn(place, generate)
    expect(notes.join()).toContain('alice has no access until the node has its new key: tmgen rotate alice --key')
    expect(routes(place)).toEqual(['bob'])
    await runIn(place, rekey)
    enrol(place)
    expect(nodes(place)).toEqual(fresh)
  })
})

describe.each([
  ['headscale', 1],
  ['tailscale', 4],
  ['embedded', 5],
] as const)('with the provider %s, rotate --key', (provider, stride) => {
  it('killed at any point, is undone or goes on with the same command; one node, one key', async () => {
    const base = await enrolled(provider)
    const his = hisOf(base)
    const seen = new Set<string>()
    for (let n = 1; n < 200; n += stride) {
      const place = copy(base)
      const fault = faultAt(place, n, () => new Kill(`at ${n}`))
      await runIn(place, rekey, { hook: fault.hook }).catch((error) => expect(error).toBeInstanceOf(Kill))
      if (!fault.happened()) break
      place.plane.hook = () => undefined
      const { notes } = await runIn(place, generate, { seed: 9 })
      const known = json(place, 'state/control.json').users.u1?.keyId
      for (const key of place.plane.usable('tag:tm-alice', now)) expect(key.id).toBe(known)
      const isHalf = json(place, 'tmgen.lock.json').nodes.n1.rekeying === true
      const isNew = !place.plane.nodes.some((node) => node.id === '11')
      seen.add(isHalf ? 'half' : isNew ? 'new' : 'undone')
      expect(routes(place)).toEqual(isHalf ? ['bob'] : ['alice', 'bob'])
      if (isHalf) expect(notes.join()).toContain('tmgen rotate alice --key')
      if (isHalf || !isNew) await runIn(place, rekey)
      enrol(place)
      expect(nodes(place)).toEqual(fresh)
      expect(place.plane.usable('tag:tm-alice', now)).toEqual([])
      expect(hisOf(place)).toEqual(his)
      expect(place.disk.text(`/srv/tm/alice/${band}`)).toBe('data of alice')
      await runIn(place, { name: 'provision' })
      expect((await runIn(place, { name: 'provision' })).steps).toEqual([])
    }
    expect([...seen]).toEqual(['undone', 'half', 'new'])
  })
})
