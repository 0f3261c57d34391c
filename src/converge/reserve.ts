import * as fs from 'node:fs'
import { dirname, join } from 'node:path'

/** The gateway keeps this file, in the folder of its nodes' state (gateway/reserve.go). */
const reserveFile = 'state/gateway/.reserve'
/** Bytes given up at a time: who fills the disk goes on writing, and takes what lies free for long. */
const piece = 256 * 1024
const { O_WRONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants

/**
 * Makes the reserve of the workspace that `path` lies in one piece smaller, so that a full disk takes one more write.
 * False where there is none, or nothing of it is left.
 */
export function giveUpReserve(path: string): boolean {
  for (let dir = dirname(path); dir !== dirname(dir); dir = dirname(dir)) {
    let fd: number
    try {
      fd = fs.openSync(join(dir, reserveFile), O_WRONLY | O_NOFOLLOW | O_NONBLOCK)
    } catch {
      continue
    }
    try {
      const { size } = fs.fstatSync(fd)
      if (size === 0) return false
      fs.ftruncateSync(fd, Math.max(0, size - piece))
      fs.fsyncSync(fd)
      return true
    } catch {
      return false
    } finally {
      fs.closeSync(fd)
    }
  }
  return false
}

/** Runs `write`, and again for each piece of the reserve that it takes until the disk is not full any more. */
export function withRoom<T>(path: string, write: () => T): T {
  for (;;) {
    try {
      return write()
    } catch (error) {
      if (!isFull(error) || !giveUpReserve(path)) throw error
    }
  }
}

/** Whether a call failed because the disk, or the quota on it, is used up. */
export function isFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOSPC' || code === 'EDQUOT'
}
