import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../../src/config/index.ts'
import { TmgenError } from '../../../src/errors.ts'
import { type Hook, Kill } from '../../support/world.ts'
import { addUser, copyOf, failure, faultAt, generate, run, type Scene, scene, ws } from './helper.ts'

const now = new Date('2026-01-02T03:04:05Z')

/** What must hold whenever no command is running and none was interrupted. */
function expectRight({ disk, plane }: Scene, users: string[]): void {
  const lock = JSON.parse(disk.text(`${ws}/tmgen.lock.json`)!) as {
    serial: number
    users: Record<string, { name: string }>
  }
  const control = JSON.parse(disk.text(`${ws}/state/control.json`) ?? '{"users":{}}') as {
    users: Record<string, { keyId?: string }>
  }
  const mirror = JSON.parse(disk.text(`${ws}/state/allocation.json`)!) as { serial: number }
  expect(mirror.serial).toBe(lock.serial)
  expect(disk.text(`${ws}/state/journal.json`)).toBeUndefined()
  expect([...disk.nodes.keys()].filter((path) => path.includes('tmgen-tmp'))).toEqual([])
  for (const name of ['alice', 'bob']) {
    const [id] = Object.entries(lock.users).find(([, user]) => user.name === name) ?? []
    const usable = plane.usable(`tag:tm-${name}`, now)
    const isIn = users.includes(name)
    expect(has({ disk, plane }, name), `${name} in tmgen.yaml`).toBe(isIn)
    expect(
      usable.map((key) => key.id),
      `usable keys of ${name}`,
    ).toEqual(isIn ? [control.users[id!]?.keyId] : [])
    const key = disk.text(`${ws}/secrets/gateway/${name}.authkey`)
    expect(key, `key file of ${name}`).toBe(isIn ? `fake-key-number-${usable[0]!.id.padStart(6, '0')}\n` : undefined)
    expect(disk.text(`${ws}/secrets/smb/${name}/password`) !== undefined, `password of ${name}`).toBe(isIn)
    expect(disk.text(`${ws}/generated/users/${name}/smb.conf`) !== undefined).toBe(isIn)
  }
}

const has = ({ disk }: Scene, name: string) => {
  const { config } = parseConfig(disk.nodes.get(`${ws}/tmgen.yaml`)!.content, 'tmgen.yaml')
  return config.users.some((user) => user.name === name)
}
const recoverBy = (place: Scene) => run(place, { ...generate, name: 'generate after a fault' }, { seed: 9 })
const others = /docker-compose|caddy|monitor|prepare.sh|tmgen.yaml|lock.json|state\/|bob|tmgen-tmp/

describe.each([
  ['headscale', 'alice', [], 1],
  ['headscale', 'bob', ['alice'], 1],
  ['tailscale', 'alice', [], 3],
  ['embedded', 'bob', ['alice'], 3],
] as [
  Parameters<typeof scene>[0],
  string,
  string[],
  number,
][])('with the provider %s, add user %s', (provider, name, before, stride) => {
  const start = async () => {
    const place = await scene(provider)
    for (const other of before) await run(place, addUser(other))
    return place
  }

  it('killed at any point, ends right with the next command: undone or finished, no key doubled or forgotten', async () => {
    const base = await start()
    const old = base.disk.text(`${ws}/tmgen.yaml`)
    const untouched = base.disk.snapshot(ws, others)
    let kills = 0
    for (let n = 1; n < 500; n += stride) {
      const place = copyOf(base)
      const fault = faultAt(place, n, () => new Kill(`at ${n}`))
      await run(place, addUser(name), { hook: fault.hook }).catch((error) => expect(error).toBeInstanceOf(Kill))
      if (!fault.happened()) break
      kills++
      place.plane.hook = () => undefined
      if (!has(place, name)) expect(place.disk.text(`${ws}/tmgen.yaml`)).toBe(old)
      await recoverBy(place)
      expectRight(place, has(place, name) ? [...before, name] : before)
      if (!has(place, name)) await run(place, addUser(name))
      expectRight(place, [...before, name])
      if (n % 4 === 0) expect((await run(place, { name: 'provision' })).steps).toEqual([])
      if (before.length > 0) expect(place.disk.snapshot(ws, others)).toEqual(untouched)
    }
    expect(kills * stride).toBeGreaterThan(30)
  })

  it('with the disk full at any write, leaves all whole, and the next command ends it', async () => {
    const base = await start()
    for (let n = 1; n < 500; n++) {
      const place = copyOf(base)
      const fault = faultAt(
        place,
        n,
        () => new TmgenError('disk', 'no space left on the disk'),
        /^(write|mkdir) before$/,
      )
      await run(place, addUser(name), { hook: fault.hook }).catch((error) =>
        expect(error).toMatchObject({ code: 'disk' }),
      )
      if (!fault.happened()) break
      expect([...place.disk.nodes.keys()].filter((path) => path.includes('tmgen-tmp'))).toEqual([])
      place.plane.hook = () => undefined
      await recoverBy(place)
      expectRight(place, has(place, name) ? [...before, name] : before)
    }
  })

  it('refused by the control plane at any call, leaves every file as it was and no key behind', async () => {
    const base = await start()
    const files = base.disk.snapshot('')
    const only = /^(createUser|writePolicy|mint)/
    let refusals = 0
    for (let n = 1; n < 20; n++) {
      const place = copyOf(base)
      const fault = faultAt(place, n, () => new TmgenError('control-refused', 'no'), only)
      const errors = await failure(run(place, addUser(name), { hook: fault.hook })).catch(() => undefined)
      if (!fault.happened()) break
      refusals++
      expect(errors).toEqual(['control-refused: no'])
      expect(place.disk.snapshot('')).toEqual(files)
      expect(place.plane.usable(`tag:tm-${name}`, now)).toEqual([])
    }
    expect(refusals).toBeGreaterThanOrEqual(4)
  })
})

describe('an interrupted recovery', () => {
  it('killed at any point too, still ends right', async () => {
    const base = await scene()
    await run(base, addUser('alice'))
    for (let n = 1; n < 500; n += 4) {
      const killed = copyOf(base)
      const fault = faultAt(killed, n, () => new Kill(`at ${n}`))
      await run(killed, addUser('bob'), { hook: fault.hook }).catch(() => undefined)
      if (!fault.happened()) break
      for (let m = 1; m < 500; m += 5) {
        const place = copyOf(killed)
        const again = faultAt(place, m, () => new Kill(`at ${n}, ${m}`))
        await run(place, generate, { hook: again.hook, seed: 5 }).catch((error) => expect(error).toBeInstanceOf(Kill))
        if (!again.happened()) break
        place.plane.hook = () => undefined
        await recoverBy(place)
        expectRight(place, has(place, 'bob') ? ['alice', 'bob'] : ['alice'])
      }
    }
  })
})

describe('an interrupted `set user --rebind`', () => {
  const rebind = { name: 'set user alice --rebind', rebind: ['alice'], permits: 'local', remote: 'no' } as const
  const epochs = ({ disk }: Scene) => {
    const json = (path: string) => JSON.parse(disk.text(`${ws}/${path}`)!)
    const node = json('generated/caddy/config.json').apps.tailscale.nodes.alice
    return [json('tmgen.lock.json').nodes.n1.pinEpoch, node.pin_epoch] as [number?, number?]
  }

  it('killed at any point, leaves lock and gateway at one epoch after the next command: none, or one more', async () => {
    const base = await scene()
    await run(base, addUser('alice'))
    const seen = new Set<number>()
    for (let n = 1; n < 500; n++) {
      const place = copyOf(base)
      const fault = faultAt(place, n, () => new Kill(`at ${n}`))
      await run(place, rebind, { hook: fault.hook }).catch((error) => expect(error).toBeInstanceOf(Kill))
      if (!fault.happened()) break
      const same = copyOf(place)
      await recoverBy(place)
      const [locked, served] = epochs(place)
      expect(served).toBe(locked)
      seen.add(locked ?? 0)
      // The same command again finishes the first one without doing it twice, then does its own work.
      await run(same, rebind)
      expect(epochs(same)).toEqual([(locked ?? 0) + 1, (locked ?? 0) + 1])
    }
    expect([...seen]).toEqual([0, 1])
  })
})

describe('an interrupted run', () => {
  const killedAfterMint = async () => {
    const place = await scene()
    place.plane.hook = (call, moment) => {
      if (call.startsWith('mint') && moment === 'after') throw new Kill('after the key was made')
    }
    await run(place, addUser('alice')).catch(() => undefined)
    return place
  }

  it('stays in the journal while the control plane cannot be reached', async () => {
    const place = await killedAfterMint()
    const journal = place.disk.text(`${ws}/state/journal.json`)
    expect(journal).not.toContain('fake-key')
    place.plane.hook = () => {
      throw new TmgenError('control-unreachable', 'no answer')
    }
    expect(await failure(run(place, generate))).toEqual(['control-unreachable: no answer'])
    expect(place.disk.text(`${ws}/state/journal.json`)).toBe(journal)
  })

  it('is ended by its own host: on another one nothing is, until the workspace is adopted there', async () => {
    const [here, there] = ['a', 'b'].map((one) => ({ host: { machineId: one.repeat(32) } }))
    const place = await scene('headscale', here)
    await run(place, addUser('alice'), here)
    place.plane.hook = (call, moment) => {
      if (call.startsWith('mint') && moment === 'after') throw new Kill('after the key was made')
    }
    await run(place, addUser('bob'), here).catch(() => undefined)
    place.plane.hook = () => undefined
    const [files, keys] = [place.disk.snapshot(ws, /tmgen.lock$/), [...place.plane.keys]]
    expect(await failure(run(place, generate, there))).toEqual([
      'host: this workspace was last changed on another host',
    ])
    expect([place.disk.snapshot(ws, /tmgen.lock$/), [...place.plane.keys]]).toEqual([files, keys])
    expect((await run(place, { ...generate, adopt: true }, there)).notes[0]).toMatch(
      /^undid the interrupted "add user bob"/,
    )
  })

  it('is told of, with what was undone', async () => {
    const place = await killedAfterMint()
    place.plane.hook = () => undefined
    const { notes } = await run(place, generate)
    expect(notes.slice(0, 2)).toEqual([
      'undid the interrupted "add user alice" of 2026-01-02T03:04:05.000Z: nothing of it is left',
      'expired an unused auth key of alice that the interrupted run had made',
    ])
  })

  it('does not make its own files look changed by hand, even when the config changed meanwhile', async () => {
    const place = await scene()
    const hook: Hook = (what, path, moment) => {
      if (what === 'write' && path.endsWith('config.json') && moment === 'before') throw new Kill('late')
    }
    await run(place, addUser('alice'), { hook }).catch(() => undefined)
    const yaml = place.disk.text(`${ws}/tmgen.yaml`)!
    place.disk.put(`${ws}/tmgen.yaml`, yaml.replaceAll('macbook', 'imac'))
    await run(place, generate)
    expect(place.disk.text(`${ws}/generated/users/alice/smb.conf`)).toContain('[imac]')
  })

  it('is finished even by a command that is then refused', async () => {
    const place = await scene()
    const hook: Hook = (what, path, moment) => {
      if (what === 'write' && path.endsWith('tmgen.lock.json') && moment === 'before') throw new Kill('after the edit')
    }
    await run(place, addUser('alice'), { hook }).catch(() => undefined)
    const [error] = await failure(run(place, addUser('alice')))
    expect(error).toMatch(/^(config-invalid|usage): .*alice/)
    expectRight(place, ['alice'])
  })

  it('of a user added by hand leaves no key to another who takes that place in the config', async () => {
    const place = await scene()
    const before = place.disk.text(`${ws}/tmgen.yaml`)!
    const withUser = (name: string) =>
      place.disk.put(
        `${ws}/tmgen.yaml`,
        before.replace(/^users:.*$/m, `users: [{ name: ${name}, logins: [${name}@x.org], macs: [{ name: mac }] }]`),
      )
    withUser('bob')
    const hook: Hook = (what, path, moment) => {
      if (what === 'write' && path.endsWith('smb/bob/password') && moment === 'before') throw new Kill('after the key')
    }
    await run(place, { name: 'provision' }, { hook }).catch(() => undefined)
    expect(place.plane.usable('tag:tm-bob', now)).toHaveLength(1)
    withUser('carol')
    const { notes } = await run(place, generate)
    expect(place.plane.usable('tag:tm-bob', now)).toEqual([])
    expect(place.disk.text(`${ws}/state/control.json`)).toBeUndefined()
    expect(notes.join()).toContain('carol needs an auth key (it has none yet)')
  })

  it('leaves a key alone that a person made for the same tag after it was used', async () => {
    const place = await killedAfterMint()
    place.plane.hook = () => undefined
    place.plane.keys.push({ ...place.plane.keys[0]!, id: '77', used: true })
    await run(place, generate)
    expect(place.plane.calls).not.toContain('expire 77')
  })
})
