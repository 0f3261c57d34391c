import { nodeName } from './nodes.ts'
import type { Lock, LockedNode } from './types.ts'

const nodeOf = (lock: Lock, name: string): LockedNode | undefined =>
  Object.values(lock.nodes).find((node) => nodeName(lock, node) === name)

/** The lock with a node marked as amid a change of its key, until endRekey. */
export function beginRekey(lock: Lock, name: string): Lock {
  const next = structuredClone(lock)
  const node = nodeOf(next, name)
  if (node === undefined || node.rekeying) return lock
  node.rekeying = true
  next.serial++
  return next
}

/** The lock once nothing of the former key is left. */
export function endRekey(lock: Lock, name: string): Lock {
  const next = structuredClone(lock)
  const node = nodeOf(next, name)
  if (!node?.rekeying) return lock
  delete node.rekeying
  next.serial++
  return next
}
