import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { beforeEach, describe, expect, test } from 'vitest'
import { Kill } from '../../support/world.ts'
import { dir, planted, Scene } from './scene.ts'

const [here, there] = ['a'.repeat(32), 'b'.repeat(32)]
const file = '/mnt/tm.age'
const identity = await generateX25519Identity()
const recipient = await identityToRecipient(identity)
const base64 = (text: string) => Buffer.from(text).toString('base64')
const enrolled = (id: string) =>
  JSON.stringify({
    '_current-profile': base64('profile-1'),
    'profile-1': base64(JSON.stringify({ Config: { NodeID: id } })),
  })

let scene: Scene

beforeEach(async () => {
  scene = new Scene()
  scene.options = { host: { machineId: here } }
  await scene.tmgen('init timemachine --provider headscale --url https://hs.example.com --storage /srv/tm')
  await scene.tmgen('add user alice --login alice')
  scene.disk.put(`${dir}/state/gateway/alice/tailscaled.state`, enrolled('7'), 0o600)
  scene.disk.put(`${dir}/state/gateway/alice/tailscaled.log1.txt`, 'log')
  scene.disk.put(`${dir}/state/gateway/.reserve`, 'room')
  scene.disk.put('/home/me/key.txt', `# created: today\n${identity}\n`)
  scene.disk.mkdirs('/mnt')
})

const online = (is: boolean) => {
  scene.headscale.nodes = [{ id: '7', givenName: 'tm-alice', name: 'tm-alice', online: is, tags: ['tag:tm-alice'] }]
}
const backup = () => scene.tmgen(`backup ${file} --recipient ${recipient}`)
const restore = (more = '') => scene.tmgen(`restore ${file} /home/me/again --identity /home/me/key.txt ${more}`)
const again = (line: string) => scene.tmgen(`${line} -w /home/me/again`)
const at = (path: string) => scene.disk.text(`/home/me/again/${path}`)

describe('backup', () => {
  test('writes one file for its owner alone; what is in it comes back, byte for byte, in modes of its own', async () => {
    scene.disk.put(`${dir}/secrets/gateway/bob.authkey`, `${planted}\n`, 0o644)
    const { code, stdout, stderr } = await backup()
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(stderr).toContain('1 users')
    expect(stderr).toContain('not opened')
    expect(scene.disk.nodes.get(file)?.mode).toBe(0o600)
    expect(scene.disk.text(file)).not.toContain('alice')

    expect((await restore()).code).toBe(0)
    const files = (root: string) =>
      [...scene.disk.nodes]
        .filter(([path, { kind }]) => kind === 'file' && path.startsWith(`${root}/`))
        .map(([path]) => path.slice(root.length + 1))
        .filter((path) => !/^generated|reserve|log1|tmgen-tmp|host.json|backup.json/.test(path))
        .sort()
    const kept = files(dir)
    expect(files('/home/me/again')).toEqual(kept)
    expect(kept).toContain('state/gateway/alice/tailscaled.state')
    for (const path of kept) {
      expect(at(path), path).toBe(scene.text(path))
      const isSecret = /^(secrets|state)\//.test(path)
      expect(scene.disk.nodes.get(`/home/me/again/${path}`)?.mode, path).toBe(isSecret ? 0o600 : 0o644)
    }
    expect(scene.disk.nodes.get('/home/me/again/secrets/smb')?.mode).toBe(0o700)
    expect(scene.printed).not.toContain(planted)
  })

  test('is opened again where an identity is at hand, and does not replace a file unless told to', async () => {
    expect((await scene.tmgen(`backup ${file} --recipient ${recipient} --identity key.txt`)).code).toBe(1)
    const ran = await scene.tmgen(`backup ${file} --recipient ${recipient} --identity /home/me/key.txt --json`)
    expect(JSON.parse(ran.stdout)).toMatchObject({ verified: 'decrypted', notes: [] })
    const before = scene.disk.text(file)
    expect((await backup()).stderr).toContain('is there already')
    expect(scene.disk.text(file)).toBe(before)
    expect((await scene.tmgen(`backup ${file} --recipient ${recipient} --force`)).code).toBe(0)
    expect(scene.disk.text(file)).not.toBe(before)
  })

  test('by a passphrase file; too short a one and a terminal that is missing are refused', async () => {
    scene.disk.put('/home/me/pass', `${planted} and more\n`)
    expect((await scene.tmgen(`backup ${file} --passphrase-file /home/me/pass`)).code).toBe(0)
    const ran = await scene.tmgen(`restore ${file} --list --json --passphrase-file /home/me/pass`)
    expect(JSON.parse(ran.stdout)).toMatchObject({ name: 'timemachine', users: [{ name: 'alice', node: '7' }] })
    scene.disk.put('/home/me/pass', 'short\n')
    expect((await scene.tmgen(`backup /mnt/x --passphrase-file /home/me/pass`)).stderr).toContain('too short')
    expect((await scene.tmgen(`backup /mnt/x`)).code).toBe(2)
    expect(scene.disk.nodes.has('/mnt/x')).toBe(false)
    expect(scene.printed).not.toContain(planted)
  })

  test('a link in the state is left out and told of, never followed', async () => {
    scene.disk.put('/etc/shadow', planted)
    scene.disk.link(`${dir}/state/gateway/alice/extra`, '/etc/shadow')
    expect((await backup()).stderr).toContain('not in the backup: state/gateway/alice/extra')
    expect((await restore('--list')).stdout).not.toContain('extra')
  })

  test("the embedded Headscale's database and its log are of one moment", async () => {
    const [database, log] = ['db.sqlite', 'db.sqlite-wal'].map((name) => `${dir}/state/headscale/${name}`) as [
      string,
      string,
    ]
    const write = (what: string) => {
      scene.disk.put(database, `database ${what}`)
      scene.disk.put(log, `log ${what}`)
    }
    write('old')
    let reads = 0
    const { disk } = scene
    const get = disk.nodes.get.bind(disk.nodes)
    // Headscale writes between the first readings of the two.
    disk.nodes.get = (path) => {
      if (path === log && reads++ < 5) write(`new ${reads}`)
      return get(path)
    }
    expect((await backup()).code).toBe(0)
    disk.nodes.get = get
    expect((await restore()).code).toBe(0)
    expect(at('state/headscale/db.sqlite')?.slice(9)).toBe(at('state/headscale/db.sqlite-wal')?.slice(4))
    expect(reads).toBeGreaterThan(4)
  })

  test('status tells of none, and of what changed since the last', async () => {
    const note = async () => /note: (.*tmgen backup FILE)/.exec((await scene.tmgen('status')).stderr)?.[1]
    expect(await note()).toContain('there is no backup')
    await backup()
    expect(await note()).toBeUndefined()
    scene.disk.put(`${dir}/state/gateway/alice/tailscaled.state`, enrolled('8'))
    expect(await note()).toBe(
      'changed since the last backup of the workspace, of 2026-01-02: the nodes that joined: tmgen backup FILE',
    )
    await scene.tmgen(`backup ${file} --force --recipient ${recipient}`)
    expect(await note()).toBeUndefined()
    scene.options = { ...scene.options, seed: 5 }
    await scene.tmgen('rotate alice --password')
    expect(await note()).toContain(': a password: ')
    await scene.tmgen('add user bob --login bob')
    expect(await note()).toContain(': users or their numbers, a password, tmgen.yaml: ')
  })
})

describe('restore', () => {
  beforeEach(async () => void (await backup()))

  test('shows what is in it, and asks for what opens it', async () => {
    const { stdout } = await restore('--list')
    expect(stdout).toMatch(/workspace timemachine .*1 users.*provider headscale/)
    expect(stdout).toMatch(/^alice +7$/m)
    expect(stdout).toMatch(/ secrets\/smb\/alice\/password$/m)
    expect(scene.disk.nodes.has('/home/me/again')).toBe(false)
    expect((await scene.tmgen(`restore ${file} /home/me/again`)).stderr).toContain('--identity is missing')
  })

  test('refuses a folder in which something lies, and takes an empty one with its owner', async () => {
    scene.disk.put('/home/me/again/notes', 'mine')
    expect((await restore()).stderr).toContain('is not empty')
    expect(at('notes')).toBe('mine')
    scene.disk.remove('/home/me/again/notes')
    scene.disk.put(`${dir}/.env`, 'TMGEN_UID=1234\nTMGEN_GID=99\nTMGEN_LOG_SIZE=1m\n')
    await scene.tmgen(`backup ${file} --force --recipient ${recipient}`)
    expect((await restore()).code).toBe(0)
    expect(at('.env')).toBe('TMGEN_UID=0\nTMGEN_GID=0\nTMGEN_LOG_SIZE=1m\nTMGEN_MACHINE_ID=/etc/machine-id\n')
  })

  test.each([
    false,
    true,
  ])('killed at any step it leaves nothing or all (into an empty folder: %s)', async (isThere) => {
    if (isThere) scene.disk.mkdirs('/home/me/again')
    const clean = scene.disk.copy()
    let steps = 0
    scene.options = { hook: () => void steps++ }
    await restore()
    const whole = scene.disk.snapshot('/home/me/again')
    expect(Object.keys(whole).length).toBeGreaterThan(10)
    for (let kill = 1; kill <= steps; kill += 2) {
      Object.assign(scene, { disk: clean.copy() })
      let left = kill
      scene.options = {
        hook: () => {
          if (--left === 0) throw new Kill()
        },
      }
      await restore().catch(() => undefined)
      const found = scene.disk.snapshot('/home/me/again', /\/\.tmgen-restore\//)
      expect([{}, whole], `killed at ${kill} of ${steps}`).toContainEqual(found)
      scene.options = {}
      if (Object.keys(found).length === 0) expect((await restore()).code, `after ${kill}`).toBe(0)
      expect(scene.disk.snapshot('/home/me/again'), `after ${kill}`).toEqual(whole)
      expect([...scene.disk.nodes.keys()].filter((path) => path.includes('tmgen-restore'))).toEqual([])
    }
  })
})

describe('the host of a workspace', () => {
  test('is recorded at the first write, silently, and without the machine id in it', async () => {
    expect(scene.text('state/host.json')).toMatch(/"machine": "[0-9a-f]{64}"/)
    expect(scene.text('state/host.json')).not.toContain(here)
    scene.disk.remove(`${dir}/state/host.json`)
    expect((await scene.tmgen('generate --check')).code).toBe(0)
    expect(scene.text('state/host.json')).toBe('')
    expect((await scene.tmgen('generate')).stderr).not.toContain('host')
    expect(scene.text('state/host.json')).toContain('machine')
  })

  test('on another one nothing is written until adopt, which refuses while a node is online', async () => {
    scene.options = { host: { machineId: there } }
    online(true)
    const before = scene.disk.snapshot(dir)
    const changes = scene.headscale.requests.filter((one) => !one.startsWith('GET'))
    for (const line of [
      'generate',
      'apply --no-up',
      'add user bob --login bob',
      'policy apply --yes --tailnet-wide',
      `backup /mnt/x --recipient ${recipient}`,
    ])
      expect((await scene.tmgen(line)).stderr, line).toContain('last changed on another host')
    expect(scene.headscale.requests.filter((one) => !one.startsWith('GET'))).toEqual(changes)
    expect((await scene.tmgen('status')).stderr).toContain('tmgen adopt')
    expect((await scene.tmgen('plan')).stderr).toContain('tmgen adopt')
    const refused = await scene.tmgen('adopt')
    expect(refused).toMatchObject({ code: 1 })
    expect(refused.stderr).toContain('still online: node tm-alice')
    expect(scene.disk.snapshot(dir)).toEqual(before)
    online(false)
    expect((await scene.tmgen('adopt')).code).toBe(0)
    expect((await scene.tmgen('generate')).code).toBe(0)
    expect((await scene.tmgen('adopt')).stderr).toContain('nothing to do')
    scene.options = { host: { machineId: here } }
    expect((await scene.tmgen('generate')).code).toBe(1)
  })

  test('is named in .env for the gateway, by every command that writes; what a person chose there stays', async () => {
    const line = 'TMGEN_MACHINE_ID=/etc/machine-id\n'
    const owner = scene.text('.env').replace(line, '')
    const fresh = new Scene()
    fresh.options = scene.options
    const { stderr } = await fresh.tmgen('init timemachine --provider manual --storage /srv/tm')
    expect([fresh.text('.env'), stderr]).toEqual([owner + line, expect.not.stringContaining('.env: added')])
    expect(scene.text('.env')).toBe(owner + line)
    scene.disk.put(`${dir}/.env`, owner, 0o600)
    expect((await scene.tmgen('generate')).stderr).toContain(`.env: added ${line.trim()}`)
    expect(scene.text('.env')).toBe(owner + line)
    expect(scene.disk.nodes.get(`${dir}/.env`)?.mode).toBe(0o600)
    expect((await scene.tmgen('generate')).stderr).not.toContain('.env')

    scene.options = {}
    await scene.tmgen('generate')
    expect(scene.text('.env')).toBe(owner)
    scene.disk.put(`${dir}/.env`, `TMGEN_MACHINE_ID=/srv/id\n${owner}`)
    for (const options of [{}, { host: { machineId: here } }]) {
      scene.options = options
      await scene.tmgen('generate')
      expect(scene.text('.env')).toBe(`TMGEN_MACHINE_ID=/srv/id\n${owner}`)
    }
    expect((await scene.tmgen('generate --check')).stderr).not.toContain('.env')
  })

  describe('as the gateway knows it', () => {
    const record = 'state/gateway/.host'
    // What the gateway wrote (gateway/host.go) on a machine with the id of `here`.
    const ours = {
      version: 1,
      salt: '000102030405060708090a0b0c0d0e0f',
      machine: 'a2e10fd72036e51e7ed8102cc29e77edaf2309e0eead25f6d40e5b676cb83477',
    }
    const put = (text = JSON.stringify(ours)) => scene.disk.put(`${dir}/${record}`, `${text}\n`, 0o600)
    beforeEach(() => {
      scene.disk.put('/etc/machine-id', `${here}\n`)
      online(false)
      put()
    })

    test('is left alone on this host, by adopt too, and is in no backup', async () => {
      expect((await scene.tmgen('adopt')).stderr).toContain('nothing to do')
      await scene.tmgen('generate')
      expect(scene.text(record)).toContain(ours.salt)
      await backup()
      expect((await restore('--list')).stdout).not.toContain('.host')
    })

    test('is forgotten by adopt on another host, and by no other command', async () => {
      scene.options = { host: { machineId: there } }
      scene.disk.put('/etc/machine-id', `${there}\n`)
      await scene.tmgen('generate')
      expect(scene.text(record)).toContain(ours.salt)
      expect((await scene.tmgen('adopt')).code).toBe(0)
      expect(scene.text(record)).toBe('')
    })

    test.each<[string, () => unknown]>([
      ['of another id', () => put(JSON.stringify({ ...ours, salt: 'f'.repeat(32) }))],
      ['damaged', () => put('{')],
      ['of a version that the gateway does not take', () => put(JSON.stringify({ ...ours, version: 2 }))],
      ['a link', () => scene.disk.link(`${dir}/${record}`, '/etc/passwd')],
      ['while .env names no id', () => scene.disk.put(`${dir}/.env`, 'TMGEN_UID=0\nTMGEN_GID=0\n')],
      ['while .env names what is no id', () => scene.disk.put('/etc/machine-id', '\n')],
    ])('is forgotten by adopt where only the gateway refuses: %s', async (_what, change) => {
      change()
      online(true)
      expect((await scene.tmgen('adopt')).stderr).toContain('still online')
      expect(scene.disk.nodes.has(`${dir}/${record}`)).toBe(true)
      online(false)
      const { code, stderr } = await scene.tmgen('adopt')
      expect([code, stderr]).toEqual([0, expect.stringContaining('this host has the workspace now')])
      expect(scene.disk.nodes.has(`${dir}/${record}`)).toBe(false)
      expect(scene.text('.env')).toContain('TMGEN_MACHINE_ID=/etc/machine-id')
      expect((await scene.tmgen('adopt')).stderr).toContain('nothing to do')
    })
  })

  test('a restored workspace has nothing to start until adopt, on the same machine too', async () => {
    await backup()
    await restore()
    online(true)
    for (const line of ['generate', 'policy apply --yes --tailnet-wide'])
      expect((await again(line)).stderr, line).toContain('no host has taken it over')
    expect((await again('adopt')).stderr).toContain('still online')
    expect(at('generated/docker-compose.yml')).toBeUndefined()
    online(false)
    expect((await again('adopt')).code).toBe(0)
    expect(at('generated/docker-compose.yml')).toBe(scene.text('generated/docker-compose.yml'))
    expect((await again('generate --check')).code).toBe(0)
  })

  test('adopt refuses while containers of the workspace run here, from whichever folder', async () => {
    await backup()
    await restore()
    const id = JSON.parse(scene.text('tmgen.lock.json')).workspace
    scene.dockerAnswer = (args) => {
      const isAsked = args[0] === 'ps' && args.includes(`label=tmgen.workspace=${id}`)
      return { exitCode: 0, stdout: isAsked ? 'gateway in /home/me/timemachine\n' : '', stderr: '' }
    }
    expect((await again('adopt --yes')).stderr).toContain('still online: gateway in /home/me/timemachine')
    scene.dockerAnswer = () => ({ exitCode: 0, stdout: '', stderr: '' })
    expect((await again('adopt')).code).toBe(0)
  })

  test('where nobody can be asked, adopt wants a word', async () => {
    scene = await Scene.with('manual')
    scene.options = { host: { machineId: here } }
    await scene.tmgen('generate')
    scene.options = { host: { machineId: there } }
    expect((await scene.tmgen('adopt')).stderr).toContain('--yes is missing')
    expect((await scene.tmgen('adopt --yes')).code).toBe(0)
  })
})
