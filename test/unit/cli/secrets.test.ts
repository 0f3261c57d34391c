import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Io } from '../../../src/ui/io.ts'
import type { Prompts } from '../../../src/ui/prompts.ts'
import { TinyDocker } from '../../support/docker.ts'
import { type StandIn, startStandIn } from '../../support/tailscale-api/server.ts'
import type { Hook } from '../../support/world.ts'
import { TinyHeadscale } from './headscale.ts'
import { dir, Scene } from './scene.ts'
import { Watch } from './watch.ts'

// Every secret of the runs below, by asking the one type that holds them: one that comes later is covered by itself.
const { secrets } = vi.hoisted(() => ({ secrets: new Set<string>() }))
vi.mock('../../../src/secret.ts', async (original) => {
  const { Secret } = await original<typeof import('../../../src/secret.ts')>()
  class Noted extends Secret {
    constructor(value: string) {
      super(value)
      secrets.add(value)
    }
  }
  return { Secret: Noted }
})

// Each line of a life runs with every fault, and a passphrase takes seconds by design.
vi.setConfig({ testTimeout: 120_000 })

const identity = await generateX25519Identity()
const recipient = await identityToRecipient(identity)
const passphrase = 'pl4nted-w0rds that-n0body-prints'
const apiKey = 'acme-api-pl4nted'
const pasted = 'hskey-auth-pl4nted-by-hand'
const joinKeyFile = '/home/me/join.key'
/** Somebody else's: what stands in the configuration of the Samba whose data is taken over. */
const theirs = 'their-ldap-pl4nted'

interface Run {
  line: string
  input?: string
  /** Exit code where nothing fails. */
  code?: number
  io?: Partial<Io>
  /** What somebody else does before. */
  before?: () => void
}

/** A workspace's life, in an order in which each command has something to do. */
const life: Run[] = [
  { line: 'add user alice --login alice --mac macbook' },
  { line: 'add user bob --login bob --auth-key-file - --json', input: pasted },
  { line: 'provision' },
  { line: 'provision alice --auth-key-file /home/me/pasted.key' },
  { line: 'list' },
  { line: 'list --json' },
  { line: 'plan --json' },
  { line: 'apply --no-up --yes --json' },
  { line: 'generate' },
  { line: 'policy show' },
  { line: 'policy apply --yes --json' },
  { line: 'policy check --json' },
  { line: 'status --json' },
  { line: 'doctor', code: 1 },
  { line: 'doctor --json', code: 1 },
  { line: 'doctor --fix --yes --json', code: 1 },
  { line: 'orphans --json' },
  { line: 'orphans --remove node:99 --yes', code: 1 },
  { line: 'guide alice' },
  { line: 'guide alice --password', code: 2 },
  { line: `invite alice --key-file ${joinKeyFile}` },
  { line: 'set user alice --quota 2T --json' },
  { line: 'rotate alice --password --json' },
  { line: 'rotate bob --key --auth-key-file -', input: `${pasted}-again` },
  { line: 'rotate alice --key --json' },
  { line: 'disable user bob' },
  { line: 'enable user bob' },
  { line: `backup /mnt/tm.age --recipient ${recipient} --identity /home/me/key.txt --json` },
  { line: 'restore /mnt/tm.age /home/me/again --identity /home/me/key.txt --json' },
  { line: 'upgrade --yes --no-up' },
  { line: 'storage show --json' },
  { line: 'add user carol --login carol --quota 1G' },
  { line: 'storage limit carol --by image --script' },
  { line: 'storage limit carol --by image --yes --json' },
  { line: 'storage show' },
  { line: 'import /srv/old/dave --user dave --mac macbook --login dave --smb-conf /home/me/bad.conf --yes', code: 1 },
  { line: 'import /srv/old/dave --user dave --mac macbook --login dave --smb-conf /home/me/smb.conf --yes' },
  {
    line: 'import /srv/old/erin --user erin --mac imac --login erin --auth-key-file - --yes --json',
    input: `${pasted}-for-erin`,
  },
  { line: 'restore-access alice --lan 192.168.1.0/24 --yes', before: () => scene.disk.mkdirs('/srv/tm/alice/macbook') },
  { line: 'restore-access alice --lan 192.168.1.0/24 --port 1445 --yes --json' },
  { line: 'status' },
  { line: 'doctor --json', code: 1 },
  { line: 'restore-access alice --end --json' },
  { line: 'rename user alice anna --json' },
  { line: 'remove user anna --yes --json' },
  { line: 'remove user bob --yes --purge=bob' },
]

/** What a terminal answers to each question. */
const typing: Prompts = { text: async () => 'alice', select: async () => 'yes', secret: async () => passphrase }

let scene: Scene
let watch: Watch

/** What root's programs do to the disk: a filesystem in a file, with the marker in it, mounted. */
const programs: Record<string, (args: string[]) => void> = {
  'mkfs.ext4': (args) => scene.disk.put(args.at(-1) ?? '', scene.disk.text(`${args.at(-2)}/.tmgen.json`) ?? ''),
  mv: ([, from = '', to = '']) => scene.disk.put(to, scene.disk.text(from) ?? ''),
  rm: ([, path = '']) => scene.disk.remove(path),
  mount: (args) => {
    const [file = '', path = ''] = args.slice(-2)
    scene.disk.spaces.set(path, { type: 0xef53, total: 2 ** 31, free: 2 ** 30, device: 2 })
    scene.disk.put(`${path}/.tmgen.json`, scene.disk.text(file) ?? '')
  },
}
const mount = { device: '8:1', root: '/', path: '/', type: 'ext4', source: '/dev/sda1', options: ['rw'] }
/** This machine: root, and mounted what the disk of the moment says. */
const machine = {
  isRoot: true,
  get mounts() {
    const own = { ...mount, device: '7:0', path: '/srv/tm/carol', source: '/dev/loop0' }
    return scene.disk.spaces.has(own.path) ? [mount, own] : [mount]
  },
}

/** A folder of somebody else's Samba, and its configuration; another that cannot be read. */
function putTheirs(): void {
  for (const [name, uid] of [
    ['dave', 1000],
    ['erin', 1001],
  ] as const) {
    scene.disk.put(`/srv/old/${name}/Mac.sparsebundle/bands/0`, 'band')
    scene.disk.put(`/srv/old/${name}/Mac.sparsebundle/Info.plist`, 'plist')
    scene.disk.owners.set(`/srv/old/${name}`, { uid, gid: uid })
  }
  const samba = 'vfs objects = fruit streams_xattr\nfruit:metadata = stream'
  scene.disk.put('/home/me/smb.conf', `[global]\nldap admin dn = ${theirs}\n[tm]\n${samba}\n`)
  scene.disk.put('/home/me/bad.conf', `[global]\nldap admin dn = ${theirs}\n${theirs}\n`)
}

/** A scene that is watched, with everything planted. */
async function start(provider: string): Promise<void> {
  secrets.clear()
  scene = new Scene()
  watch = new Watch(scene)
  watch.handedOut.add(joinKeyFile)
  Object.assign(scene, { headscale: new TinyHeadscale(apiKey, 'hskey-auth-minted-') })
  scene.headscale.policy = '{"tagOwners": {"tag:tm-anna": []}, "acls": []}'
  scene.env = { TMGEN_HEADSCALE_API_KEY: apiKey }
  const docker = new TinyDocker()
  const isCompose = (args: string[]) => args[0] === 'compose' && args.some((arg) => arg.includes('state/restore/'))
  scene.dockerAnswer = (args) => (isCompose(args) ? { exitCode: 0, stdout: '', stderr: '' } : docker.answer(args))
  scene.options = { hook: watch.hook, host: machine, tools: watch.programs(programs) }
  putTheirs()
  scene.disk.put('/home/me/key.txt', `${identity}\n`)
  scene.disk.put('/home/me/pasted.key', `${pasted}-from-a-file\n`)
  scene.disk.mkdirs('/mnt')
  scene.headscale.fetch = watch.fetch(scene.headscale.fetch)
  const url = provider === 'headscale' ? '--url https://hs.example.com' : ''
  expect((await run({ line: `init timemachine --provider ${provider} ${url} --storage /srv/tm` })).code).toBe(0)
}

const run = ({ line, input = '', io }: Run, env: Record<string, string> = {}) =>
  scene.tmgen(line, { stdin: { read: async () => new TextEncoder().encode(input) }, env, ...io })

/** All that is a secret here: what went through Secret, and what was planted. */
const all = () => [...secrets, apiKey, pasted, passphrase, identity, theirs]

/** Something that goes wrong while a command runs. */
type Fault = (failing: Scene) => void

const changes =
  (n: number, error: Error): Fault =>
  (failing) => {
    let left = n
    const broken: Hook = (what, path, moment) => {
      watch.hook(what, path, moment)
      if (what !== 'read' && --left === 0) throw error
    }
    failing.options = { ...failing.options, hook: broken }
  }
const answers =
  (reply: (sent: string, real: () => Promise<Response>) => Promise<Response>): Fault =>
  (failing) => {
    const real = failing.headscale.fetch
    failing.headscale.fetch = async (input, init) => {
      const header = new Headers(init?.headers).get('authorization')
      return reply(`${header?.split(' ').at(-1)} ${header} ${init?.body}`, () => real(input, init))
    }
  }
const faults: Record<string, Fault> = {
  'the server refuses and repeats what it was sent': answers(async (sent) =>
    Response.json({ message: `bad request: ${sent}` }, { status: 401 }),
  ),
  'a proxy shows all of what it was sent, as text': answers(async (sent) => new Response(sent, { status: 502 })),
  'the server does it, and says it did not': answers(async (sent, real) => {
    const text = await (await real()).text()
    return Response.json({ message: `${text} ${sent}` }, { status: 500 })
  }),
  'the answer is no JSON': answers(async (sent, real) => new Response(`${sent}${await (await real()).text()}`)),
  'the connection breaks, with all of it in the error': answers(async (sent) => {
    throw new TypeError(`fetch failed: ${sent}`, { cause: Object.assign(new Error(sent), { code: 'ECONNRESET' }) })
  }),
  'a bug at the first change': changes(1, new Error('a bug')),
  'a bug at the ninth change': changes(9, new Error('a bug')),
}

/** Runs a line on copies of disk and server, which nothing of it outlives. */
async function failing(one: Run, fault: Fault): Promise<void> {
  const { disk, options, headscale } = scene
  const { keys, nodes, users, policy, fetch } = headscale
  Object.assign(scene, { disk: disk.copy() })
  Object.assign(headscale, structuredClone({ keys, nodes, users, policy }))
  fault(scene)
  await run(one, { TMGEN_DEBUG: '1' })
  Object.assign(scene, { disk, options })
  Object.assign(headscale, { keys, nodes, users, policy, fetch })
}

describe('a whole life with Headscale', () => {
  beforeEach(() => start('headscale'))

  test('shows no secret anywhere, whatever goes wrong', async () => {
    const codes: [string, number][] = []
    for (const one of life) {
      one.before?.()
      for (const fault of Object.values(faults)) await failing(one, fault)
      const { code, stderr } = await run(one)
      codes.push([code === (one.code ?? 0) ? one.line : `${one.line}: ${stderr}`, code])
    }
    expect(watch.leaks(all())).toEqual([])
    expect(codes).toEqual(life.map(({ line, code }) => [line, code ?? 0]))
    // It looked at what it should look at.
    const places = watch.seen.map(({ where }) => where)
    for (const file of ['state/journal.json', 'state/control.json', 'tmgen.yaml', 'state/restore/alice/compose.yaml'])
      expect(places).toContain(`${dir}/${file}`)
    expect(places).toContain('a URL')
    for (const program of ['mkfs.ext4', 'mount']) expect(watch.ran.join('\n')).toContain(program)
    // A secret that is written went through the type that redacts itself.
    for (const text of watch.kept) expect(all()).toContain(text)
    expect(watch.kept.size).toBeGreaterThan(8)
  })

  test('a passphrase, from a file or typed, is in nothing but the lock of the backup', async () => {
    await run({ line: 'add user alice --login alice' })
    scene.disk.put('/home/me/pass', `${passphrase}\n`)
    const code = async (line: string, io: Partial<Io> = {}) => (await run({ line, io }, { TMGEN_DEBUG: '1' })).code
    expect(await code('backup /mnt/a.age --passphrase-file /home/me/pass --json')).toBe(0)
    expect(await code('restore /mnt/a.age --list --json', { prompts: typing })).toBe(0)
    expect(await code('restore /mnt/a.age --list --identity /home/me/pass')).toBe(2)
    scene.disk.put('/mnt/a.age', scene.disk.text('/mnt/a.age')?.slice(0, 200) ?? '')
    expect(await code('restore /mnt/a.age /home/me/b --passphrase-file /home/me/pass')).toBe(1)
    expect(watch.leaks(all())).toEqual([])
    expect(secrets).toContain(passphrase)
  })

  test('a password is shown on a terminal that asked for it, and in its messages never', async () => {
    await run({ line: 'add user alice --login alice' })
    const shown: string[] = []
    const stdout = { isTTY: true, write: (text: string) => shown.push(text) }
    const { code, stderr } = await run({ line: 'guide alice --password', io: { stdout } })
    const password = scene.text('secrets/smb/alice/password').trim()
    expect(code).toBe(0)
    expect(stderr).not.toContain(password)
    expect(watch.leaks(all())).toEqual([])
  })
})

describe('with Tailscale', () => {
  let standIn: StandIn
  beforeAll(async () => {
    standIn = await startStandIn()
  })
  afterAll(() => standIn.stop())

  test.each(['API key', 'OAuth client'])('%s: no secret is shown, whatever the server says', async (credential) => {
    await start('tailscale')
    // Nothing to be known by: neither may it be shown where a message is cleaned of what looks like a key.
    standIn.state.apiKey = 'acme-api-pl4nted'
    standIn.state.client.secret = 'acme-client-pl4nted'
    const { apiKey: key, client } = standIn.state
    const secret = credential === 'API key' ? key : client.secret
    scene.env =
      credential === 'API key'
        ? { TMGEN_TAILSCALE_API_KEY: key }
        : { TMGEN_TAILSCALE_CLIENT_ID: client.id, TMGEN_TAILSCALE_CLIENT_SECRET: client.secret }
    const there = (input: unknown) => String(input).replace(/^https:\/\/[^/]+/, standIn.url)
    scene.headscale.fetch = watch.fetch((input, init) => fetch(there(input), init))
    const lines: Run[] = [
      { line: 'add user alice --login alice@example.com' },
      { line: 'list --json' },
      { line: 'policy apply --yes --json' },
      { line: 'plan' },
      { line: 'rotate alice --key' },
      { line: 'doctor', code: 1 },
      { line: 'remove user alice --yes --json' },
    ]
    for (const one of lines) {
      for (const fault of Object.values(faults)) await failing(one, fault)
      const { code, stderr } = await run(one)
      expect([one.line, code, code === (one.code ?? 0) ? '' : stderr]).toEqual([one.line, one.code ?? 0, ''])
    }
    expect(watch.leaks([...all(), secret, ...standIn.state.tokens.keys()])).toEqual([])
    expect([...secrets].some((one) => one.includes(credential === 'API key' ? key : 'tskey-access'))).toBe(true)
  })
})
