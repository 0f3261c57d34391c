import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Client,
  cleanUp,
  compose,
  composeExec,
  copiesDuring,
  docker,
  killService,
  type LoopDisk,
  loopDisk,
  metricsOf,
  onCleanup,
  type Stack,
  seconds,
  startCopy,
  startTwoUsers,
  waitFor,
} from './support/index.ts'

// Alice's share lies on one disk with the whole workspace; Bob's, and Carol's later, elsewhere.
describe('trouble on the host', () => {
  let stack: Stack
  let alice: Client
  let bob: Client
  let disk: LoopDisk
  let elsewhere: string

  beforeAll(async () => {
    const base = mkdtempSync(join(tmpdir(), 'tmgen-lab-trouble-'))
    chmodSync(base, 0o755)
    onCleanup(`folder ${base}`, async () => rmSync(base, { recursive: true, force: true }))
    disk = await loopDisk(join(base, 'disk'), '384M')
    elsewhere = join(base, 'elsewhere')
    mkdirSync(elsewhere)
    ;({ stack, alice, bob } = await startTwoUsers({
      parent: disk.path,
      bobArgs: () => ['--storage', storageOf('bob')],
    }))
  })
  afterAll(cleanUp)

  test('a full disk, filled by alice and with the state on it, keeps nobody from copying, enrolling or coming back', async () => {
    await waitFor('the reserve to be whole', async () => (await reserve()).left === (await reserve()).size)
    const { size } = await reserve()
    const [host, who] = [await alice.peerIp('tm-alice'), await stack.login('alice')]
    await alice.must(['sh', '-c', 'head -c 400M /dev/urandom > /tmp/much'])
    const filled = await alice.smb(host, 'macbook', who, 'put /tmp/much much')
    expect(filled.stdout + filled.stderr).toContain('NT_STATUS_DISK_FULL')
    // And she goes on: whatever becomes free is hers, but for what is used at once.
    const greedy =
      'cd /srv/tmgen/macbook; touch more; while [ -e more ]; do head -c 65536 /dev/zero >> more; sleep 0.05; done'
    const taking = composeExec(stack.dir, 'samba-alice', ['sh', '-c', `${greedy} 2>/dev/null`], { timeout: 240_000 })
    await waitFor('the disk to be full', () => isFull())

    await (await startCopy(stack, bob, 'imac', { mib: 64 })).whole()
    await stack.must(['add', 'user', 'carol', '--login', 'carol', '--mac', 'mini', '--storage', storageOf('carol')])
    await stack.up()
    await stack.running('carol')
    await compose(stack.dir, ['restart', 'gateway'])
    await stack.running('alice', 'bob', 'carol')
    await stack.session(bob, 'bob', 'imac')

    expect((await reserve()).left).toBeLessThan(size)
    expect((await stack.tmgen(['list'])).stderr).toMatch(/disk of state\/ is full, or was: \d+ of 32 MiB/)
    rmSync(join(stack.storage, 'alice/macbook/more'))
    await taking
    await alice.smb(host, 'macbook', who, 'del much')
    await waitFor('the reserve to be filled again', async () => (await reserve()).left === size, { timeout: 120_000 })
  })

  // The gateway holds files open there, so that a disk in use cannot be made read-only; one that is found so can.
  test('a state disk that is read-only is told of, and a restart takes it up once it is writable', async () => {
    await compose(stack.dir, ['stop', 'gateway', 'samba-alice', 'monitor'])
    await disk.remount('ro')
    const since = new Date().toISOString()
    try {
      await compose(stack.dir, ['start', 'gateway'])
      await waitFor('the log to tell', async () =>
        /state directory: .*read-only file system/.test(
          await compose(stack.dir, ['logs', '--no-log-prefix', '--since', since, 'gateway']),
        ),
      )
    } finally {
      await disk.remount('rw')
      // Docker keeps a mount read-only that was so when the container started.
      await compose(stack.dir, ['restart', 'gateway', 'samba-alice', 'monitor'])
    }
    await stack.running('alice', 'bob')
    await stack.session(bob, 'bob', 'imac')
    await stack.session(alice, 'alice', 'macbook')
  })

  test("one node's damaged state is replaced by its copy; without one the others run, the status tells and provision helps", async () => {
    const before = await stack.headscale.userNodes()
    const { node_id } = await stack.node('alice')
    await compose(stack.dir, ['stop', 'gateway'])
    writeFileSync(stateOf('alice'), '{"_machinekey": "cHJpd')
    await compose(stack.dir, ['start', 'gateway'])
    await stack.running('alice', 'bob')
    expect((await stack.node('alice')).node_id).toBe(node_id)
    expect(readdirSync(join(stateOf('alice'), '..')).some((name) => name.includes('.corrupt-'))).toBe(true)

    await compose(stack.dir, ['stop', 'gateway'])
    for (const file of [stateOf('alice'), `${stateOf('alice')}.good`]) writeFileSync(file, 'junk')
    await compose(stack.dir, ['start', 'gateway'])
    await stack.running('bob')
    await stack.session(bob, 'bob', 'imac')
    const node = await waitFor('the status to tell', async () => {
      const now = await stack.node('alice')
      return now.key_needed ? now : undefined
    })
    expect(node.last_error).toContain('damaged')
    // As the note of `tmgen provision` says: the old one goes first, so that the name is free.
    const old = (await stack.headscale.nodes()).find((one) => one.given_name === 'tm-alice')
    await stack.headscale.container.must(['headscale', 'nodes', 'delete', '-i', String(old?.id), '--force'])
    await stack.must(['provision', 'alice'])
    await stack.running('alice')
    await stack.session(alice, 'alice', 'macbook')
    expect(await stack.headscale.userNodes()).toEqual(before)
  })

  test('an smbd that hangs becomes unhealthy and is started anew, and bob copies meanwhile', async () => {
    if (seconds({ ci: 0, soak: 1 }) === 0) {
      const often = '  samba-alice:\n    healthcheck: { interval: 5s }\n'
      stack.edit('docker-compose.base.yml', (text) => text.replace(/^services:\n/m, `$&${often}`))
      await stack.up()
      await stack.session(alice, 'alice', 'macbook')
    }
    const restarts = await restartsOf('samba-alice')
    const stop =
      'for p in /proc/[0-9]*; do if grep -q "^Name:.smbd" $p/status; then kill -STOP $(basename $p); fi; done'
    await compose(stack.dir, ['exec', '-T', 'samba-alice', 'sh', '-c', stop])
    const started = Date.now()
    await copiesDuring(stack, bob, 'imac', 64, () =>
      waitFor('a new start', async () => (await restartsOf('samba-alice')) > restarts, {
        timeout: 150_000,
        every: 1000,
      }),
    )
    console.info(`a stopped smbd was replaced after ${Date.now() - started} ms`)
    expect(await compose(stack.dir, ['logs', '--no-log-prefix', 'samba-alice'])).toContain(
      'ending smbd after 3 failures',
    )
    await stack.session(alice, 'alice', 'macbook')
  })

  test('an smbd that crashes in a loop hurts nobody else, and serves once it stays', async () => {
    await copiesDuring(stack, bob, 'imac', 64, async () => {
      for (let crash = 0; crash < 4; crash++) {
        const before = await restartsOf('samba-alice')
        await waitFor(
          'smbd to run',
          async () => (await compose(stack.dir, ['ps', '-q', '--status', 'running', 'samba-alice'])) !== '',
        )
        await killService(stack, 'samba-alice')
        await waitFor('the next start', async () => (await restartsOf('samba-alice')) > before)
      }
    })
    await stack.session(alice, 'alice', 'macbook')
  })

  test("memory and processes of alice's container have a limit that holds, and bob copies meanwhile", async () => {
    const { id } = await stack.containerOf('samba-alice')
    const limits = await docker(['inspect', '-f', '{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}}', id])
    expect(limits).toBe(`${1024 ** 3} 128`)
    let most = 0
    await copiesDuring(stack, bob, 'imac', 64, async () => {
      const hog = await composeExec(stack.dir, 'samba-alice', ['perl', '-e', '$x = "x" x (3 << 30); sleep 30'])
      expect(hog.code, 'the hog was not killed').toBe(137)
      const bomb = composeExec(stack.dir, 'samba-alice', ['perl', '-e', 'fork while time < $^T + 15'])
      await waitFor('the limit of processes', async () => {
        most = Math.max(most, Number(await docker(['stats', '--no-stream', '--format', '{{.PIDs}}', id])))
        return most >= 100
      })
      await bomb
    })
    // The limit is one of forks: the threads of `docker exec` that come in from outside are counted, and not refused.
    expect(most).toBeLessThanOrEqual(128 + 16)
    await stack.session(alice, 'alice', 'macbook')
  })

  test('a reload every second under load loses no byte and leaves nothing behind', async () => {
    const path = join(stack.dir, 'generated/caddy/config.json')
    const whole = readFileSync(path, 'utf8')
    const idle = async () => {
      await waitFor('no connections', async () => (await stack.node('bob')).connections === 0)
      return (await metricsOf(stack)).get('go_goroutines') ?? Number.NaN
    }
    const before = await idle()
    const since = new Date().toISOString()
    const time = seconds({ ci: 30, soak: 120 })
    await copiesDuring(stack, bob, 'imac', 256, async () => {
      for (let i = 1; i * 1000 <= time; i++) {
        writeFileSync(path, whole + '\n'.repeat(1 + (i % 2)))
        await stack.loaded()
        await new Promise((resolve) => setTimeout(resolve, 500))
      }
    })
    writeFileSync(path, whole)
    await stack.loaded()
    const log = await compose(stack.dir, ['logs', '--no-log-prefix', '--since', since, 'gateway'])
    expect(log.split('config loaded').length - 1).toBeGreaterThanOrEqual(time / 1000)
    let after = await idle()
    await waitFor('the goroutines to be as many as before', async () => {
      after = await idle()
      return after <= before + 10
    })
    console.info(`goroutines: ${before} before, ${after} after ${time / 1000} reloads`)
  })

  const reserve = async () => (await stack.status()).reserve
  const stateOf = (user: string) => join(stack.dir, 'state/gateway', user, 'tailscaled.state')

  function storageOf(user: string): string {
    const path = join(elsewhere, user)
    mkdirSync(path, { recursive: true })
    const owner = Number(process.env.TMGEN_LAB_UID ?? 0)
    chownSync(path, owner, owner)
    return path
  }

  /** Whether not even a small file finds room. */
  function isFull(): boolean {
    const probe = join(stack.storage, 'probe')
    try {
      writeFileSync(probe, Buffer.alloc(128 * 1024))
      return false
    } catch {
      return true
    } finally {
      rmSync(probe, { force: true })
    }
  }

  async function restartsOf(service: string): Promise<number> {
    const { id } = await stack.containerOf(service)
    return Number(await docker(['inspect', '-f', '{{.RestartCount}}', id]))
  }
})
