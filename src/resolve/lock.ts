import { z } from 'zod'
import { parseIp } from '../config/subnet.ts'
import type { Lock } from './types.ts'

const counter = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER)
const name = z.string().regex(/^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$/, 'must be a DNS label')
const ip = z.string().refine((text) => parseIp(text) !== undefined, 'must be an IPv4 address')

/** tmgen.lock.json, version 1. */
export const lockSchema = z.strictObject({
  version: z.literal(1),
  tmgen: z
    .string()
    .max(40)
    .regex(/^\d+\.\d+\.\d+/, 'must be a version')
    .optional(),
  workspace: z.string().regex(/^[0-9a-f]{16}$/, 'must be 16 hex digits'),
  serial: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  next: z.strictObject({ user: counter, node: counter, uid: counter }),
  nodes: z.record(
    z.string().regex(/^n[1-9]\d{0,8}$/, 'must be n and a number'),
    z.strictObject({
      owner: z.string(),
      hostname: z.string().regex(/^tm-[a-z0-9-]{1,60}$/, 'must be tm-NAME'),
      udpPort: z.number().int().min(1024).max(65535),
      rekeying: z.literal(true).optional(),
      // What fits in the gateway's 32 bits.
      pinEpoch: z
        .number()
        .int()
        .min(1)
        .max(2 ** 32 - 1)
        .optional(),
    }),
  ),
  users: z.record(
    z.string().regex(/^u[1-9]\d{0,8}$/, 'must be u and a number'),
    z.strictObject({
      name,
      formerly: name.optional(),
      uid: z.number().int().min(1000).max(60000),
      imported: z.literal(true).optional(),
      destinations: z.strictObject({ timemachine: z.strictObject({ ip }) }),
    }),
  ),
})

/** A lock that has dealt nothing. `workspaceId`: 16 random hex digits. */
export function newLock(workspaceId: string): Lock {
  // 1000: the lowest UID that the config allows; the first deal starts at network.uid.from.
  return { version: 1, workspace: workspaceId, serial: 0, next: { user: 1, node: 1, uid: 1000 }, nodes: {}, users: {} }
}

/** The text of tmgen.lock.json: fixed key order, entries by number, so that equal locks are equal bytes and diffs are small. */
export function formatLock(lock: Lock): string {
  const { version, tmgen, workspace, serial, next } = lock
  const nodes = byNumber(lock.nodes).map(([id, n]) => [
    id,
    {
      owner: n.owner,
      hostname: n.hostname,
      udpPort: n.udpPort,
      ...(n.rekeying === undefined ? {} : { rekeying: n.rekeying }),
      ...(n.pinEpoch === undefined ? {} : { pinEpoch: n.pinEpoch }),
    },
  ])
  const users = byNumber(lock.users).map(([id, u]) => [
    id,
    {
      name: u.name,
      ...(u.formerly === undefined ? {} : { formerly: u.formerly }),
      uid: u.uid,
      ...(u.imported === undefined ? {} : { imported: u.imported }),
      destinations: { timemachine: { ip: u.destinations.timemachine.ip } },
    },
  ])
  const ordered = {
    version,
    ...(tmgen === undefined ? {} : { tmgen }),
    workspace,
    serial,
    next: { user: next.user, node: next.node, uid: next.uid },
    nodes: Object.fromEntries(nodes),
    users: Object.fromEntries(users),
  }
  return `${JSON.stringify(ordered, null, 2)}\n`
}

function byNumber<T>(entries: Record<string, T>): [string, T][] {
  return Object.entries(entries).sort(([a], [b]) => Number(a.slice(1)) - Number(b.slice(1)))
}
