import { describe, expect, it } from 'vitest'
import type { Command } from '../../../src/converge/command.ts'
import { Kill } from '../../support/world.ts'
import { faultAt, generate, ws } from './helper.ts'
import { band, copy, json, type Place, runIn, start, usersOf } from './people.ts'

const now = new Date('2026-01-02T03:04:05Z')
const apply: Partial<Command> = { name: 'apply' }

/** Somebody wrote into tmgen.yaml: alice is gone, carol is new, bob has more room. */
async function edited(provider: Parameters<typeof start>[0]): Promise<Place> {
  const place = await start(provider)
  const text = place.disk.text(`${ws}/tmgen.yaml`)!
  const carol = '  - name: carol\n    logins: [carol@example.com]\n    macs: [{ name: mini }]\n'
  const without = text.replace(/^ {2}- name: alice\n( {4}.*\n)+/m, carol)
  place.disk.put(`${ws}/tmgen.yaml`, without.replace(/^( *)- name: macbook$/m, '$1- name: macbook\n$1  quota: 5T'))
  expect(usersOf(place)).toMatchObject([{ name: 'carol' }, { name: 'bob', macs: [{ quota: '5T' }] }])
  return place
}

/** What must hold whenever no command is running and none was interrupted. */
function expectRight({ disk, plane }: Place): void {
  const lock = json({ disk, plane }, 'tmgen.lock.json')
  const { users } = json({ disk, plane }, 'state/control.json')
  expect(json({ disk, plane }, 'state/allocation.json').serial).toBe(lock.serial)
  expect([...disk.nodes.keys()].filter((path) => /tmgen-tmp|journal/.test(path))).toEqual([])
  const known = Object.values(users).map((record) => (record as { keyId?: string }).keyId)
  for (const name of ['alice', 'bob', 'carol'])
    for (const key of plane.usable(`tag:tm-${name}`, now)) expect(known, `a key of ${name}`).toContain(key.id)
  // Whoever was taken out by hand keeps all but access.
  expect(lock.users.u1).toMatchObject({ name: 'alice', uid: 20001 })
  for (const name of ['alice', 'bob']) expect(disk.text(`/srv/tm/${name}/${band}`)).toBe(`data of ${name}`)
  expect(plane.nodes.map((node) => node.id)).toEqual(['11', '12'])
}

describe.each([
  ['headscale', 1],
  ['tailscale', 3],
  ['embedded', 2],
] as const)('with the provider %s, apply', (provider, stride) => {
  it('killed at any point, ends right with the next run, after which nothing is to be done', async () => {
    const base = await edited(provider)
    let kills = 0
    for (let n = 1; n < 500; n += stride) {
      const place = copy(base)
      const fault = faultAt(place, n, () => new Kill(`at ${n}`))
      await runIn(place, apply, { hook: fault.hook }).catch((error) => expect(error).toBeInstanceOf(Kill))
      if (!fault.happened()) break
      kills++
      place.plane.hook = () => undefined
      if (n % 2 === 0) await runIn(place, generate, { seed: 9 })
      await runIn(place, apply, { seed: 8 })
      expectRight(place)
      expect((await runIn(place, apply)).steps).toEqual([])
      expect(place.docker.containers.map((one) => one.service)).toEqual(['samba-bob'])
      expect(place.disk.text(`${ws}/generated/users/bob/smb.conf`)).toContain('5T')
      expect(place.plane.usable('tag:tm-carol', now)).toHaveLength(1)
    }
    expect(kills * stride).toBeGreaterThan(30)
  })
})
