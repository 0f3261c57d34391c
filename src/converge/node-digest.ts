import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import type { Digest } from '../world.ts'

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants
/** Bytes at a time. */
const chunk = 1024 * 1024
const noFile = { outcome: 'faulty', why: 'it is no regular file' } as const

/** See ForeignFolder.digest. The name may lead to something else from one call to the next: only what is open counts. */
export function digestFile(path: string, maxBytes: number, onBytes: () => void): Digest {
  try {
    // Not even to look at it is anything else opened.
    if (!fs.lstatSync(path).isFile()) return noFile
    const fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    try {
      return digestOpen(fd, maxBytes, onBytes)
    } finally {
      fs.closeSync(fd)
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    if (code === 'ENOENT' || code === 'ESTALE') return { outcome: 'gone' }
    if (code === 'ELOOP' || code === 'ENXIO') return noFile
    return {
      outcome: 'faulty',
      why: code === 'EIO' ? 'the disk does not give it back (EIO)' : `it cannot be read (${code})`,
    }
  }
}

function digestOpen(fd: number, maxBytes: number, onBytes: () => void): Digest {
  const before = fs.fstatSync(fd, { bigint: true })
  if (!before.isFile()) return noFile
  const size = Number(before.size)
  if (size > maxBytes) return { outcome: 'over', size }
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(Math.min(chunk, size + 1))
  let total = 0
  for (;;) {
    onBytes()
    const got = fs.readSync(fd, buffer, 0, buffer.length, null)
    if (got === 0) break
    total += got
    // It grows while it is read.
    if (total > size) return { outcome: 'busy' }
    hash.update(buffer.subarray(0, got))
  }
  const stamp = stampOf(before)
  if (stampOf(fs.fstatSync(fd, { bigint: true })) !== stamp) return { outcome: 'busy' }
  if (total !== size) return { outcome: 'faulty', why: `it ends after ${total} of ${size} bytes` }
  return { outcome: 'read', size, changed: before.ctime, stamp, hash: hash.digest() }
}

const stampOf = ({ size, mtimeNs, ctimeNs }: fs.BigIntStats) => `${size}:${mtimeNs}:${ctimeNs}`
