import { existsSync, mkdirSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  askPage,
  backUpBundle,
  type Client,
  type Container,
  cleanUp,
  compose,
  composeExec,
  docker,
  makeSparsebundle,
  run,
  type Stack,
  startReceiver,
  startTwoUsers,
  waitFor,
} from './support/index.ts'

interface Mac {
  user: string
  mac: string
  state: string
  reason: string
  lastSuccess: string | null
  running: boolean
  connection: { sessions: number; since: string | null; openFiles: number } | null
  problems: { kind: string }[]
  verified: { at: string | null; percent: number } | null
}

interface Report {
  macs: Mac[]
  nodes: { user: string; problems: unknown[]; seen: { present: boolean | null } | null }[]
}

interface Alert {
  severity: string
  title: string
  items: { what: string; about: string; kind: string }[]
}

const hour = 3600_000
describe('the monitor', () => {
  const begun = Date.now()
  let stack: Stack
  let alice: Client
  let told: Container

  beforeAll(async () => {
    ;({ stack, alice } = await startTwoUsers({
      aliceArgs: (made) => {
        // The clock of this test is its own: the services shall not look between its looks.
        made.edit(
          'tmgen.yaml',
          (text) => `${text}monitor:\n  every: 1h\n  stale: 24h\n  online: 1h\n  alerts: [webhook]\n`,
        )
        return []
      },
    }))
    told = await startReceiver(stack)
  })
  afterAll(cleanUp)

  test('is there after docker compose up -d: it has looked at everybody, and each part may do what it needs alone', async () => {
    const { macs } = await report()
    expect(macs.map(({ user, mac, state }) => [user, mac, state])).toEqual([
      ['alice', 'macbook', 'waiting'],
      ['bob', 'imac', 'waiting'],
    ])
    const scanner = await inspect('monitor-scanner')
    expect(scanner.HostConfig.NetworkMode).toBe('none')
    // Its shares are read-only, and only the one capability is left: 2 is DAC_READ_SEARCH.
    expect(await inside('monitor-scanner', 'touch /srv/tmgen/alice/macbook/x; grep ^CapEff /proc/1/status')).toMatch(
      /Read-only file system[\s\S]*CapEff:\s+0{15}4\b/,
    )
    expect(await inside('monitor-scanner', 'touch /run/tmgen-samba/alice/x')).toContain('Read-only file system')
    const networks = Object.keys((await inspect('monitor')).NetworkSettings.Networks)
    expect(networks).toEqual([expect.stringMatching(/_alerts$/)])
    expect(await inside('monitor', 'ls /srv/tmgen /var/run/docker.sock; grep ^CapEff /proc/1/status')).toMatch(
      /cannot access '\/srv\/tmgen'[\s\S]*cannot access[\s\S]*CapEff:\s+0{16}\b/,
    )
  })

  test('both containers are healthy while the scanner looks and the reporter reports, and not after', async () => {
    const stale = {
      'monitor-scanner': 'touch -d yesterday /run/tmgen-looks/due',
      monitor: 'touch -d yesterday /var/lib/tmgen/report.json',
    }
    for (const [service, age] of Object.entries(stale)) {
      const [, check] = (await inspect(service)).Config.Healthcheck.Test
      const codes: number[] = []
      for (const script of [check, `${age} && ! (${check})`])
        codes.push((await composeExec(stack.dir, service, ['sh', '-c', script])).code)
      expect(codes, service).toEqual([0, 0])
    }
  })

  test('a backup through the node is seen by the next look; status and monitor show agree', async () => {
    await backUp(begun - hour)
    await lookAt(Date.now())
    const mac = (await report()).macs[0]
    expect(mac).toMatchObject({ state: expect.stringMatching(/^(ok|running)$/) })
    expect(Math.abs(Date.parse(mac?.lastSuccess ?? '') - (begun - hour))).toBeLessThan(2_000)
    const { users } = JSON.parse(await stack.must(['status', '--json']))
    expect(users[0].macs[0]).toMatchObject({ backups: 1, monitor: mac?.state, warnings: [] })
  })

  test('a Mac that holds a band open is connected and backs up; when it is gone, it is neither', async () => {
    const band = 'macbook.sparsebundle/bands/0'
    const host = await alice.peerIp('tm-alice')
    const who = await stack.login('alice')
    expect((await alice.smb(host, 'macbook', who, `ls ${band}`)).code).toBe(0)
    const since = Date.now()
    const session = `smbclient //${host}/macbook -m SMB3 -A /run/smb.auth`
    await alice.must([
      'sh',
      '-c',
      `(echo 'open ${band}'; exec sleep 600) 2>&1 | ${session} > /tmp/hold.log 2>&1 & echo $! > /tmp/hold.pid`,
    ])
    await samba('the open band', (told) => told.includes(`"filename": "${band}"`))
    await lookAt(Date.now())
    const open = (await report()).macs[0]
    expect(open).toMatchObject({ state: 'running', running: true, connection: { sessions: 1, openFiles: 1 } })
    expect(Math.abs(Date.parse(open?.connection?.since ?? '') - since)).toBeLessThan(60_000)
    const { users } = JSON.parse(await stack.must(['status', '--json']))
    expect(users[0].macs[0]).toMatchObject({ monitor: 'running', connection: { sessions: 1 } })

    await alice.must(['sh', '-c', 'kill $(cat /tmp/hold.pid)'])
    await samba('that nobody is there', (told) => told.startsWith('{"sessions":{},'))
    await lookAt(Date.now())
    expect((await report()).macs).toMatchObject([
      { user: 'alice', state: 'ok', running: false, connection: { sessions: 0, since: null, openFiles: 0 } },
      { user: 'bob', connection: { sessions: 0 } },
    ])
  })

  /** What alice's Samba tells the monitor, once it is that. */
  async function samba(what: string, is: (told: string) => boolean): Promise<void> {
    const file = '/run/tmgen-status/smbstatus.json'
    await waitFor(`Samba to tell ${what}`, async () => is(await inside('samba-alice', `cat ${file}`)))
  }

  test('its page is on a socket for the owner alone, and tells the same as monitor show and the metrics', async () => {
    await compose(stack.dir, ['start', 'monitor'])
    const socket = join(stack.dir, 'state/page/operator.sock')
    const overview = await waitFor('an overview', async () => {
      if (!existsSync(socket)) return undefined
      const { status, body } = await askPage(stack, '/api/v1/overview').catch(() => ({ status: 0, body: '' }))
      return status === 200 ? JSON.parse(body) : undefined
    })
    const { uid } = statSync(stack.dir)
    expect(statSync(socket)).toMatchObject({ uid, mode: expect.toSatisfy((mode: number) => (mode & 0o777) === 0o660) })
    expect(statSync(join(stack.dir, 'state/page')).mode & 0o777).toBe(0o700)
    const { macs } = await report()
    expect(overview.macs.map(({ mac, state }: Mac) => [mac, state])).toEqual(macs.map(({ mac, state }) => [mac, state]))

    const { status, body } = await askPage(stack, '/')
    expect(status).toBe(200)
    // Whose Mac has no backup yet comes before those who are well.
    expect(body).toMatch(/<a href="\/users\/bob">bob<\/a>.*<a href="\/users\/alice">alice<\/a>/)
    expect((await askPage(stack, '/users/alice')).body).toContain('macbook')
    expect((await askPage(stack, '/', 'elsewhere.example.com')).status).toBe(421)
    const seconds = Date.parse(macs[0]?.lastSuccess ?? '') / 1000
    expect((await askPage(stack, '/metrics')).body).toContain(
      `tmgen_last_success_timestamp_seconds{user="alice",mac="macbook"} ${seconds}\n`,
    )
  })

  test('four FIFOs in a share, and links that lead out of it, hold up nobody’s look', async () => {
    const share = join(stack.storage, 'bob/imac')
    const bundle = join(share, 'Trap.sparsebundle')
    mkdirSync(bundle)
    for (const name of ['Info.plist', 'token', 'com.apple.TimeMachine.SnapshotHistory.plist', 'bands'])
      expect((await run('mkfifo', [join(bundle, name)])).code).toBe(0)
    symlinkSync(join(stack.storage, 'alice/macbook/macbook.sparsebundle'), join(share, 'Link.sparsebundle'))
    symlinkSync('../../alice/macbook', join(share, 'Up.sparsebundle'))
    const before = Date.now()
    await lookAt(Date.now())
    expect(Date.now() - before).toBeLessThan(15_000)
    const { macs } = await report()
    expect(macs[0]).toMatchObject({ user: 'alice', state: expect.stringMatching(/^(ok|running)$/) })
    expect(macs[1]).toMatchObject({ user: 'bob', lastSuccess: null })
  })

  test('test-alert says what arrives, and what does not', async () => {
    await compose(stack.dir, ['start', 'monitor'])
    expect(await stack.must(['monitor', 'test-alert'])).toContain('webhook')
    expect((await alerts()).at(-1)).toMatchObject({ title: expect.stringContaining('this is a test') })
    const address = join(stack.dir, 'secrets/monitor/webhook')
    const right = readFileSync(address)
    writeFileSync(address, 'http://nobody-9c2e/secret-word\n')
    const ran = await stack.tmgen(['monitor', 'test-alert'])
    writeFileSync(address, right)
    expect(ran.code).toBe(1)
    expect(ran.stdout + ran.stderr).toMatch(/webhook/)
    expect(ran.stdout + ran.stderr).not.toMatch(/secret-word|nobody-9c2e/)
  })

  test('two days without a backup: one alert within one look; a backup: well again', async () => {
    const away = begun + 48 * hour
    const count = (await alerts()).length
    await lookAt(away)
    const sent = (await alerts()).slice(count)
    expect(sent).toHaveLength(1)
    expect(sent[0]?.items).toContainEqual(
      expect.objectContaining({ what: 'new', about: 'alice/macbook', kind: 'missing' }),
    )
    await lookAt(away + hour)
    expect(await alerts()).toHaveLength(count + 1)

    await backUp(Date.now())
    await lookAt(away + 2 * hour)
    await lookAt(away + 3 * hour)
    expect((await report()).macs[0]?.state).toBe('ok')
    const last = (await alerts()).slice(count + 1)
    expect(last).toHaveLength(1)
    expect(last[0]).toMatchObject({ severity: 'recovery' })
    expect(last[0]?.items).toContainEqual(
      expect.objectContaining({ what: 'recovery', about: 'alice/macbook', kind: 'missing' }),
    )
  })

  test('a Samba container that is gone is told of its person when that lasts', async () => {
    const problems = async () => (await report()).nodes.flatMap(({ user, problems }) => problems.map(() => user))
    await lookAt(begun + 60 * hour)
    await compose(stack.dir, ['stop', 'samba-bob'])
    const volume = `${stack.dir.split('/').at(-1)}_status-u2`
    await docker([
      'run',
      '--rm',
      '-v',
      `${volume}:/told`,
      '--entrypoint',
      'touch',
      'tmgen-lab/client',
      '-d',
      'yesterday',
      '/told/serving',
    ])
    await lookAt(begun + 61 * hour)
    expect(await problems()).toEqual([])
    await lookAt(begun + 62 * hour)
    expect(await problems()).toEqual(['bob'])
    await compose(stack.dir, ['start', 'samba-bob'])
    await waitFor('Samba to serve', async () =>
      /\bserving$/m.test(await inside('samba-bob', 'find /run/tmgen-status -mmin -1')),
    )
    await lookAt(begun + 63 * hour)
    expect(await problems()).toEqual([])
  })

  test('verify reads back what came through the node; what is no band any more is told until it is well', async () => {
    await compose(stack.dir, ['start', 'monitor'])
    // What was just written is left for another time.
    const stand = await waitFor('a round that leaves nothing out', async () => {
      const { ok, macs } = JSON.parse((await stack.tmgen(['verify', 'alice', '--all', '--json'])).stdout)
      return ok && macs[0].bundles[0].busy === 0 ? macs[0].bundles[0] : undefined
    })
    expect(stand).toMatchObject({ bands: 3, covered: 3, read: 3, files: [] })
    expect(await verified('ok')).toMatchObject({ bands: 3, percent: 100 })

    const band = join(stack.storage, 'alice/macbook/macbook.sparsebundle/bands/1')
    renameSync(band, `${band}.aside`)
    symlinkSync('/etc/passwd', band)
    const ran = await stack.tmgen(['verify', 'alice', '--all'])
    expect(ran.code).toBe(1)
    expect(ran.stdout).toMatch(/1 band cannot be read \(1\)/)
    expect(await verified('corrupt')).toMatchObject({ percent: 66, faults: { unreadable: 1 } })
    renameSync(`${band}.aside`, band)
    await waitFor(
      'a sound backup',
      async () => (await stack.tmgen(['verify', 'alice', '--all'])).code === 0 || undefined,
    )
    await verified('ok')
  })

  test('a Mac that is off is told as not in reach, and is away and not missing', async () => {
    const known = async (online: boolean) =>
      waitFor(
        `the gateway to know that her Mac is ${online ? 'on' : 'off'}`,
        async () => (await stack.node('alice')).device_online === online,
      )
    const present = async () => (await report()).nodes.map(({ seen }) => seen?.present)[0]
    await known(true)
    await lookAt(begun + 70 * hour)
    expect(await present()).toBe(true)
    await backUp(Date.now())
    await lookAt(begun + 71 * hour)
    await alice.must(['tailscale', 'down'])
    await known(false)
    for (const hours of [72, 73, 97]) await lookAt(begun + hours * hour)
    expect(await present()).toBe(false)
    expect((await report()).macs[0]).toMatchObject({ state: 'away' })
    await alice.must(['tailscale', 'up'])
    await known(true)
    await lookAt(begun + 98 * hour)
    await lookAt(begun + 99 * hour)
    expect((await report()).macs[0]).toMatchObject({ state: 'missing' })
  })

  /** What the monitor says of alice's Mac, once it is in this state (or one that is as good). */
  async function verified(state: 'ok' | 'corrupt'): Promise<unknown> {
    return waitFor(`a Mac that is ${state}`, async () => {
      const [mac] = (await report()).macs
      const isCorrupt = mac?.problems.some(({ kind }) => kind === 'corrupt')
      return mac?.verified?.at && isCorrupt === (state === 'corrupt') ? mac.verified : undefined
    })
  }

  /** A backup as a Mac makes it, through the node; its history names this end, in ms since 1970. */
  async function backUp(ended: number): Promise<void> {
    const snapshots = [new Date(Math.floor(ended / 1000) * 1000).toISOString()]
    // It stays the same Mac: another machine in a bundle is an alarm of its own.
    const machine = '/tmp/macbook.sparsebundle/com.apple.TimeMachine.MachineID.plist'
    await alice.must(['sh', '-c', `cp ${machine} /tmp/machine 2>/dev/null; rm -rf /tmp/macbook.sparsebundle`])
    const bundle = await makeSparsebundle(alice, '/tmp', { bands: 3, snapshots })
    await alice.must(['sh', '-c', `! [ -f /tmp/machine ] || cp /tmp/machine ${machine}`])
    await backUpBundle(alice, await alice.peerIp('tm-alice'), 'macbook', await stack.login('alice'), bundle)
  }

  /** One look of both services, as if it were then. The reporter that runs gives the history to the one that looks. */
  async function lookAt(time: number): Promise<void> {
    const at = new Date(time).toISOString()
    const scan = ['node', '/usr/lib/tmgen/scanner.cjs', 'once', '--at', at]
    const scanned = await composeExec(stack.dir, 'monitor-scanner', scan)
    expect(scanned).toMatchObject({ code: 0, stderr: '' })
    await compose(stack.dir, ['stop', 'monitor'])
    await compose(stack.dir, ['run', '--rm', '-T', 'monitor', 'once', '--at', at])
  }

  async function report(): Promise<Report> {
    return waitFor('a report of the monitor', async () => {
      const found = JSON.parse(await stack.must(['monitor', 'show', '--json'])) as Report
      return found.macs.length === 2 ? found : undefined
    })
  }

  async function alerts(): Promise<Alert[]> {
    const text = await told.must(['sh', '-c', 'cat /tmp/alerts 2>/dev/null || true'])
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Alert)
  }

  async function inside(service: string, script: string): Promise<string> {
    const ran = await composeExec(stack.dir, service, ['sh', '-c', script])
    return ran.stderr + ran.stdout
  }

  // biome-ignore lint/suspicious/noExplicitAny: what docker inspect prints, looked into at any depth
  async function inspect(service: string): Promise<any> {
    return JSON.parse(await docker(['inspect', (await stack.containerOf(service)).id]))[0]
  }
})
