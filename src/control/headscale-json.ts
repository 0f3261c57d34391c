import { z } from 'zod'
import { TmgenError } from '../errors.ts'
import { Secret } from '../secret.ts'
import { nodeTags } from './headscale-features.ts'
import type { KeyInfo, MintedKey, NodeInfo } from './types.ts'

/** Headscale writes ids as strings in REST and as numbers in its command line's JSON. */
const id = z.union([z.string().regex(/^\d+$/), z.number().int().nonnegative()]).transform(String)

/** RFC 3339 in REST, `{seconds, nanos}` in the command line's JSON; null, absent and Go's zero time mean none. */
const time = z
  .union([
    z.string().transform((text) => new Date(text)),
    z.object({ seconds: z.coerce.number(), nanos: z.number().default(0) }).transform((t) => {
      return new Date(t.seconds * 1000 + Math.floor(t.nanos / 1e6))
    }),
  ])
  .refine((date) => !Number.isNaN(date.getTime()))
  .nullish()
  .transform((date) => (date && date.getUTCFullYear() > 1 ? date : undefined))

const text = z.string().default('')
const flag = z.boolean().default(false)
/** An empty list is `null` or absent in the command line's JSON. */
const listOf = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .nullish()
    .transform((list) => list ?? [])

export const userSchema = z.object({ id, name: text, email: text })
export const keySchema = z.object({
  id,
  key: text,
  reusable: flag,
  used: flag,
  expiration: time,
  aclTags: listOf(z.string()),
})
export const nodeSchema = z.object({
  id,
  name: text,
  givenName: text,
  user: z.object({ name: text, email: text }).nullish(),
  online: flag,
  expiry: time,
  ipAddresses: listOf(z.string()),
  tags: listOf(z.string()),
  forcedTags: listOf(z.string()),
  validTags: listOf(z.string()),
})
/** A whole answer: `null` is the command line's empty list, but absent is no answer at all. */
const answerOf = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .nullable()
    .transform((list) => list ?? [])

export const usersSchema = answerOf(userSchema)
export const keysSchema = answerOf(keySchema)
export const nodesSchema = answerOf(nodeSchema)

export type HeadscaleUser = z.output<typeof userSchema>

/** Keys of objects from snake_case (command line) to camelCase (REST), so that one schema reads both. */
export function camelKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelKeys)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, inner]) => [
    key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    camelKeys(inner),
  ])
  return Object.fromEntries(entries)
}

export function keyInfo(key: z.output<typeof keySchema>): KeyInfo {
  const { reusable, used } = key
  return {
    id: key.id,
    tags: key.aclTags,
    used,
    reusable,
    expires: key.expiration,
    description: undefined,
  }
}

/** `baseDomain` gives the full name where it is known (embedded). */
export function nodeInfo(node: z.output<typeof nodeSchema>, baseDomain?: string): NodeInfo {
  const hostname = node.givenName || node.name
  return {
    id: node.id,
    hostname,
    dnsName: baseDomain === undefined ? undefined : `${hostname}.${baseDomain}`,
    tags: nodeTags(node),
    user: node.user ? node.user.email || node.user.name : undefined,
    online: node.online,
    expires: node.expiry,
    ips: node.ipAddresses,
  }
}

/** A new key must come with its value and expiry: without the latter Headscale made it already expired. */
export function mintedKey(key: z.output<typeof keySchema>): MintedKey {
  if (key.key === '' || key.expiration === undefined) {
    throw new TmgenError('control-refused', `Headscale made key ${key.id} without a value or an expiry`)
  }
  return { id: key.id, key: new Secret(key.key), expires: key.expiration }
}

/** Names and e-mails: WhoIs shows the e-mail where a user has one, and policies may name either. */
export function loginNames(users: HeadscaleUser[]): string[] {
  return [...new Set(users.flatMap((user) => [user.name, user.email]).filter((name) => name !== ''))]
}

/** The user a login means; a trailing @ is only how policies write a bare name. */
export function findUser(users: HeadscaleUser[], login: string): HeadscaleUser {
  const name = bareName(login)
  const found = users.find((user) => user.name === name || user.email === name)
  if (found !== undefined) return found
  throw new TmgenError('control-refused', `Headscale has no user ${name}`, { hint: 'tmgen add user makes it' })
}

export function bareName(login: string): string {
  return login.replace(/@$/, '')
}
