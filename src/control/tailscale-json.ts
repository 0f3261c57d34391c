import { z } from 'zod'
import { signCommand } from './tailnet-lock.ts'
import type { KeyInfo, NodeInfo } from './types.ts'

/** The API writes an absent time as '' or as Go's zero time; both mean none. */
const time = z
  .string()
  .nullish()
  .transform((text) => {
    const date = text ? new Date(text) : undefined
    return date === undefined || Number.isNaN(date.getTime()) || date.getUTCFullYear() <= 1 ? undefined : date
  })
const strings = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? [])

export const keySchema = z.object({
  id: z.string().min(1),
  keyType: z.string().optional(),
  description: z.string().optional(),
  expires: time,
  revoked: time,
  invalid: z.boolean().default(false),
  capabilities: z
    .object({
      devices: z
        .object({ create: z.object({ reusable: z.boolean().default(false), tags: strings }).optional() })
        .optional(),
    })
    .optional(),
})

export const deviceSchema = z.object({
  nodeId: z.string().optional(),
  id: z.string(),
  /** Full MagicDNS name. */
  name: z.string().default(''),
  hostname: z.string().default(''),
  user: z.string().optional(),
  tags: strings,
  addresses: strings,
  connectedToControl: z.boolean().default(false),
  isExternal: z.boolean().default(false),
  expires: time,
  keyExpiryDisabled: z.boolean().default(false),
  nodeKey: z.string().optional(),
  /** Set where tailnet lock is on and the node is not signed. */
  tailnetLockError: z.string().default(''),
  /** Every node has one, with tailnet lock or without. */
  tailnetLockKey: z.string().optional(),
})

export function keyInfo(key: z.output<typeof keySchema>): KeyInfo {
  const create = key.capabilities?.devices?.create
  return {
    id: key.id,
    tags: create?.tags ?? [],
    // `invalid` covers used, expired and revoked keys alike: none of them enrols a node.
    used: key.invalid || key.revoked !== undefined,
    reusable: create?.reusable ?? false,
    expires: key.expires,
    description: key.description ?? '',
  }
}

export function nodeInfo(device: z.output<typeof deviceSchema>): NodeInfo {
  return {
    id: device.nodeId ?? device.id,
    // The MagicDNS label is the name people reach it by; `hostname` is what the machine calls itself.
    hostname: device.name.split('.')[0] || device.hostname,
    dnsName: device.name || undefined,
    tags: device.tags,
    user: device.user,
    online: device.connectedToControl,
    // With key expiry disabled the API still tells the time at which it would have been.
    expires: device.keyExpiryDisabled ? undefined : device.expires,
    ips: device.addresses,
    ...(device.tailnetLockError === ''
      ? {}
      : { unsigned: { sign: signCommand(device.nodeKey, device.tailnetLockKey) } }),
  }
}
