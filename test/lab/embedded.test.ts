import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  backUpBundle,
  type Client,
  cleanUp,
  compose,
  composeExec,
  docker,
  type EmbeddedStack,
  makeCertificate,
  makeSparsebundle,
  run,
  startEmbeddedStack,
  waitFor,
} from './support/index.ts'

interface Inspected {
  NetworkSettings: { Networks: Record<string, { IPAddress: string }> }
  Mounts: { Source: string; Destination: string }[]
}

interface Policy {
  tagOwners: Record<string, string[]>
  grants: { src: string[]; dst: string[]; ip: string[] }[]
}

let stack: EmbeddedStack
let alice: Client
let bob: Client

const inspect = async (service: string): Promise<Inspected> => {
  const { id } = await stack.containerOf(service)
  return JSON.parse(await docker(['inspect', id]))[0]
}
const policy = () => stack.headscale<Policy>('policy', 'get')
const forNobody = { src: ['192.0.2.1'], dst: ['192.0.2.1'], ip: ['tcp:445'] }
async function setPolicy(wanted: Policy): Promise<void> {
  const command = ['headscale', 'policy', 'set', '-f', '/dev/stdin']
  const ran = await composeExec(stack.dir, 'headscale', command, { input: JSON.stringify(wanted) })
  if (ran.code !== 0) throw new Error(ran.stderr)
}

beforeAll(async () => {
  stack = await startEmbeddedStack()
})
afterAll(cleanUp)

test('init starts Headscale alone, with a policy that closes everything before the first key exists', async () => {
  expect(await compose(stack.dir, ['ps', '--services'])).toBe('headscale')
  expect((await stack.headscale<unknown[] | null>('preauthkeys', 'list')) ?? []).toEqual([])
  expect((await policy()).grants).toEqual([forNobody])
})

// With every port opened the packets do pass and the names do appear, so that the refusal means something.
test('two strangers who enrol neither see nor reach each other', async () => {
  const [one, two] = [await stack.stranger('one'), await stack.stranger('two')]
  await two.must(['sh', '-c', 'python3 -m http.server 8000 >/dev/null 2>&1 &'])
  await waitFor('the listener', () => two.connects(two.tailnetIp, 8000))
  expect(await one.connects(two.tailnetIp, 8000)).toBe(false)
  expect(await one.must(['tailscale', 'status'])).not.toContain(two.tailnetIp)
  const closed = await policy()
  await setPolicy({ ...closed, grants: [{ src: ['*'], dst: ['*'], ip: ['*'] }] })
  await waitFor('the open policy to let one through', () => one.connects(two.tailnetIp, 8000))
  expect(await one.must(['tailscale', 'status'])).toContain(two.tailnetIp)
  await setPolicy(closed)
  await one.remove()
  await two.remove()
})

test('add user makes the Headscale user, a tagged single-use key for the node, and its one grant', async () => {
  await stack.must(['add', 'user', 'alice', '--login', 'alice', '--mac', 'macbook'])
  await stack.must(['add', 'user', 'bob', '--login', 'bob', '--mac', 'imac'])
  const users = await stack.headscale<{ name: string }[]>('users', 'list')
  expect(users.map(({ name }) => name)).toEqual(expect.arrayContaining(['alice', 'bob']))
  const keys = await stack.headscale<{ reusable?: boolean; acl_tags?: string[] }[]>('preauthkeys', 'list')
  const ofAlice = keys.filter((key) => key.acl_tags?.includes('tag:tm-alice'))
  expect(ofAlice.map((key) => [key.acl_tags, key.reusable ?? false])).toEqual([[['tag:tm-alice'], false]])
  expect((await policy()).grants).toEqual([
    { src: ['alice@'], dst: ['tag:tm-alice'], ip: ['tcp:445'] },
    { src: ['bob@'], dst: ['tag:tm-bob'], ip: ['tcp:445'] },
    forNobody,
  ])
})

test('an invited Mac joins and backs up through its own node on a direct path', async () => {
  await stack.up()
  await stack.running('alice', 'bob')
  alice = await stack.invited('alice')
  await stack.session(alice, 'alice', 'macbook')
  const [host, bundle] = [await alice.peerIp('tm-alice'), await makeSparsebundle(alice, '/tmp')]
  await backUpBundle(alice, host, 'macbook', await stack.login('alice'), bundle)
  expect((await alice.path('tm-alice')).path).toBe('direct')
})

test("bob backs up to his own node, does not see alice's, and is refused at her address", async () => {
  bob = await stack.invited('bob')
  await stack.session(bob, 'bob', 'imac')
  expect(await bob.peer('tm-alice')).toBeUndefined()
  expect(await bob.connects(await alice.peerIp('tm-alice'), 445)).toBe(false)
})

test('the gateway finds the control server on the uplink by its server name, not around a router', async () => {
  const { id } = await stack.containerOf('gateway')
  const { Networks } = (await inspect('headscale')).NetworkSettings
  const look = ['run', '--rm', '--network', `container:${id}`, '--entrypoint', 'getent', 'tmgen-lab/client']
  const [found] = (await docker([...look, 'ahostsv4', stack.server])).split(/\s/)
  expect(Object.values(Networks).map((network) => network.IPAddress)).toEqual([found])
})

test('Headscale is not on the network of the shares, and its admin socket lies in no mounted folder', async () => {
  const { NetworkSettings, Mounts } = await inspect('headscale')
  expect(Object.keys(NetworkSettings.Networks)).toEqual([expect.stringMatching(/_uplink$/)])
  expect(Mounts.map((mount) => mount.Destination).filter((path) => /^\/(var\/)?run/.test(path))).toEqual([])
  const found = (await run('find', [stack.dir, '-type', 's'])).stdout.trim().split('\n')
  // The monitor's is there as soon as its container is.
  expect(found.filter((path) => !path.startsWith(join(stack.dir, 'state/page/')))).toEqual([
    join(stack.dir, 'state/status/status.sock'),
  ])
})

test('another user joins the running stack, and everybody else runs on', async () => {
  const services = ['headscale', 'gateway', 'samba-alice', 'samba-bob']
  const before = await Promise.all(services.map((service) => stack.containerOf(service)))
  await stack.must(['add', 'user', 'carol', '--login', 'carol', '--mac', 'mini'])
  await stack.up()
  await stack.loaded()
  await stack.running('carol')
  expect(await Promise.all(services.map((service) => stack.containerOf(service)))).toEqual(before)
  await stack.session(alice, 'alice', 'macbook')
})

test('a policy changed by hand is shown by plan, and written again by apply', async () => {
  const before = await policy()
  await setPolicy({ ...before, grants: [{ src: ['*'], dst: ['*'], ip: ['*'] }] })
  const shown = await stack.tmgen(['plan', '--detailed-exitcode'])
  expect([shown.code, shown.stdout + shown.stderr]).toEqual([2, expect.stringContaining('lets others reach')])
  await stack.must(['apply', '--yes'])
  expect(await policy()).toEqual(before)
  expect((await stack.tmgen(['plan', '--detailed-exitcode'])).code).toBe(0)
})

test('a renewed certificate is taken up by apply: plan shows it, and nobody else notices', async () => {
  const services = ['gateway', 'samba-alice', 'samba-bob']
  const before = await Promise.all(services.map((service) => stack.containerOf(service)))
  const old = await stack.certificate()
  await makeCertificate(stack.tls, stack.server)
  expect(await stack.certificate()).toBe(old)
  const shown = await stack.tmgen(['plan', '--detailed-exitcode'])
  expect([shown.code, shown.stdout + shown.stderr]).toEqual([2, expect.stringContaining('container headscale')])
  await stack.must(['apply', '--yes'])
  await waitFor('the new certificate', async () => (await stack.certificate().catch(() => old)) !== old)
  expect(await Promise.all(services.map((service) => stack.containerOf(service)))).toEqual(before)
  await waitFor('Headscale to answer', async () => (await stack.tmgen(['plan', '--detailed-exitcode'])).code === 0)
  await stack.session(alice, 'alice', 'macbook')
})

/** Opens a database with the log beside it as SQLite does after a crash; prints its health, and how many nodes it has. */
const openDatabase = `
import base64, sqlite3
for name, content in files: open('/tmp/' + name, 'wb').write(base64.b64decode(content))
db = sqlite3.connect('/tmp/db.sqlite')
print(db.execute('pragma integrity_check').fetchone()[0], db.execute('select count(*) from nodes').fetchone()[0])
`

test('a backup holds its database as it was at one moment, also while it is written to', async () => {
  const home = dirname(stack.dir)
  const [file, keyFile, again] = [join(home, 'tm.age'), join(home, 'key.txt'), join(home, 'again')]
  const identity = await generateX25519Identity()
  writeFileSync(keyFile, identity)
  let made = 0
  let isOver = false
  const writer = (async () => {
    for (; !isOver; made++) await stack.headscale('preauthkeys', 'create', '--tags', 'tag:tm-alice')
  })()
  await waitFor('a key that is made meanwhile', () => made > 0)
  await stack.must(['backup', file, '--recipient', await identityToRecipient(identity)])
  isOver = true
  await writer
  await stack.must(['restore', file, again, '--identity', keyFile], { cwd: home })
  const nodes = await stack.headscale<unknown[]>('nodes', 'list')
  const files = ['db.sqlite', 'db.sqlite-wal'].map((name) => [
    name,
    readFileSync(join(again, 'state/headscale', name)).toString('base64'),
  ])
  const input = `files = ${JSON.stringify(files)}${openDatabase}`
  expect((await alice.must(['python3', '-'], { input })).trim()).toBe(`ok ${nodes.length}`)
})
