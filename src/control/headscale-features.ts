import { z } from 'zod'
import { TmgenError } from '../errors.ts'
import type { Http } from './http.ts'
import type { PolicyFeatures } from './types.ts'

/** What a Headscale server can do. Nothing else in tmgen asks for its version. */
export interface HeadscaleFeatures extends PolicyFeatures {
  /**
   * `byId`: a tagged key has no user, all keys are one list without their values, and a key is expired by its id.
   * `byUser`: each key has a user, is listed under that user with its value, and is expired by both.
   */
  keys: 'byId' | 'byUser'
}

/** By minor version of 0.x, from the sources of 0.26.1, 0.27.1, 0.28.0 and 0.29.3, each of which was run. */
const table: Record<number, HeadscaleFeatures> = {
  // Its SetTags does not tell the policy (hscontrol/grpcv1.go).
  26: { keys: 'byUser', grants: false, tests: false, retags: false },
  27: { keys: 'byUser', grants: false, tests: false },
  28: { keys: 'byId', grants: false, tests: false },
  29: { keys: 'byId', grants: true, tests: true },
}
const oldest = 26
const newest = 29

/** Owner of the nodes where a key must have one (`byUser`). The tag decides there too what a policy means by a node. */
export const nodeOwner = 'tmgen'

/** What a refusal says of a node that is gone: `record not found` is 0.26. */
export const nodeGone = /(node|record) not found/i

/** Before 0.28 tags that an admin or a key gave are listed apart from those that the node asked for and may have. */
export const nodeTags = (node: { tags: string[]; forcedTags: string[]; validTags: string[] }): string[] => [
  ...new Set([...node.tags, ...node.forcedTags, ...node.validTags]),
]

export interface HeadscaleServer {
  /** As the server tells it; undefined: it names none. */
  version: string | undefined
  features: HeadscaleFeatures
}

/** What a server tells of itself, or of its API where it names no version. Asked without the credential. */
export async function readServer(http: Http): Promise<HeadscaleServer> {
  const { value } = await http({
    method: 'GET',
    path: '/version',
    schema: z.object({ version: z.string() }),
    anonymous: true,
    // 0.26 has no such page.
    onRefusal: ({ status }) => (status === 404 ? { value: { version: '' } } : undefined),
  })
  const minor = minorOf(value.version)
  if (minor !== undefined) return { version: value.version, features: featuresOf(minor) }
  return { version: undefined, features: table[await minorByApi(http, value.version !== '')]! }
}

/** Those of the nearest version that is known. */
const featuresOf = (minor: number): HeadscaleFeatures => table[Math.min(Math.max(minor, oldest), newest)]!

/** 29 of `v0.29.3`; undefined: it is no version (a build of one's own). Above 0.x it is above all that tmgen knows. */
export function minorOf(version: string): number | undefined {
  const match = /^v?(\d+)\.(\d+)/.exec(version)
  return match === null ? undefined : match[1] === '0' ? Number(match[2]) : Number.POSITIVE_INFINITY
}

const api = z.object({
  paths: z.record(z.string(), z.unknown()),
  definitions: z.record(z.string(), z.object({ properties: z.record(z.string(), z.unknown()).optional() })),
})

/** The newest version whose calls this API has; `hasPage`: it answers to `/version`. */
async function minorByApi(http: Http, hasPage: boolean): Promise<number> {
  const { value } = await http({ method: 'GET', path: '/swagger/v1/openapiv2.json', schema: api, anonymous: true })
  const property = (definition: string, name: string) => value.definitions[definition]?.properties?.[name]
  if ('/api/v1/policy/check' in value.paths) return 29
  if (property('v1ExpirePreAuthKeyRequest', 'id') !== undefined) return 28
  // Before 0.26 the user of a key was a name.
  const byNumber = z.object({ format: z.literal('uint64') }).safeParse(property('v1CreatePreAuthKeyRequest', 'user'))
  if (byNumber.success) return hasPage ? 27 : 26
  throw unsupported('of an unknown version', oldest)
}

/** Throws unless a version is among those whose API tmgen knows; one that is not told is judged by its API. */
export function checkVersion(version: string | undefined, from = oldest): string | undefined {
  const minor = version === undefined ? undefined : minorOf(version)
  if (minor === undefined || (minor >= from && minor <= newest)) return version
  throw unsupported(String(version), from)
}

const unsupported = (version: string, from: number) =>
  new TmgenError('control-refused', `Headscale ${version} is not supported`, {
    hint:
      from === newest
        ? `tmgen works with Headscale 0.${newest} here`
        : `tmgen works with Headscale 0.${from} to 0.${newest}`,
  })
