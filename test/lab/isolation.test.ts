import { chmodSync, chownSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Client,
  cleanUp,
  compose,
  composeExec,
  diskMounts,
  hostConnects,
  type Login,
  mountsOf,
  type Stack,
  sharesIp,
  startTwoUsers,
  waitFor,
} from './support/index.ts'

/** Who lost access is cut within this, running connection included. */
const cutWithin = 5000

/** Bytes after which a copy is no mere beginning. */
const underWay = 16 * 1024 ** 2

describe('two users on one gateway', () => {
  let stack: Stack
  let alice: Client
  let bob: Client

  beforeAll(async () => {
    ;({ stack, alice, bob } = await startTwoUsers())
  })
  afterAll(cleanUp)

  describe('a Samba container that is broken into', () => {
    test.each([
      ['a sibling', async () => [await sharesIp(stack, 'samba-bob'), 445]],
      ['the gateway', async () => [await sharesIp(stack, 'gateway'), 445]],
      ['Headscale', async () => [stack.headscale.ip, 443]],
      ['the host on the bridge', async () => [await bridge(), await hostListener()]],
      ['the host on the LAN', async () => [stack.lan.hostIp, await hostListener()]],
    ] as [string, () => Promise<[string, number]>][])('cannot open a TCP connection to %s', async (_whom, where) => {
      const [ip, port] = await where()
      expect(await connectsFrom('samba-alice', ip, port)).toBe(false)
    })

    // By design the host's root owns every container; what is shut is the way over the network, for whatever else runs there.
    test('is not reached from the host; without its firewall both directions open, so the refusals were refusals', async () => {
      const [share, ip, port] = [await sharesIp(stack, 'samba-alice'), await bridge(), await hostListener()]
      expect(await hostConnects(share, 445)).toBe(false)
      await compose(stack.dir, ['exec', '-T', 'samba-alice', 'nft', 'flush', 'ruleset'])
      expect(await connectsFrom('samba-alice', ip, port)).toBe(true)
      expect(await hostConnects(share, 445)).toBe(true)
      await restart('samba-alice')
      expect(await connectsFrom('samba-alice', ip, port)).toBe(false)
      expect(await hostConnects(share, 445)).toBe(false)
    })

    test('has mounts of its own user alone: config, password, what Samba tells, storage', async () => {
      const ofDocker = ['/', '/etc/hostname', '/etc/hosts', '/etc/resolv.conf']
      const own = { '/etc/tmgen': 'generated/users/bob', '/run/secrets/tmgen': 'secrets/smb/bob' }
      const wanted = Object.entries(own).map(([target, path]) => ({ source: join(stack.dir, path), target }))
      wanted.push({ source: join(stack.storage, 'bob'), target: '/srv/tmgen' })
      const inMemory = { source: `${stack.dir.split('/').at(-1)}_status-u2`, target: '/run/tmgen-status' }
      expect(await mountsOf(stack, 'samba-bob')).toEqual([wanted[0], wanted[1], inMemory, wanted[2]])
      const seen = diskMounts(await inside('samba-bob', 'cat /proc/self/mountinfo'))
      const others = seen.filter((path) => !ofDocker.includes(path) && !/\/docker-init$/.test(path))
      expect(others).toEqual(wanted.map((mount) => mount.target))
    })

    test('finds no secret of another user or of the gateway in any file, environment or socket it can reach', async () => {
      const [his, hers] = [await stack.login('bob'), await stack.login('alice')]
      const state = (path: string) => readFileSync(join(stack.dir, path), 'utf8')
      const planted = 'only-alice-may-read-this-42'
      await alice.smbPut(await alice.peerIp('tm-alice'), 'macbook', hers, 'diary', planted)
      const nodeKey = /privkey:[0-9a-f]{64}/.exec(decoded(state('state/gateway/bob/tailscaled.state')))?.[0]
      if (!nodeKey) throw new Error('no node key was found in the state of the gateway')
      const secrets = [hers.password, planted, nodeKey, state('secrets/workspace.key').trim()]
      for (const file of readdirSync(join(stack.dir, 'secrets/gateway'))) {
        const key = state(`secrets/gateway/${file}`).trim()
        if (key) secrets.push(key)
      }
      expect(secrets.length).toBeGreaterThanOrEqual(6)
      // His own password is found: the search works.
      expect(await filesWith([his.password])).toEqual(['/run/secrets/tmgen/password'])
      expect(await filesWith(secrets)).toEqual([])
      const sockets = (await inside('samba-bob', 'find / -type s -not -path "/proc/*" 2>/dev/null || true')).split('\n')
      expect(sockets.filter((path) => path !== '' && !/^\/(run|var\/lib)\/samba\//.test(path))).toEqual([])
    })

    test('the gateway in turn has no password, no storage and no Docker socket', async () => {
      const targets = (await mountsOf(stack, 'gateway')).map((mount) => mount.source.replace(`${stack.dir}/`, ''))
      const own = ['generated/caddy', 'secrets/gateway', 'state/gateway', 'state/page', 'state/status']
      expect(targets.sort()).toEqual([...own, stack.headscale.caFile, '/etc/machine-id'].sort())
    })
  })

  describe('four locks, from all four open', () => {
    let closedPolicy: object
    let asBob: Login
    let bobsNode: string
    const openPolicy = () =>
      stack.headscale.setPolicy({ ...closedPolicy, grants: [{ src: ['*'], dst: ['*'], ip: ['*'] }] })
    const reaches = async () => (await alice.smb(bobsNode, 'imac', asBob, 'ls')).code === 0
    const insist = () => waitFor('alice to reach the share of bob', reaches, { timeout: 60_000 })

    beforeAll(async () => {
      asBob = await stack.login('bob')
      closedPolicy = JSON.parse(await stack.must(['policy', 'show']))
      await openPolicy()
      await allowAlice()
      bobsNode = await alice.peerIp('tm-bob')
    })

    test('all four open, alice reaches the share of bob', async () => {
      await insist()
    })

    test('the tailnet policy alone refuses her: her Mac does not even see the node', async () => {
      await stack.headscale.setPolicy(closedPolicy)
      await waitFor('the node to vanish', async () => (await alice.peer('tm-bob')) === undefined)
      expect(await alice.connects(bobsNode, 445)).toBe(false)
      await openPolicy()
      await insist()
    })

    test('the allow list alone refuses her', async () => {
      await forbidAlice()
      await stack.loaded()
      const { refused } = await stack.node('bob')
      expect(await reaches()).toBe(false)
      expect((await stack.node('bob')).refused).toBeGreaterThan(refused)
      await allowAlice()
      await insist()
    })

    test('the password alone refuses her: she has only her own', async () => {
      const own = await stack.login('alice')
      for (const login of [own, { ...own, user: 'bob' }])
        expect((await alice.smb(bobsNode, 'imac', login, 'ls')).stdout).toMatch(
          /NT_STATUS_(LOGON_FAILURE|ACCESS_DENIED)/,
        )
      await insist()
    })

    test('hosts allow alone refuses her, and whoever else comes by the gateway', async () => {
      const gateway = await sharesIp(stack, 'gateway')
      await changeHostsAllow(`hosts allow = ${gateway} 127.0.0.1`, 'hosts allow = 127.0.0.1')
      expect(await reaches()).toBe(false)
      await changeHostsAllow('hosts allow = 127.0.0.1', `hosts allow = ${gateway} 127.0.0.1`)
      await insist()
    })

    test('a login that is taken out of tmgen.yaml is cut in mid-copy, within 5 s', async () => {
      const copy = await running(alice, bobsNode, 'bob', 'imac')
      await forbidAlice()
      const ms = await took('the copy of alice to be cut', () => copy.ended())
      expect((await stack.node('bob')).connections).toBe(0)
      expect(await reaches()).toBe(false)
      console.info(`a login out of tmgen.yaml: its copy ended ${ms} ms after tmgen`)
      await stack.headscale.setPolicy(closedPolicy)
    })

    async function allowAlice(): Promise<void> {
      stack.edit('tmgen.yaml', (text) => text.replace('logins: [bob]', 'logins: [bob, alice]'))
      await stack.must(['generate'])
      await stack.loaded()
    }

    async function forbidAlice(): Promise<void> {
      stack.edit('tmgen.yaml', (text) => text.replace('logins: [bob, alice]', 'logins: [bob]'))
      await stack.must(['generate'])
    }

    async function changeHostsAllow(from: string, to: string): Promise<void> {
      stack.edit('generated/users/bob/smb.conf', (text) => text.replace(from, to))
      await restart('samba-bob')
    }
  })

  describe('a login is a name that can be given anew', () => {
    test('a user who is deleted in Headscale is cut in mid-copy, within 5 s', async () => {
      const copy = await running(alice, await alice.peerIp('tm-alice'), 'alice', 'macbook')
      await deleteAlice()
      // Her Mac hears nothing of it any more; the gateway must not go on serving it.
      const ms = await took('the gateway to drop her', async () => (await stack.node('alice')).connections === 0)
      console.info(`a user deleted in Headscale: no connection ${ms} ms after`)
      await alice.remove()
      await copy.ended()
    })

    test('alice made anew, of the same name, is refused until --rebind, which cuts nobody', async () => {
      await deleteAlice()
      await alice.remove()
      alice = await stack.client('alice')
      const node = await alice.peerIp('tm-alice')
      const hers = await stack.login('alice')
      const change = await refusedAs(alice, node, hers)
      expect(change).toMatchObject({ login: 'alice', new_id: await idOf('alice') })
      expect(change.old_id).not.toBe(change.new_id)
      expect((await stack.tmgen(['list'])).stderr).toMatch(
        /tm-alice: login alice is refused .*tmgen set user alice --rebind/,
      )

      const [gateway, { accepted }] = [await stack.containerOf('gateway'), await stack.node('bob')]
      const his = await running(bob, await bob.peerIp('tm-bob'), 'bob', 'imac')
      await stack.must(['set', 'user', 'alice', '--rebind'])
      await stack.loaded()
      await stack.session(alice, 'alice', 'macbook')
      expect((await stack.tmgen(['list'])).stderr).not.toContain('--rebind')
      expect(his.isRunning()).toBe(true)
      expect((await stack.node('bob')).accepted).toBe(accepted + 1)
      expect(await stack.containerOf('gateway')).toEqual(gateway)
      await his.stop()
    })

    test('bob who is renamed alice is refused at the node of the alice that was', async () => {
      const [node, hers] = [await alice.peerIp('tm-alice'), await stack.login('alice')]
      const id = String(await idOf('bob'))
      await deleteAlice()
      await stack.headscale.cli('users', 'rename', '--identifier', id, '--new-name', 'alice')
      // Headscale 0.29 goes on with the old name until it starts anew.
      await stack.headscale.stop()
      await stack.headscale.start()
      const { accepted } = await stack.node('alice')
      expect(await refusedAs(bob, node, hers, id)).toMatchObject({ login: 'alice', new_id: id })
      expect((await stack.node('alice')).accepted).toBe(accepted)
    })

    /** Tries until the gateway tells of the login's other account; nothing may be let in meanwhile. */
    async function refusedAs(client: Client, node: string, login: Login, id?: string) {
      return waitFor('the gateway to refuse the other account', async () => {
        if (await client.connects(node, 445)) expect((await client.smb(node, 'macbook', login, 'ls')).code).not.toBe(0)
        return (await stack.node('alice')).login_changed.find((one) => id === undefined || one.new_id === id)
      })
    }

    async function idOf(name: string): Promise<string | undefined> {
      const users = await stack.headscale.cli<{ id: number; name: string }[]>('users', 'list')
      const user = users.find((one) => one.name === name)
      return user && String(user.id)
    }

    /** Deletes her user, where there is one, with her Mac: Headscale takes no user away who has a node. */
    async function deleteAlice(): Promise<void> {
      const id = await idOf('alice')
      if (id === undefined) return
      const mac = (await stack.headscale.nodes()).find((one) => one.ip_addresses.includes(alice.tailnetIp))
      await stack.headscale.cli('nodes', 'delete', '--identifier', String(mac?.id), '--force')
      await stack.headscale.cli('users', 'destroy', '--identifier', id, '--force')
    }
  })

  /** A copy from a share that goes on for minutes: 64 GiB without a block on the disk. */
  async function running(client: Client, host: string, user: string, share: string) {
    const [folder, login] = [join(stack.storage, user, share), await stack.login(user)]
    const [file, { uid, gid }] = [join(folder, 'endless'), statSync(folder)]
    writeFileSync(file, '')
    truncateSync(file, 64 * 1024 ** 3)
    chownSync(file, uid, gid)
    chmodSync(file, 0o600)
    const { bytes_out: before } = await stack.node(user)
    let over = false
    const copy = client.smb(host, share, login, 'get endless /dev/null').catch(() => undefined)
    void copy.finally(() => {
      over = true
    })
    const begun = async () => !over && (await stack.node(user)).bytes_out - before > underWay
    await waitFor('the copy to run', begun)
    return {
      isRunning: () => !over,
      ended: async () => copy.then(() => true),
      stop: async () => {
        await client.exec(['pkill', 'smbclient'])
        await copy
      },
    }
  }

  /** Waits for what has to come within 5 s and gives how long it took in milliseconds. */
  async function took(what: string, probe: () => Promise<boolean>): Promise<number> {
    const from = Date.now()
    const late = new Promise<boolean>((_resolve, reject) =>
      setTimeout(() => reject(new Error(`${what} took more than ${cutWithin} ms`)), cutWithin).unref(),
    )
    await Promise.race([waitFor(what, probe, { timeout: cutWithin, every: 50 }), late])
    return Date.now() - from
  }

  /** Restarts a Samba container and waits until it serves; its own health check comes round too seldom for a test. */
  async function restart(service: string): Promise<void> {
    await compose(stack.dir, ['restart', service])
    const ask = 'smbclient --configfile=/dev/null -L //127.0.0.1 -U% -m SMB3 -t 5 2>&1 || true'
    await waitFor(`${service} to serve`, async () => /NT_STATUS_ACCESS_DENIED/.test(await inside(service, ask)))
  }

  async function inside(service: string, script: string, input?: string): Promise<string> {
    const ran = await composeExec(stack.dir, service, ['sh', '-c', script], input === undefined ? {} : { input })
    if (ran.code !== 0) throw new Error(`${service}: exit ${ran.code}: ${ran.stderr}`)
    return ran.stdout
  }

  /** Files, environments and command lines in the container of bob with one of these texts; they go in by stdin. */
  async function filesWith(texts: readonly string[]): Promise<string[]> {
    const everything =
      'find / -xdev -type f -size -64M; find /run /tmp /etc/tmgen /srv /var /dev/shm -type f -size -64M'
    const script = `cat > /tmp/wanted; chmod 600 /tmp/wanted
      { ${everything}; ls /proc/[0-9]*/environ /proc/[0-9]*/cmdline; } 2>/dev/null | sort -u |
        grep -v '^/tmp/wanted$' | tr '\\n' '\\0' | xargs -0 grep -lsaF -f /tmp/wanted -- || true
      rm /tmp/wanted`
    return (await inside('samba-bob', script, `${texts.join('\n')}\n`)).split('\n').filter((line) => line !== '')
  }

  async function connectsFrom(service: string, ip: string, port: number): Promise<boolean> {
    const attempt = `use IO::Socket::INET; exit(IO::Socket::INET->new(PeerAddr => "${ip}", PeerPort => ${port}, Timeout => 3) ? 0 : 7)`
    const ran = await composeExec(stack.dir, service, ['perl', '-e', attempt])
    if (ran.code !== 0 && ran.code !== 7) throw new Error(`perl exited ${ran.code}: ${ran.stderr}`)
    return ran.code === 0
  }

  async function bridge(): Promise<string> {
    return (await sharesIp(stack, 'gateway')).replace(/\.2$/, '.1')
  }
})

/** A tailscaled.state with its values, which are base64, as text. */
function decoded(state: string): string {
  const values = Object.values(JSON.parse(state) as Record<string, string>)
  return values.map((value) => Buffer.from(value, 'base64').toString()).join('\n')
}

let listening: Promise<number> | undefined

/** A listener on all addresses of the host, made once; gives its port. */
function hostListener(): Promise<number> {
  listening ??= new Promise((resolve) => {
    const server = createServer((socket) => socket.end())
    server.unref()
    server.listen(0, '0.0.0.0', () => resolve((server.address() as AddressInfo).port))
  })
  return listening
}
