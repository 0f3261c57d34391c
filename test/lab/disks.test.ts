import { chownSync, mkdirSync, readFileSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Client,
  cleanUp,
  compose,
  docker,
  onCleanup,
  run,
  type Stack,
  startTwoUsers,
  waitFor,
} from './support/index.ts'

const MiB = 1024 ** 2

// Of limits, a filesystem in a file is what runs on every machine; the other kinds depend on kernel and disk.
describe('storage', () => {
  let stack: Stack
  let alice: Client
  let bob: Client

  const must = async (command: string, ...args: string[]) => {
    const ran = await run(command, args)
    if (ran.code !== 0) throw new Error(`${command} ${args.join(' ')}: ${ran.stderr}${ran.stdout}`)
  }
  const limitOf = async (name: string) => {
    const { users } = JSON.parse(await stack.must(['status', '--json'])) as {
      users: { name: string; limit: { state: string; bytes: number | null; by: string | null } }[]
    }
    return users.find((user) => user.name === name)!.limit
  }
  const free = () => statfsSync(stack.storage).bavail * statfsSync(stack.storage).bsize

  beforeAll(async () => {
    ;({ stack, alice, bob } = await startTwoUsers({ aliceArgs: () => ['--quota', '64M'] }))
  })
  afterAll(cleanUp)

  test('storage limit refuses while she is served, and what it prints for root sets a limit that status reads back', async () => {
    expect(await limitOf('alice')).toMatchObject({ state: 'advisory' })
    const refused = await stack.tmgen(['storage', 'limit', 'alice', '--by', 'image', '--script'])
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/in use by the container .*samba-alice/)])
    await compose(stack.dir, ['stop', 'samba-alice'])
    const script = join(stack.dir, '..', 'limit.sh')
    writeFileSync(script, await stack.must(['storage', 'limit', 'alice', '--by', 'image', '--script']))
    const path = join(stack.storage, 'alice')
    onCleanup(`disk ${path}`, async () => void (await run('umount', [path])))
    await must('sh', script)
    expect(await limitOf('alice')).toMatchObject({ state: 'enforced', by: 'filesystem' })
    expect((await limitOf('alice')).bytes).toBeGreaterThanOrEqual(128 * MiB)
    expect(await limitOf('bob')).toMatchObject({ state: 'advisory' })
    expect((await stack.tmgen(['storage', 'limit', 'alice', '--script'])).stdout).toContain('Nothing to do')
    await stack.up()
    await stack.session(alice, 'alice', 'macbook')
  })

  test('Alice fills hers with one plain file and gets "disk full"; nobody else notices', async () => {
    const [hers, his] = [await alice.peerIp('tm-alice'), await bob.peerIp('tm-bob')]
    await alice.must(['sh', '-c', `head -c ${180 * MiB} /dev/urandom > /tmp/fill`])
    const before = free()
    const filled = await alice.smb(hers, 'macbook', await stack.login('alice'), 'put /tmp/fill fill')
    expect(filled.stdout + filled.stderr).toMatch(/NT_STATUS_DISK_FULL/)
    expect(before - free()).toBeLessThan(100 * MiB)
    await bob.smbPut(his, 'imac', await stack.login('bob'), 'letter', 'still room')
    expect(await bob.smbGet(his, 'imac', await stack.login('bob'), 'letter')).toBe('still room')
  })

  test('while the image is not mounted, nothing is served from the folder beneath', async () => {
    await compose(stack.dir, ['stop', 'samba-alice'])
    await must('umount', join(stack.storage, 'alice'))
    await compose(stack.dir, ['up', '-d'])
    const who = await stack.login('alice')
    expect((await alice.smb(await alice.peerIp('tm-alice'), 'macbook', who, 'ls')).code).not.toBe(0)
    expect(await stack.tmgen(['generate'])).toMatchObject({ code: 1, stderr: expect.stringMatching(/is gone/) })
    expect(await limitOf('alice')).toMatchObject({ state: 'advisory' })
    await compose(stack.dir, ['stop', 'samba-alice'])
    await must('sh', '-c', await stack.must(['storage', 'limit', 'alice', '--by', 'image', '--script']))
    expect(await limitOf('alice')).toMatchObject({ state: 'enforced' })
    await compose(stack.dir, ['start', 'samba-alice'])
    await stack.session(alice, 'alice', 'macbook')
    expect((await alice.smb(await alice.peerIp('tm-alice'), 'macbook', who, 'ls')).stdout).toContain('fill')
  })

  test('import takes over a folder of bundles with the UID of its files, and its owner reads them', async () => {
    const old = join(stack.dir, '..', 'old')
    const bundle = join(old, 'Carol.sparsebundle')
    mkdirSync(join(bundle, 'bands'), { recursive: true })
    writeFileSync(join(bundle, 'bands/0'), 'a band of hers')
    for (const path of [old, bundle, join(bundle, 'bands'), join(bundle, 'bands/0')]) chownSync(path, 1500, 1500)
    const line = ['import', old, '--user', 'carol', '--mac', 'air', '--login', 'bob', '--yes']
    const name = `${stack.dir.split('/').at(-1)}-old-server`
    await docker([
      'run',
      '-d',
      '--name',
      name,
      '-v',
      `${old}:/opt/timemachine`,
      '--entrypoint',
      'sleep',
      'tmgen-lab/client',
      '600',
    ])
    onCleanup(`container ${name}`, () => docker(['rm', '-f', name]))
    expect((await stack.tmgen(line)).stderr).toContain(`in use by the container ${name}`)
    await docker(['rm', '-f', name])
    await stack.must(line)
    await stack.pastePolicy()
    await stack.up()
    await stack.running('carol')
    await stack.session(bob, 'carol', 'air')
    const [host, who] = [await bob.peerIp('tm-carol'), await stack.login('carol')]
    expect(await bob.smbGet(host, 'air', who, 'Carol.sparsebundle/bands/0')).toBe('a band of hers')
    await bob.smbPut(host, 'air', who, 'Carol.sparsebundle/bands/1', 'one more')
    expect(readFileSync(join(old, 'air/Carol.sparsebundle/bands/1'), 'utf8')).toBe('one more')
  })

  test('restore-access: the LAN reads his backups and can change nothing, others are refused, and it ends by itself', async () => {
    const who = await stack.login('bob')
    const { hostIp, subnet } = stack.lan
    const ls = (commands: string) => alice.smb(hostIp, 'imac', who, commands)
    const open = (time: string, lan = subnet) =>
      stack.must(['restore-access', 'bob', '--lan', lan, '--for', time, '--yes'])
    const containers = () =>
      docker(['ps', '-a', '--filter', 'label=tmgen.restore.user=bob', '--format', '{{.Names}} {{.Status}}'])
    onCleanup('restore access of bob', () => stack.tmgen(['restore-access', 'bob', '--end']))
    const relayLog = async () => docker(['logs', (await containers()).split(/\s/).find((one) => /relay/.test(one))!])
    // The host is in the first addresses of the LAN, and she is not.
    await open('30m', subnet.replace('.0/24', '.0/28'))
    await waitFor('the relay to listen', async () => (await relayLog()).includes('open to'))
    expect((await ls('ls')).code).not.toBe(0)
    expect(await relayLog()).toMatch(/refused/)
    await open('30m')
    await waitFor('a session over the LAN', async () => (await ls('ls')).code === 0)
    expect(await alice.smbGet(hostIp, 'imac', who, 'letter')).toBe('still room')
    const written = await ls('put /etc/hostname other')
    expect(written.stdout + written.stderr).toMatch(/NT_STATUS_(ACCESS_DENIED|MEDIA_WRITE_PROTECTED)/)
    expect((await alice.smb(hostIp, 'imac', await stack.login('alice'), 'ls')).code).not.toBe(0)
    await open('12s')
    await docker(['restart', (await containers()).split(/\s/).find((one) => /relay/.test(one))!])
    await waitFor('the end of both', async () => ((await containers()).match(/Exited \(0\)/g) ?? []).length === 2, {
      timeout: 40_000,
    })
    expect((await ls('ls')).code).not.toBe(0)
    await stack.must(['restore-access', 'bob', '--end'])
    expect(await containers()).toBe('')
  })
})
