import { beforeEach, describe, expect, test } from 'vitest'
import type { Prompts } from '../../../src/ui/prompts.ts'
import { TinyDocker } from '../../support/docker.ts'
import { dir, Scene } from './scene.ts'

const GiB = 1024 ** 3
let scene: Scene
let ran: string[]
/** What a program does to the disk in memory, by its name. */
let effects: Record<string, (args: string[]) => void>
const own = { type: 0xef53, total: 2 * GiB, free: GiB, device: 2 }
const yes: Prompts = { text: async () => 'yes', select: async () => '', secret: async () => '' }

beforeEach(async () => {
  scene = await Scene.with('manual')
  scene.dockerAnswer = new TinyDocker().answer
  await scene.tmgen('add user alice --login alice --quota 1G')
  await scene.tmgen('add user bob --login bob --quota 1G')
  ran = []
  const mounts = [{ device: '8:1', root: '/', path: '/', type: 'ext4', source: '/dev/sda1', options: ['rw'] }]
  effects = {
    mv: ([, , to = '']) => scene.disk.put(to, ''),
    rm: ([, path = '']) => scene.disk.remove(path),
    mount: () => {
      mounts.push({ ...mounts[0]!, device: '7:0', path: '/srv/tm/alice', source: '/dev/loop0' })
      scene.disk.spaces.set('/srv/tm/alice', own)
      scene.disk.put('/srv/tm/alice/.tmgen.json', '{}')
    },
  }
  scene.options = {
    host: { isRoot: true, mounts },
    tools: (name, args) => {
      if (args.length > 0) {
        ran.push([name, ...args].join(' '))
        effects[name]?.(args)
      }
      return { exitCode: 0, stdout: '', stderr: '' }
    },
  }
})
const limits = async () => {
  const { users } = JSON.parse((await scene.tmgen('status --json')).stdout) as {
    users: { limit: { state: string; bytes: number } }[]
  }
  return users.map((user) => [user.limit.state, user.limit.bytes])
}

describe('storage limit', () => {
  test('shows the commands, runs them as root once confirmed, and tells what was read back', async () => {
    expect(await limits()).toEqual([
      ['advisory', null],
      ['advisory', null],
    ])
    const { code, stderr } = await scene.tmgen('storage limit alice --by image', { prompts: yes })
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining('✓ alice: 2G enforced (a filesystem of its own), read back'),
    ])
    expect(stderr).toContain('    mkfs.ext4 -q -F')
    expect(ran.map((line) => line.split(' ')[0])).toEqual(
      'mkdir rm fallocate chmod mkfs.ext4 sync mv rm mount chown chmod'.split(' '),
    )
    expect(await limits()).toEqual([
      ['enforced', 2 * GiB],
      ['advisory', null],
    ])
    expect((await scene.tmgen('storage show')).stdout).toMatch(
      /alice +ext4 +1G +2G +enforced \(a filesystem of its own\)\nbob/,
    )
    expect(stderr).toContain('is not in /etc/fstab')
  })

  test('without root, without --yes and with --script nothing runs', async () => {
    const before = scene.disk.snapshot('')
    const { stdout } = await scene.tmgen('storage limit alice --by image --script')
    expect(stdout).toMatch(/^#!\/bin\/sh\n(#.*\n)+set -eu\n\n# limit the storage of alice to 1\.1G\nmkdir -p /)
    expect(stdout).toContain('# /srv/tm/.tmgen-images/u1.img /srv/tm/alice ext4 loop')
    expect((await scene.tmgen('storage limit alice --by image')).stderr).toContain('--yes is missing')
    Object.assign(scene.options.host!, { isRoot: false })
    expect((await scene.tmgen('storage limit alice --by image --yes')).stderr).toContain('these commands need root')
    expect(ran).toEqual([])
    expect(scene.disk.snapshot('', /tmgen.run.lock/)).toEqual(before)
  })

  test('a program that fails ends it there; afterwards the same command goes on', async () => {
    const { tools } = scene.options
    scene.options.tools = (name, args) =>
      name === 'mount' && args.length > 0
        ? { exitCode: 32, stdout: '', stderr: 'mount: no loop device' }
        : tools!(name, args)
    const failed = await scene.tmgen('storage limit alice --by image --yes')
    expect([failed.code, failed.stderr]).toEqual([1, expect.stringContaining('not set: mount: mount: no loop device')])
    expect((await scene.tmgen('generate')).stderr).toContain('is gone')
    ran = []
    scene.options.tools = tools!
    expect((await scene.tmgen('storage limit alice --by image --yes')).code).toBe(0)
    expect(ran.map((line) => line.split(' ')[0])).toEqual(['rm', 'mount', 'chown', 'chmod'])
  })

  test('commands that ran without a limit to read back are a failure', async () => {
    delete effects.mount
    const { code, stderr } = await scene.tmgen('storage limit alice --by image --yes')
    expect([code, stderr]).toEqual([1, expect.stringContaining('no limit can be read back for alice')])
  })

  test.each<[string, string, () => void, RegExp]>([
    ['what the disk cannot count', 'storage limit', () => {}, /cannot limit alice as it is/],
    [
      'a storage in use',
      'storage limit alice --by image',
      () => Object.assign(scene.options.host!, { usersOf: [{ pid: 3, command: 'smbd' }] }),
      /in use by process 3/,
    ],
    [
      'backups in the folder',
      'storage limit alice --by image',
      () => scene.disk.put('/srv/tm/alice/mac/x', 'x'),
      /holds backups/,
    ],
    [
      'a folder without our marker',
      'storage limit alice --by image',
      () => scene.disk.put('/srv/tm/alice/.tmgen.json', '{}'),
      /not ours/,
    ],
    ['somebody who is not there', 'storage limit alise', () => {}, /did you mean alice/],
  ])('refused: %s', async (_name, line, spoil, expected) => {
    spoil()
    expect((await scene.tmgen(`${line} --yes`)).stderr).toMatch(expected)
    expect(ran).toEqual([])
  })
})

describe('quotas larger than the disk', () => {
  const shrink = () => {
    scene.disk.space = { ...scene.disk.space, total: 2 * GiB }
    Object.assign(scene.options.host!, { mounts: [] })
  }

  test('are refused by plan and all that promises more, not by what ends access', async () => {
    shrink()
    const said = /quotas of 2G \(alice, bob\) do not fit on the disk at .*1\.9G of 2G, less a reserve of 5 %/
    expect((await scene.tmgen('plan')).stdout).toMatch(said)
    for (const line of ['add user carol --login carol', 'generate', 'set user alice --quota 3G'])
      expect(await scene.tmgen(line)).toMatchObject({ code: 1, stderr: expect.stringMatching(/do not fit/) })
    expect((await scene.tmgen('rotate alice --password')).code).toBe(0)
    expect((await scene.tmgen('disable user alice')).code).toBe(0)
    expect((await scene.tmgen('generate')).code).toBe(0)
    expect((await scene.tmgen('enable user alice')).stderr).toMatch(/do not fit/)
  })

  test.each([
    [
      'add user carol --login carol --quota 1G --mac a --mac b',
      'choose a smaller --quota (it is for each Mac: 2 Macs)',
    ],
    ['add user carol --login carol --quota 1G', 'choose a smaller --quota'],
    ['add mac alice b', 'set smaller quotas (tmgen set user NAME --quota)'],
  ])('%s is told what can be done: %s', async (line, hint) => {
    shrink()
    const { stderr } = await scene.tmgen(line)
    expect(stderr).toContain(`hint: ${hint}, or write "overcommit: true" into tmgen.yaml\n`)
  })

  test('are taken with overcommit: true, and smaller quotas end it', async () => {
    shrink()
    expect((await scene.tmgen('set user alice --quota 512M')).code).toBe(0)
    expect((await scene.tmgen('set user alice --quota 1G')).code).toBe(1)
    scene.disk.put(`${dir}/tmgen.yaml`, `${scene.text('tmgen.yaml')}overcommit: true\n`)
    expect((await scene.tmgen('set user alice --quota 1G')).code).toBe(0)
    expect((await scene.tmgen('plan')).stdout).not.toMatch(/do not fit/)
  })
})
