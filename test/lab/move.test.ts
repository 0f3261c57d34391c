import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Client, cleanUp, compose, composeDown, type Stack, startTwoUsers, waitFor } from './support/index.ts'

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
  await waitFor('adopt', async () => (await stack.tmgen(['adopt'])).code === 0, { timeout: 60_000 })
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
