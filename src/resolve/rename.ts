import { TmgenError } from '../errors.ts'
import type { Lock, LockedUser } from './types.ts'

/** Id and entry of the user of that name. */
export const userNamed = (lock: Lock, name: string): [string, LockedUser] | undefined =>
  Object.entries(lock.users).find(([, user]) => user.name === name)

/**
 * The lock with a user under a new name, and the former one kept until endRename: what lies under it has yet to follow.
 * A lock in which that was done already comes back as it is.
 * @throws TmgenError `usage` where the new name is not free, or the user is amid another rename
 */
export function beginRename(lock: Lock, from: string, to: string): Lock {
  const [, taken] = userNamed(lock, to) ?? []
  if (taken?.formerly === from) return lock
  if (taken !== undefined)
    throw new TmgenError('usage', `the name ${to} is not free: the lock has a user of that name`, {
      hint: `one who is gone from tmgen.yaml is ended by: tmgen remove user ${to}`,
    })
  const next = structuredClone(lock)
  const [id, user] = userNamed(next, from) ?? []
  // Never applied so far: there is nothing that could follow.
  if (id === undefined || user === undefined) return lock
  if (user.formerly !== undefined)
    throw new TmgenError('usage', `${from} is still being renamed`, {
      hint: `first: tmgen rename user ${user.formerly} ${from}`,
    })
  user.name = to
  user.formerly = from
  for (const node of Object.values(next.nodes)) if (node.owner === id) node.hostname = `tm-${to}`
  next.serial++
  return next
}

/** The lock once all that had the former name has followed. */
export function endRename(lock: Lock, name: string): Lock {
  const next = structuredClone(lock)
  const [, user] = userNamed(next, name) ?? []
  if (user?.formerly === undefined) return lock
  delete user.formerly
  next.serial++
  return next
}
