import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Client,
  cleanUp,
  compose,
  type LoopDisk,
  loopDisk,
  type Stack,
  startTwoUsers,
  waitFor,
} from './support/index.ts'

// Disks of the test's own: files with a filesystem, mounted by loop devices.
describe('a storage disk that is not there', () => {
  let stack: Stack
  let alice: Client
  let disk: LoopDisk

  beforeAll(async () => {
    ;({ stack, alice } = await startTwoUsers({
      aliceArgs: async ({ storage }) => {
        disk = await loopDisk(join(storage, 'disk'), '128M')
        return ['--storage', disk.path]
      },
    }))
    const who = await stack.login('alice')
    await alice.smbPut(await alice.peerIp('tm-alice'), 'macbook', who, 'kept.txt', 'kept')
  })
  afterAll(cleanUp)

  test('the share refuses and says why, nothing is written beneath, and it serves by itself once the disk is there', async () => {
    await compose(stack.dir, ['stop', 'samba-alice'])
    await disk.unmount()
    await compose(stack.dir, ['up', '-d'])
    await waitFor('the refusal in the log', async () =>
      /marker/i.test(await compose(stack.dir, ['logs', '--since', '1m', 'samba-alice'])),
    )
    const [host, who] = [await alice.peerIp('tm-alice'), await stack.login('alice')]
    expect((await alice.smb(host, 'macbook', who, 'ls')).code).not.toBe(0)
    expect(readdirSync(disk.path)).toEqual([])
    await disk.mount()
    await stack.session(alice, 'alice', 'macbook')
    expect(await alice.smbGet(host, 'macbook', who, 'kept.txt')).toBe('kept')
  })
})
