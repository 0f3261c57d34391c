import { beforeEach, describe, expect, test } from 'vitest'
import type { Prompts } from '../../../src/ui/prompts.ts'
import { TinyDocker } from '../../support/docker.ts'
import { Kill } from '../../support/world.ts'
import { dir, Scene } from './scene.ts'

let scene: Scene
let docker: TinyDocker
const old = '/srv/old/alice'
const bundle = 'Alice.sparsebundle'
const line = `import ${old} --user alice --mac macbook --login alice`
const yes: Prompts = { text: async () => 'yes', select: async () => '', secret: async () => '' }

beforeEach(async () => {
  scene = await Scene.with('manual')
  docker = new TinyDocker()
  scene.dockerAnswer = docker.answer
  scene.options = { host: { isRoot: true } }
  scene.disk.put(`${old}/${bundle}/Info.plist`, 'plist')
  scene.disk.put(`${old}/${bundle}/bands/0`, 'band')
  scene.disk.owners.set(old, { uid: 1000, gid: 1000 })
})
const marker = () => JSON.parse(scene.disk.text(`${old}/.tmgen.json`) ?? '{}') as Record<string, unknown>
const lock = () =>
  JSON.parse(scene.text('tmgen.lock.json')) as {
    next: { uid: number }
    users: Record<string, { uid: number; imported?: true }>
  }
const refusal = async (more = line) => {
  const before = scene.disk.snapshot('')
  const { code, stderr } = await scene.tmgen(`${more} --yes`)
  expect(scene.disk.snapshot('', /tmgen.run.lock/)).toEqual(before)
  return `${code} ${stderr}`
}

describe('import', () => {
  test('shows what it will do, takes the UID of the files, renames the bundle into its share and marks the folder', async () => {
    const { code, stderr } = await scene.tmgen(line, { prompts: yes })
    expect(stderr).toContain(`~ ${old}/${bundle} is renamed to ${old}/macbook/${bundle}`)
    expect(code).toBe(0)
    expect(scene.disk.text(`${old}/macbook/${bundle}/bands/0`)).toBe('band')
    expect(marker()).toMatchObject({ name: 'alice', user: 'u1', uid: 1000, imported: 1 })
    expect(lock()).toMatchObject({ next: { uid: 1000 }, users: { u1: { uid: 1000, imported: true } } })
    expect(scene.text('generated/docker-compose.yml')).toContain('TMGEN_UID: "1000"')
    expect(scene.text('tmgen.yaml')).toContain(`storage: ${old}`)
    expect((await scene.tmgen('generate --check')).code).toBe(0)
    await scene.tmgen('add user bob --login bob')
    expect(lock().users).toMatchObject({ u2: { uid: 20001 } })
  })

  test('without a terminal it needs --yes, and has changed nothing', async () => {
    const before = scene.disk.snapshot('')
    expect((await scene.tmgen(line)).stderr).toContain('--yes is missing')
    expect(scene.disk.snapshot('', /tmgen.run.lock/)).toEqual(before)
  })

  test('bundles of several Macs are told apart by name', async () => {
    scene.disk.put(`${old}/iMac.sparsebundle/token`, '')
    expect(await refusal()).toMatch(/iMac\.sparsebundle in .* is nobody's/)
    const { code, stderr } = await scene.tmgen(
      `${line.replace('macbook', `macbook=${bundle}`)} --mac imac=iMac.sparsebundle --yes`,
    )
    expect([code, stderr]).toEqual([0, expect.anything()])
    expect(scene.disk.nodes.has(`${old}/imac/iMac.sparsebundle/token`)).toBe(true)
  })

  test('a bundle whose first backup is not complete is taken over like one whose is, whatever the case of its name', async () => {
    for (const name of ['iMac.sparsebundle.incomplete', 'mini.SPARSEBUNDLE']) scene.disk.put(`${old}/${name}/token`, '')
    const macs = `macbook=${bundle} --mac imac=iMac.sparsebundle.incomplete --mac mini=mini.SPARSEBUNDLE`
    const { code, stderr } = await scene.tmgen(`${line.replace('macbook', macs)} --yes`)
    expect([code, stderr]).toEqual([0, expect.anything()])
    expect(scene.disk.nodes.has(`${old}/imac/iMac.sparsebundle.incomplete/token`)).toBe(true)
    expect(scene.disk.nodes.has(`${old}/mini/mini.SPARSEBUNDLE/token`)).toBe(true)
  })

  test.each<[string, () => void, RegExp]>([
    [
      'a process uses it',
      () => Object.assign(scene.options.host!, { usersOf: [{ pid: 7, command: 'smbd' }] }),
      /in use by process 7 \(smbd\)/,
    ],
    [
      'a container mounts it',
      () => void docker.containers.push({ id: 'f'.repeat(64), service: 'timemachine', mounts: [old] }),
      /in use by the container/,
    ],
    ['not root', () => Object.assign(scene.options.host!, { isRoot: false }), /needs root/],
    ['Docker is silent', () => Object.assign(docker, { isUp: false }), /Docker does not answer/],
    ['no bundle', () => scene.disk.remove(`${old}/${bundle}`), /no sparse bundle/],
    ['a folder that is not there', () => scene.disk.remove(old), /does not exist/],
    ['files of root', () => void scene.disk.owners.clear(), /belong to UID 0/],
    [
      'files of two',
      () => void scene.disk.owners.set(`${old}/${bundle}/bands/0`, { uid: 0, gid: 0 }),
      /several UIDs: 1000 .*, 0 /,
    ],
    [
      'another settings',
      () => scene.disk.put('/home/me/smb.conf', '[tm]\nvfs objects = fruit streams_xattr\n'),
      /fruit:metadata was netatalk/,
    ],
    ['the marker of another', () => scene.disk.put(`${old}/.tmgen.json`, '{}'), /belongs to another user or workspace/],
  ])('refused, with every file as it was: %s', async (_name, spoil, expected) => {
    spoil()
    const conf = scene.disk.nodes.has('/home/me/smb.conf') ? ' --smb-conf /home/me/smb.conf' : ''
    expect(await refusal(line + conf)).toMatch(expected)
  })

  test('a UID that another has is refused', async () => {
    await scene.tmgen('add user bob --login bob')
    scene.disk.owners.set(old, { uid: 20001, gid: 20001 })
    expect(await refusal()).toMatch(/UID 20001 of the files is that of bob/)
  })

  test('killed at any point, the same command brings it to its end and every band is there once', async () => {
    let moments = 0
    scene.options.hook = () => void moments++
    const whole = scene.disk.copy()
    await scene.tmgen(`${line} --yes`)
    const steps = moments
    expect(steps).toBeGreaterThan(20)
    for (let at = 1; at <= steps; at += 3) {
      Object.assign(scene, { disk: whole.copy() })
      scene.disk.owners.set(old, { uid: 1000, gid: 1000 })
      let left = at
      scene.options.hook = () => {
        if (--left === 0) throw new Kill()
      }
      await scene.tmgen(`${line} --yes`).catch((error) => {
        if (!(error instanceof Kill)) throw error
      })
      delete scene.options.hook
      const { code, stderr } = await scene.tmgen(`${line} --yes`)
      expect(code, `killed at ${at}: ${stderr}`).toBe(0)
      const bands = [...scene.disk.nodes.keys()].filter((path) => path.endsWith('/bands/0'))
      expect(bands).toEqual([`${old}/macbook/${bundle}/bands/0`])
      expect(marker()).toMatchObject({ uid: 1000, imported: 1 })
    }
  })

  test('a user who is there already is no import', async () => {
    await scene.tmgen('add user alice --login alice')
    expect(await refusal()).toMatch(/exists already/)
  })

  test('remove user leaves imported data where it is', async () => {
    await scene.tmgen(`${line} --yes`)
    const { code, stderr } = await scene.tmgen('remove user alice --yes')
    expect([code, stderr]).toEqual([0, expect.stringMatching(/as removed: it was imported/)])
    expect(scene.disk.text(`${old}/macbook/${bundle}/bands/0`)).toBe('band')
    expect(scene.disk.nodes.has(`${dir}/state/gateway/alice`)).toBe(false)
  })
})
