import { beforeEach, describe, expect, test } from 'vitest'
import type { Report } from '../../../src/monitor/report/index.ts'
import { decide, nameAt, snapshotOf } from '../../../src/snapshots/index.ts'
import type { Mount } from '../../../src/world.ts'
import { reportOf, wellMac } from '../monitor/people.ts'
import { dir, Scene } from './scene.ts'

const hour = 3600_000
const day = 24 * hour
const now = Date.parse('2026-01-02T03:04:05Z')
const name = nameAt(now)
const folder = '/srv/tm/.tmgen-snapshots/u1'

let scene: Scene
let ran: string[]
let mounts: Mount[]
let failing: string | undefined
const yes = { prompts: { text: async () => 'yes', select: async () => '', secret: async () => '' } }

/** What the monitor says of alice's Mac. */
function record(lastSuccess: number | null, losses: { kind: 'shrunk' | 'vanished'; since: number }[] = []): void {
  const problems = losses.map((loss) => ({ ...loss, severity: 'alarm' as const, reason: '', todo: '' }))
  const report: Report = {
    ...reportOf(0),
    macs: [wellMac('alice', 'macbook', { problems, lastSuccess })],
  }
  scene.disk.put(`${dir}/state/monitor/report.json`, JSON.stringify(report), 0o600)
}

const btrfs = () => {
  mounts.splice(0, 1, { device: '0:40', root: '/', path: '/', type: 'btrfs', source: '/dev/sda1' })
  const space = { type: 2435016766, total: 2 ** 40, free: 2 ** 39 }
  scene.disk.spaces.set('/srv/tm', { ...space, device: 1 })
  scene.disk.spaces.set('/srv/tm/alice', { ...space, device: 2 })
}
const zfs = () =>
  mounts.push({ device: '0:50', root: '/', path: '/srv/tm/alice', type: 'zfs', source: 'tank/tm/alice' })
const took = (...times: number[]) => {
  for (const time of times) scene.disk.mkdirs(`${folder}/${nameAt(time)}`)
}

beforeEach(async () => {
  scene = await Scene.with('manual')
  await scene.tmgen('add user alice --login alice@example.com --mac macbook')
  scene.disk.mkdirs('/srv/tm/alice')
  ran = []
  failing = undefined
  mounts = [{ device: '8:1', root: '/', path: '/', type: 'ext4', source: '/dev/sda1' }]
  scene.options = {
    now: new Date(now),
    host: { isRoot: true, mounts },
    tools: (tool, args) => {
      if (args.length > 0) ran.push([tool, ...args].join(' '))
      const isFailing = failing !== undefined && args.includes(failing)
      return { exitCode: isFailing ? 1 : 0, stdout: '', stderr: isFailing ? 'no space left\n' : '' }
    },
  }
  record(now - hour)
})

describe('take', () => {
  test('takes one of a Btrfs subvolume, read-only and beside it, when a backup completed', async () => {
    btrfs()
    const { code, stderr } = await scene.tmgen('snapshots take')
    expect([code, stderr]).toEqual([0, expect.stringContaining(`alice@${name}`)])
    expect(ran).toEqual([`mkdir -p ${folder}`, `btrfs subvolume snapshot -r /srv/tm/alice ${folder}/${name}`])
  })

  test('takes one of a ZFS dataset', async () => {
    zfs()
    expect((await scene.tmgen('snapshots take')).code).toBe(0)
    expect(ran).toEqual([
      'zfs list -H -o name -t snapshot -d 1 tank/tm/alice',
      `zfs snapshot tank/tm/alice@tmgen-${name}`,
    ])
  })

  test.each<[string, number | null, number[]]>([
    ['no backup was ever complete', null, []],
    ['none completed since the last', now - 2 * hour, [now - hour]],
    ['one was taken in this hour', now - 60_000, [now - 120_000]],
    ['the completion is of the future', now + hour, []],
  ])('takes none where %s', async (_why, completed, times) => {
    btrfs()
    took(...times)
    record(completed)
    expect((await scene.tmgen('snapshots take')).code).toBe(0)
    expect(ran).toEqual([])
  })

  test('the last before a loss stays for good, and gets its name before anything goes', async () => {
    btrfs()
    const old = [now - 400 * day, now - 399 * day]
    took(...old, now - 5 * day, now - 2 * day)
    record(now - hour, [{ kind: 'shrunk', since: now - 3 * day }])
    await scene.tmgen('snapshots take')
    const kept = `${folder}/${nameAt(now - 5 * day)}`
    expect(ran.slice(2)).toEqual([
      `mv -nT ${kept} ${kept}-kept`,
      ...old.map((time) => `btrfs subvolume delete ${folder}/${nameAt(time)}`),
    ])
  })

  test('of what is none of ours nothing is touched', async () => {
    btrfs()
    for (const other of ['mine', '20260101', '20260132T000000Z', '20200101T000000Z.old'])
      scene.disk.mkdirs(`${folder}/${other}`)
    await scene.tmgen('snapshots take')
    expect(ran.join()).not.toMatch(/delete|mv/)
  })

  test('one that fails is told, exit 1, and nothing goes', async () => {
    btrfs()
    took(now - 400 * day, now - 399 * day)
    failing = 'snapshot'
    const { code, stderr } = await scene.tmgen('snapshots take')
    expect(code).toBe(1)
    expect(stderr).toContain('no space left')
    expect(ran.join()).not.toContain('delete')
  })

  test('without root nothing runs; --dry-run shows what would', async () => {
    btrfs()
    Object.assign(scene.options.host!, { isRoot: false })
    expect((await scene.tmgen('snapshots take')).stderr).toContain('snapshots need root')
    const { stdout } = await scene.tmgen('snapshots take --dry-run')
    expect(stdout).toContain(`btrfs subvolume snapshot -r /srv/tm/alice ${folder}/${name}`)
    expect(ran).toEqual([])
  })
})

test('1,000 forged completions take one snapshot an hour, and what was there a month ago is there still', () => {
  let kept = [now - 30 * day, now - 7 * day, now - day].map((time) => snapshotOf(nameAt(time))!)
  const first = kept.map(({ id }) => id)
  let taken = 0
  for (let minute = 0; minute < 1000; minute++) {
    const at = now + minute * 60_000
    const { take, letGo } = decide(kept, { completedAt: at - 1, losses: [] }, at)
    if (take !== undefined) taken++
    kept = [...kept, ...(take === undefined ? [] : [snapshotOf(take)!])].filter(({ id }) => !letGo.includes(id))
  }
  expect(taken).toBeLessThanOrEqual(18)
  expect(kept.map(({ id }) => id)).toEqual(expect.arrayContaining(first))
})

describe('where none are possible', () => {
  test.each<[string, () => void, RegExp]>([
    ['ext4', () => {}, /ext4 has no snapshots/],
    [
      'a folder of a Btrfs',
      () => {
        btrfs()
        scene.disk.spaces.set('/srv/tm/alice', scene.disk.spaces.get('/srv/tm')!)
      },
      /no Btrfs subvolume of its own/,
    ],
    [
      'a Btrfs that is mounted there',
      () => {
        btrfs()
        mounts.push({ device: '0:41', root: '/', path: '/srv/tm/alice', type: 'btrfs', source: '/dev/sdb' })
      },
      /nothing beside it/,
    ],
    [
      'a folder that others may write to',
      () => {
        btrfs()
        scene.disk.nodes.get('/srv/tm')!.mode = 0o777
      },
      /others than root may write to \/srv\/tm/,
    ],
    [
      'a folder of a ZFS',
      () => mounts.push({ device: '0:50', root: '/', path: '/srv/tm', type: 'zfs', source: 'tank' }),
      /no ZFS dataset/,
    ],
  ])('%s: list says so, take runs nothing, and doctor names the cold copy', async (_what, make, why) => {
    make()
    expect((await scene.tmgen('snapshots list')).stderr).toMatch(why)
    expect((await scene.tmgen('snapshots take')).code).toBe(0)
    expect(ran).toEqual([])
    const { stdout, stderr } = await scene.tmgen('doctor')
    expect(stdout + stderr).toMatch(/alice: not possible \(.*\): keep a cold copy/)
  })
})

test('list names them, and those that stay', async () => {
  btrfs()
  scene.disk.mkdirs(`${folder}/${nameAt(now - day)}-kept`)
  took(now - hour)
  const { stdout } = await scene.tmgen('snapshots list')
  expect(stdout).toMatch(/^alice@20260101T030405Z-kept +2026-01-01T03:04:05.000Z +the last before a loss: stays$/m)
  const json = JSON.parse((await scene.tmgen('snapshots list --json')).stdout)
  expect(json).toMatchObject([{ user: 'alice', by: 'btrfs', snapshots: [{ kept: true }, { kept: false }] }])
})

describe('restore', () => {
  const wanted = `alice@${nameAt(now - day)}`
  const target = `/srv/tm/alice.restored-${nameAt(now - day)}`

  test('makes a copy beside the live data once confirmed, and says how to have it served', async () => {
    btrfs()
    took(now - day)
    const { code, stderr } = await scene.tmgen(`snapshots restore ${wanted}`, yes)
    expect(code).toBe(0)
    expect(ran).toEqual([`btrfs subvolume snapshot ${folder}/${nameAt(now - day)} ${target}`])
    expect(stderr).toContain(`mv -nT /srv/tm/alice /srv/tm/alice.before`)
  })

  test.each<[string, () => void, string]>([
    ['what is there already is not overwritten', () => scene.disk.mkdirs(target), 'nothing is overwritten'],
    ['without --yes or a terminal nothing runs', () => {}, '--yes is missing'],
    ['without root nothing runs', () => void Object.assign(scene.options.host!, { isRoot: false }), 'need root'],
  ])('%s', async (_what, make, text) => {
    btrfs()
    took(now - day)
    make()
    const { code, stderr } = await scene.tmgen(`snapshots restore ${wanted}`)
    expect(code).not.toBe(0)
    expect(stderr).toContain(text)
    expect(ran).toEqual([])
  })

  test.each(['alice', 'alice@', 'alice@../../etc', `bob@${name}`, `alice@${name}`])('%s is none', async (one) => {
    btrfs()
    expect((await scene.tmgen(`snapshots restore ${one} --yes`)).code).toBe(2)
    expect(ran).toEqual([])
  })
})
