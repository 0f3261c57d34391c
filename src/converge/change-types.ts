/** `+` add, `~` change, `-` remove, `!` drift: not as tmgen left it. */
export type Sign = '+' | '~' | '-' | '!'

/** One thing within a change. */
export interface ChangePart {
  sign: '+' | '~' | '-'
  what: 'login' | 'key' | 'password' | 'storage' | 'policy' | 'file' | 'container'
  title: string
}

/** What is not as tmgen left it. */
export type DriftKind =
  | 'node-deleted'
  | 'node-expired'
  | 'node-renamed'
  | 'node-untagged'
  | 'node-unsigned'
  | 'node-foreign'
  | 'policy-open'
  | 'file-changed'
  | 'storage-refused'
  | 'container-old'
  | 'container-stopped'

/** A difference as a person thinks of it: a user, a part of the server, or one thing that drifted. */
export type Change = Planned | Drift

export interface Planned {
  sign: '+' | '~' | '-'
  what: 'user' | 'dashboard' | 'gateway' | 'headscale' | 'image' | 'policy' | 'workspace' | 'service'
  /** Of the user, image or service; else as `what`. */
  name: string
  title: string
  parts: ChangePart[]
}

export interface Drift {
  sign: '!'
  what: 'node' | 'policy' | 'file' | 'storage' | 'container'
  name: string
  drift: DriftKind
  title: string
  /** What to do. */
  fix: string
  /** Whether `tmgen apply` repairs it by itself. */
  applies: boolean
}
