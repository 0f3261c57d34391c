import { chownSync, mkdirSync } from 'node:fs'
import { onCleanup } from './cleanup.ts'
import { run } from './docker.ts'

/** A disk of the test's own, mounted at `path`. */
export interface LoopDisk {
  path: string
  mount(): Promise<void>
  unmount(): Promise<void>
  remount(how: 'ro' | 'rw'): Promise<void>
}

/** Makes a file with a filesystem beside `path`, and mounts it there by a loop device, owned by the lab's owner. */
export async function loopDisk(path: string, size: string): Promise<LoopDisk> {
  const image = `${path}.img`
  mkdirSync(path, { recursive: true })
  const must = async (command: string, ...args: string[]) => {
    const ran = await run(command, args)
    if (ran.code !== 0) throw new Error(`${command} ${args.join(' ')}: ${ran.stderr}`)
  }
  await must('truncate', '-s', size, image)
  await must('mkfs.ext4', '-q', '-m', '0', image)
  let mounted = false
  const disk: LoopDisk = {
    path,
    mount: async () => {
      await must('mount', '-o', 'loop', image, path)
      mounted = true
      const owner = Number(process.env.TMGEN_LAB_UID ?? 0)
      chownSync(path, owner, owner)
    },
    unmount: async () => {
      await must('umount', path)
      mounted = false
    },
    remount: (how) => must('mount', '-o', `remount,${how}`, path),
  }
  onCleanup(`disk ${path}`, async () => (mounted ? disk.unmount() : undefined))
  await disk.mount()
  return disk
}
