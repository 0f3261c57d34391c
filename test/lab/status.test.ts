import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  backUpBundle,
  type Client,
  cleanUp,
  compose,
  makeSparsebundle,
  type Stack,
  startTwoUsers,
  waitFor,
} from './support/index.ts'

interface Row {
  name: string
  node: { state: string; ips: string[] }
  path: string | null
  sessions: number
  samba: string
  macs: { usedBytes: number | null; lastBackup: string | null; lastWrite: string | null; backups: number | null }[]
  warnings: string[]
}

interface Told {
  checks: { name: string; verdict: string; says: string[] }[]
  failed: number
}

describe('status and doctor', () => {
  /** To a second, as a history has it. */
  const backedUp = new Date(Math.floor(Date.now() / 1000) * 1000 - 3600_000)
  let stack: Stack
  let alice: Client

  beforeAll(async () => {
    ;({ stack, alice } = await startTwoUsers())
  })
  afterAll(cleanUp)

  test('the gateway knows what a device that came in runs, because Headscale passes it on', async () => {
    const { systems } = (await stack.status()).nodes.alice!
    expect(systems).toMatchObject([{ system: expect.stringMatching(/^linux \d/) }])
  })

  test('status shows both users well, and a backup with its date and size', async () => {
    const snapshots = [new Date(backedUp.getTime() - 3600_000), backedUp].map((date) => date.toISOString())
    const bundle = await makeSparsebundle(alice, '/tmp', { bands: 3, bandSize: 65_536, snapshots })
    await backUpBundle(alice, await alice.peerIp('tm-alice'), 'macbook', await stack.login('alice'), bundle)
    const [hers, his] = [await row('alice'), await row('bob')]
    for (const one of [hers, his]) {
      expect(one.node.state).toBe('running')
      // Docker asks for the first time half a minute after the start.
      expect(['starting', 'healthy']).toContain(one.samba)
    }
    expect(hers.path).toBe('direct')
    expect(hers.node.ips).toContain(await alice.peerIp('tm-alice'))
    expect(hers.warnings).toEqual([])
    expect(hers.macs[0]).toMatchObject({ usedBytes: 3 * 65_536, backups: 2, lastBackup: backedUp.toISOString() })
    expect(Date.now() - Date.parse(hers.macs[0]?.lastWrite ?? '')).toBeLessThan(60_000)
    expect(his.macs[0]).toMatchObject({ usedBytes: null, lastBackup: null })
    expect(his.warnings).toEqual(['imac: no backup yet'])
    expect(await stack.must(['status'])).toMatch(
      /^alice +running +100\.\S+ +direct +used +(starting|healthy) +\d+ +192K of 1T /m,
    )
  })

  test('an open connection is counted for its user alone, and over when it ends', async () => {
    await waitFor('no connection', async () => (await row('alice')).sessions === 0)
    await alice.must(['touch', '/tmp/hold'])
    const script = `
import os, socket, time
c = socket.create_connection(("${await alice.peerIp('tm-alice')}", 445), 5)
while os.path.exists("/tmp/hold"):
    time.sleep(0.1)`
    const held = alice.exec(['python3', '-c', script])
    const open = await waitFor('the connection', async () => {
      const now = await row('alice')
      return now.sessions === 1 ? now : undefined
    })
    expect(open.path).toBe('direct')
    expect((await row('bob')).sessions).toBe(0)
    await alice.must(['rm', '/tmp/hold'])
    expect((await held).code).toBe(0)
    await waitFor('its end', async () => (await row('alice')).sessions === 0)
  })

  test('doctor finds no fault in a stack that works, and looks at all but what nobody uses', async () => {
    const { code, told } = await doctor()
    expect(told.checks.filter((one) => one.verdict === 'fail')).toEqual([])
    expect(code).toBe(0)
    // Nobody is connected now, those who were run Linux, and Samba's first health check may not have been made.
    const skipped = told.checks.filter((one) => one.verdict === 'skipped').flatMap((one) => one.says)
    expect(skipped.filter((why) => !why.endsWith('containers had no health check yet'))).toEqual([
      'no Mac is connected now',
      'no Mac connected whose version is known',
    ])
    // The lab's certificates are valid for a week, and their authority is known by NODE_EXTRA_CA_CERTS.
    expect(told.checks.find((one) => one.name === 'certificate')).toMatchObject({
      verdict: 'warn',
      says: [expect.stringMatching(/^valid until \S+, [67] days$/)],
    })
  })

  test('doctor and status name a Samba that is stopped, and whose it is', async () => {
    await compose(stack.dir, ['stop', 'samba-alice'])
    const { code, told } = await doctor()
    expect(code).toBe(1)
    expect(told.checks.filter((one) => one.verdict === 'fail')).toEqual([
      expect.objectContaining({
        name: 'samba',
        says: expect.arrayContaining([expect.stringMatching(/^Samba of alice is /)]),
      }),
    ])
    expect((await row('alice')).warnings.join()).toContain('Samba is ')
    expect(['starting', 'healthy']).toContain((await row('bob')).samba)
  })

  async function row(user: string): Promise<Row> {
    const { users } = JSON.parse(await stack.must(['status', '--json'])) as { users: Row[] }
    return users.find((one) => one.name === user) as Row
  }

  async function doctor(): Promise<{ code: number; told: Told }> {
    const { code, stdout } = await stack.tmgen(['doctor', '--json'])
    return { code, told: JSON.parse(stdout) as Told }
  }
})
