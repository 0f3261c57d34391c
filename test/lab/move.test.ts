import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type Client,
  cleanUp,
  compose,
  composeDown,
  docker,
  run,
  type Stack,
  startTwoUsers,
  waitFor,
} from './support/index.ts'

const letter = 'what alice keeps\n'

let stack: Stack
let alice: Client

beforeAll(async () => {
  ;({ stack, alice } = await startTwoUsers())
})
afterAll(cleanUp)

const node = async () => (await stack.headscale.nodes()).find((one) => one.given_name === 'tm-alice')

test('a backup of the running stack, restored elsewhere, stays down until the old one is stopped; then it is the same node', async () => {
  const [old, home] = [stack.dir, dirname(stack.dir)]
  const [file, keyFile, again] = [join(home, 'tm.age'), join(home, 'key.txt'), join(home, 'again')]
  const [host, who, id] = [await alice.peerIp('tm-alice'), await stack.login('alice'), (await node())?.id]
  await alice.smbPut(host, 'macbook', who, 'letter', letter)

  const identity = await generateX25519Identity()
  writeFileSync(keyFile, `${identity}\n`, { mode: 0o644 })
  await stack.must(['backup', file, '--recipient', await identityToRecipient(identity), '--identity', keyFile])
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect((await stack.tmgen(['status'])).stderr).not.toContain('tmgen backup')
  await stack.must(['restore', file, again, '--identity', keyFile], { cwd: home })
  expect(await stack.login('alice')).toEqual(who)

  stack.dir = again
  expect(await stack.tmgen(['generate'])).toMatchObject({ code: 1, stderr: expect.stringContaining('error[host]') })
  await expect(compose(again, ['up', '-d'])).rejects.toThrow(/generated/)
  expect(await stack.tmgen(['adopt'])).toMatchObject({ code: 1, stderr: expect.stringContaining('still online') })
  expect(existsSync(join(again, 'generated'))).toBe(false)
  // All of that left the old stack alone.
  expect((await node())?.online).toBe(true)
  expect(await alice.smbGet(host, 'macbook', who, 'letter')).toBe(letter)

  await composeDown(old)
  await waitFor('adopt', async () => (await stack.tmgen(['adopt'])).code === 0)
  await stack.up()
  await stack.running('alice')
  await stack.session(alice, 'alice', 'macbook')
  expect((await node())?.id).toBe(id)
  expect(await alice.peerIp('tm-alice')).toBe(host)
  expect(await alice.smbGet(host, 'macbook', who, 'letter')).toBe(letter)
  expect((await stack.tmgen(['plan', '--detailed-exitcode'])).code).toBe(0)
})

test('a lock that is lost comes back as it was, from the markers and the owners of the shares', async () => {
  const lockFile = join(stack.dir, 'tmgen.lock.json')
  const { serial, ...lock } = JSON.parse(readFileSync(lockFile, 'utf8'))
  rmSync(lockFile)
  expect((await stack.tmgen(['generate'])).stderr).toContain('lock rebuild')
  await stack.must(['lock', 'rebuild', '--yes'])
  expect(JSON.parse(readFileSync(lockFile, 'utf8'))).toEqual({ ...lock, serial: serial + 1 })
  await stack.must(['upgrade', '--yes'])
  expect((await stack.tmgen(['plan', '--detailed-exitcode'])).code).toBe(0)
})

test('the host is lost: a plain copy of the workspace and the disks bring back the same nodes and data on another', async () => {
  const lost = stack.dir
  const ids = async () => (await stack.headscale.nodes()).map((one) => `${one.given_name} ${one.id}`).sort()
  const [before, host, who] = [await ids(), await alice.peerIp('tm-alice'), await stack.login('alice')]
  // No farewell: what runs is killed. Then the folder is somewhere else, under another name, and the old one is gone.
  await compose(lost, ['kill'])
  await composeDown(lost)
  stack.dir = join(dirname(lost), 'rescued')
  expect(await run('cp', ['-a', lost, stack.dir])).toMatchObject({ code: 0, stderr: '' })
  rmSync(lost, { recursive: true })
  // The copy lies on the same machine, so the record of the machine is made another one's.
  stack.edit('state/host.json', (text) => text.replace(/[0-9a-f]{64}/, 'f'.repeat(64)))

  const machine = join(dirname(lost), 'machine-id')
  writeFileSync(machine, `${'e'.repeat(32)}\n`)
  stack.edit('.env', (text) => text.replace(/^TMGEN_MACHINE_ID=.*$/m, `TMGEN_MACHINE_ID=${machine}`))

  // Docker alone starts it, and no tmgen is there to refuse: the gateway does.
  await stack.up()
  const nodes = async () => Object.values((await stack.status()).nodes)
  await waitFor('every node to be down', async () => (await nodes()).every(({ state }) => state === 'error'))
  expect((await nodes()).map((one) => one.last_error)).toEqual(Array(2).fill(expect.stringContaining('another host')))
  const isOnline = async () => (await stack.headscale.nodes()).some((one) => one.online && /^tm-/.test(one.given_name))
  await waitFor('the nodes to go offline', async () => !(await isOnline()))
  expect((await stack.tmgen(['list'])).stderr).toMatch(/alice: last ran on another host: .*tmgen adopt/)
  expect(await stack.tmgen(['generate'])).toMatchObject({ code: 1, stderr: expect.stringContaining('error[host]') })
  expect(await stack.tmgen(['adopt'])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/still online: .*\bgateway in /),
  })
  await composeDown(stack.dir)

  await stack.must(['adopt'])
  await stack.up()
  await stack.running('alice', 'bob')
  await stack.session(alice, 'alice', 'macbook')
  expect(await ids()).toEqual(before)
  expect(await alice.peerIp('tm-alice')).toBe(host)
  expect(await alice.smbGet(host, 'macbook', who, 'letter')).toBe(letter)
  expect((await stack.tmgen(['plan', '--detailed-exitcode'])).code).toBe(0)
  expect((await stack.tmgen(['orphans'])).stderr).toContain('none')
})

test('of all that happened here, no log, definition, process or other file holds a secret', async () => {
  const files = (folder: string) =>
    readdirSync(join(stack.dir, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
  const secrets = [...files('secrets').map((path) => readFileSync(path, 'utf8').trim())]
  secrets.push(stack.env.TMGEN_HEADSCALE_API_KEY ?? '')
  expect(secrets.filter((one) => one.length >= 16).length).toBe(secrets.length)
  expect(secrets.length).toBeGreaterThanOrEqual(4)

  const ids = (await compose(stack.dir, ['ps', '-q'])).split('\n')
  const seen = new Map<string, string>([
    ['the logs', await compose(stack.dir, ['logs', '--no-color'])],
    ['the compose model', await compose(stack.dir, ['config'])],
    ['the containers', await docker(['inspect', ...ids])],
    ...(await Promise.all(
      ids.map(async (id) => [`processes of ${id}`, await docker(['top', id, '-eo', 'pid,args'])] as const),
    )),
    ...[...files('generated'), ...files('state')].map((path) => [path, readFileSync(path, 'latin1')] as const),
  ])
  const found = [...seen].filter(([, text]) => secrets.some((one) => text.includes(one))).map(([where]) => where)
  expect(found).toEqual([])
  expect(seen.get('the logs')).toContain('tm-alice')
})
