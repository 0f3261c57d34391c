import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  type Client,
  cleanUp,
  copyWhole,
  endTrouble,
  life,
  linesSince,
  memory,
  run,
  type Stack,
  seconds,
  startTwoUsers,
  trouble,
  waitFor,
} from './support/index.ts'

// One of Alice's machines is hostile or broken. Bob works on meanwhile: each test copies his files and compares every byte.
// CI runs each for a while; `npm run soak` for its whole time.

const soak = seconds({ ci: 0, soak: 1 }) > 0
/** Lines a minute that one peer may bring about in the gateway's log: refusals, failed relays, and connections that ended. */
const linesAMinute = 60

describe('a hostile or broken machine of one person', () => {
  let stack: Stack
  let alice: Client
  let bob: Client
  let hers: string
  let his: string
  let began: Date
  let before: string

  beforeAll(async () => {
    ;({ stack, alice, bob } = await startTwoUsers())
    hers = await alice.peerIp('tm-alice')
    his = await bob.peerIp('tm-bob')
    // A file that is large and takes no room: what it holds does not matter.
    const { id } = await stack.containerOf('samba-alice')
    const made = await run('docker', ['exec', id, 'truncate', '-s', '4G', '/srv/tmgen/macbook/large'])
    expect(made.code, made.stderr).toBe(0)
    await stack.session(alice, 'alice', 'macbook')
  })
  afterAll(cleanUp)

  beforeEach(async () => {
    began = new Date()
    before = await life(stack, 'gateway')
  })

  afterEach(() => endTrouble())

  const bobCopies = async (mib = 64) => copyWhole(bob, his, 'imac', await stack.login('bob'), mib)

  /** Bob copies until `over` says so; gives how often, and the slowest in milliseconds. */
  async function bobCopiesUntil(over: () => Promise<boolean> | boolean, mib = 64) {
    const times: number[] = []
    do times.push(await bobCopies(mib))
    while (!(await over()))
    return { copies: times.length, slowest: Math.max(...times) }
  }

  /** The gateway is the same process as before, said little, and Alice's own machine works again. */
  async function nothingHappened() {
    expect(await life(stack, 'gateway')).toBe(before)
    const minutes = Math.ceil((Date.now() - began.getTime()) / 60_000)
    const lines = await linesSince(stack, 'gateway', began)
    expect(lines.length, lines.slice(-10).join('\n')).toBeLessThan(linesAMinute * (minutes + 1))
    expect(lines.filter((line) => line.includes('layer4') && line.includes('"error"'))).toEqual([])
    await stack.session(alice, 'alice', 'macbook')
  }

  test('what is not SMB 3 is refused by Samba, and nothing else happens', async () => {
    const garbage = await trouble(alice, 'garbage', hers, soak ? 200 : 2)
    const copies = await bobCopiesUntil(async () => (await garbage.seen()).ready)
    const { answers } = await garbage.done()
    console.log('garbage', answers, copies)
    // An SMB1 client may be told that there is no common protocol; the rest gets no word: it is closed, or Samba waits for
    // the rest of what looks like a long message.
    expect(Object.keys(answers)).toHaveLength(6)
    for (const [kind, all] of Object.entries(answers))
      for (const one of all) expect(one, kind).toMatch(kind === 'smb1' ? /^closed/ : /^(closed|silent) *$/)
    const samba = await linesSince(stack, 'samba-alice', began)
    expect(samba.length, samba.slice(-10).join('\n')).toBeLessThan(6 * (soak ? 200 : 2) + 20)
    await nothingHappened()
  })

  test('10,000 resets leave the copies of others whole', async () => {
    // In CI 10,000 tries, of which most are refused for their rate; in a soak 10,000 connections that were let in.
    const resets = await trouble(alice, 'resets', hers, 10_000, soak ? 10_000 : 500)
    const copies = await bobCopiesUntil(async () => (await resets.seen()).tries !== undefined)
    const seen = await resets.done()
    console.log('resets', seen, copies)
    expect(seen.opened + seen.refused).toBeGreaterThanOrEqual(10_000)
    await nothingHappened()
  })

  test('1,000 half-open and 1,000 idle connections hold up nobody else, and end', async () => {
    await alice.must([
      'iptables',
      '-A',
      'OUTPUT',
      '-p',
      'tcp',
      '--sport',
      '20000:20999',
      '--tcp-flags',
      'RST',
      'RST',
      '-j',
      'DROP',
    ])
    const refused = (await stack.node('alice')).refused
    const halfOpen = await trouble(alice, 'halfopen', hers, 1000)
    const idle = await trouble(alice, 'idle', hers, 1000)
    await Promise.all([halfOpen.ready(), idle.ready()])
    const opened = await stack.session(bob, 'bob', 'imac')
    const end = Date.now() + seconds({ ci: 10, soak: 300 })
    const copies = await bobCopiesUntil(() => Date.now() > end)
    const node = await stack.node('alice')
    const seen = { halfOpen: await halfOpen.stop(), idle: await idle.stop() }
    console.log('half open and idle', seen, copies, opened, node.connections, await memory(stack, 'gateway'))
    expect(node.refused - refused).toBeGreaterThan(1000)
    expect(node.connections).toBeLessThanOrEqual(128)
    // The first ones are answered, so that they are half open; most are refused.
    expect(seen.halfOpen.opened).toBeGreaterThan(10)
    expect(seen.halfOpen.refused).toBeGreaterThan(1000)
    await nothingHappened()
  })

  test('2,000 connections that ask and read nothing leave the gateway within its memory, and copies of others whole', async () => {
    const idle = await memory(stack, 'gateway')
    // The strongest that her password permits: sixteen clients stop reading in the middle of a large file.
    await alice.smb(hers, 'macbook', await stack.login('alice'), 'ls')
    const stall = await trouble(alice, 'stall', hers, 16, 'macbook', 'large')
    const stalled = await stall.ready()
    const unread = await trouble(alice, 'unread', hers, 2000)
    await unread.ready()
    let most = 0
    const end = Date.now() + seconds({ ci: 15, soak: 300 })
    const copies = await bobCopiesUntil(async () => {
      most = Math.max(most, (await memory(stack, 'gateway')).used)
      return Date.now() > end
    })
    const node = await stack.node('alice')
    const seen = { stalled: stalled.open, unread: await unread.stop() }
    await stall.stop()
    const after = await waitFor('the connections to end', async () => {
      const open = (await stack.node('alice')).connections
      return open < 5 && (await memory(stack, 'gateway'))
    })
    console.log('reads nothing', seen, copies, { idle, most, after }, node.connections)
    expect(most).toBeLessThan(0.75 * idle.limit)
    await nothingHappened()
  })

  test('a client that is alive and reads nothing for 10 minutes keeps its connection, and gets every byte then', async () => {
    const login = await stack.login('alice')
    await alice.must(['sh', '-c', 'head -c 256M /dev/urandom > /tmp/kept'])
    const put = await alice.smb(hers, 'macbook', login, 'put /tmp/kept kept')
    expect(put.code, put.stdout).toBe(0)
    const pause = await trouble(
      alice,
      'pause',
      hers,
      seconds({ ci: 20, soak: 600 }) / 1000,
      'macbook',
      'kept',
      '/tmp/got',
    )
    await pause.ready()
    const copies = await bobCopiesUntil(async () => (await pause.seen()).code !== undefined)
    const seen = await pause.done()
    console.log('paused', seen, copies)
    expect(seen.code, seen.said).toBe(0)
    await alice.must(['cmp', '/tmp/kept', '/tmp/got'])
    await nothingHappened()
  })

  test('while a server is away, tries of a client are no flood of errors in the log', async () => {
    const { id } = await stack.containerOf('samba-alice')
    await run('docker', ['stop', '-t', '5', id])
    const idle = await trouble(alice, 'idle', hers, 100)
    await idle.ready()
    await bobCopies()
    await waitFor('tries that failed', async () =>
      (await linesSince(stack, 'gateway', began)).some((l) => l.includes('relay failed')),
    )
    await idle.stop()
    const lines = (await linesSince(stack, 'gateway', began)).filter((line) => line.includes('"error"'))
    await run('docker', ['start', id])
    await stack.healthy('samba-alice')
    expect(lines.length, lines.join('\n')).toBeLessThanOrEqual(3)
    await nothingHappened()
  })
})
