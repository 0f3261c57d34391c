import type { Secret } from '../secret.ts'

/** A pre-auth key as the control plane lists it; the key itself is never listed. */
export interface KeyInfo {
  id: string
  tags: string[]
  used: boolean
  reusable: boolean
  expires: Date | undefined
  description: string | undefined
}

export interface MintedKey {
  id: string
  key: Secret
  expires: Date
}

export interface NodeInfo {
  id: string
  hostname: string
  /** Fully qualified name, where the control plane tells it. */
  dnsName: string | undefined
  tags: string[]
  user: string | undefined
  online: boolean
  /** When its node key ends or ended; absent: never. */
  expires?: Date | undefined
  /** Tailnet lock keeps it out: the command for a signing node. */
  unsigned?: { sign: string } | undefined
  ips: string[]
}

/** The policy as the server holds it; `undefined` from readPolicy means that the server has none (which allows everything). */
export interface PolicyDocument {
  text: string
  etag: string | undefined
}

/** What the server makes of a policy. Headscale 0.26 leaves grants and tests out, 0.27 and 0.28 refuse both. */
export interface PolicyFeatures {
  grants: boolean
  tests: boolean
  /** false: what the policy says of a node's new tag holds only once another node joins, or the server starts anew. */
  retags?: false
}

export const allFeatures: PolicyFeatures = { grants: true, tests: true }

/** What a provider can do for us; each call throws TmgenError `control-*` with what to do. Nothing here retries a POST. */
export interface Provider {
  /** Checks the credential and what it may do; makes nothing. */
  check(): Promise<{ server: string; version: string | undefined }>
  listKeys(): Promise<KeyInfo[]>
  listNodes(): Promise<NodeInfo[]>
  readPolicy(): Promise<PolicyDocument | undefined>
  policyFeatures(): Promise<PolicyFeatures>
  /** Lets the server judge a policy, where it can; writes nothing. TmgenError `control-refused` says what is wrong. */
  checkPolicy(text: string): Promise<void>
  /** `control-changed` where the server can tell that the policy is not the one of `etag` any more. */
  writePolicy(policy: PolicyDocument): Promise<void>
  /** Login users that exist (Headscale names or e-mails); `undefined` where the system has none to make (Tailscale). */
  listUsers(): Promise<string[] | undefined>
  createUser(name: string): Promise<void>
  /** Single-use, pre-authorized, tagged key. `description` is at most 50 characters of [A-Za-z0-9 -]. */
  mintNodeKey(request: { tag: string; description: string; expirySeconds: number }): Promise<MintedKey>
  /** Single-use join key for a person's own device (embedded and headscale). */
  mintJoinKey(request: { user: string; expirySeconds: number }): Promise<MintedKey>
  expireKey(id: string): Promise<void>
  /** Takes a node out of the tailnet; one that is gone is fine. Whose it is, the caller has made sure of. */
  deleteNode(id: string): Promise<void>
  /** Gives a node its name in the tailnet, in place of the former one; all else of it stays. */
  renameNode(id: string, name: string): Promise<void>
  /** Gives a node these tags in place of all it has. */
  tagNode(id: string, tags: readonly string[]): Promise<void>
}
