import { chownSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Client, cleanUp, compose, onCleanup, run, type Stack, startTwoUsers, waitFor } from './support/index.ts'

// Disks of the test's own: files with a filesystem, mounted by loop devices.
describe('a storage disk that is not there', () => {
  let stack: Stack
  let alice: Client
  let disk: { mount(): Promise<void>; unmount(): Promise<void>; path: string }

  beforeAll(async () => {
    ;({ stack, alice } = await startTwoUsers({
      aliceArgs: async ({ storage }) => {
        disk = await loopDisk(join(storage, 'disk'))
        await disk.mount()
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

  async function loopDisk(path: string) {
    const image = `${path}.img`
    mkdirSync(path)
    const must = async (command: string, ...args: string[]) => {
      const ran = await run(command, args)
      if (ran.code !== 0) throw new Error(`${command} ${args.join(' ')}: ${ran.stderr}`)
    }
    await must('truncate', '-s', '128M', image)
    await must('mkfs.ext4', '-q', image)
    const unmount = () => must('umount', path)
    let mounted = false
    onCleanup(`disk ${path}`, async () => (mounted ? unmount() : undefined))
    return {
      path,
      mount: async () => {
        await must('mount', '-o', 'loop', image, path)
        mounted = true
        const owner = Number(process.env.TMGEN_LAB_UID ?? 0)
        chownSync(path, owner, owner)
      },
      unmount: async () => {
        await unmount()
        mounted = false
      },
    }
  }
})
