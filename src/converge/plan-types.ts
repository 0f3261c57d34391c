import type { TmgenError } from '../errors.ts'
import type { Tree } from '../render/types.ts'
import type { Deployment } from '../resolve/types.ts'
import type { LimitWish, Step } from './types.ts'

/** A file that tmgen edits as a whole text; `before` is undefined where it does not exist yet. */
export interface TextChange {
  before: string | undefined
  after: string
}

/** What is wanted. */
export interface Desired {
  deployment: Deployment
  tree: Tree
  yaml: TextChange
  lock: TextChange
  /** state/allocation.json */
  mirror: TextChange
  /** Files of a restore access to open, or whose is to be closed. */
  restore?: RestoreWish | undefined
  /** What is kept of files in an older format, beside them: path -> content. */
  copies: ReadonlyMap<string, string>
}

/** Access for a restore: the files that open it; without any it is closed. */
export interface RestoreWish {
  user: string
  files?: readonly { path: string; content: string }[]
}

/** What a command may do. */
export interface Permission {
  kinds: ReadonlySet<Step['kind']>
  /** Users whose keys and logins it sees to; undefined: all. */
  users: readonly string[] | undefined
  /** Name of a user who is on the way out: `cut` ends access, `end` all else. */
  leaving: { name: string; phase: 'cut' | 'end' } | undefined
  /** A user is renamed or gets a new node key: `check` finds out whether it can be done, `move` does it. */
  staged: 'check' | 'move' | undefined
  /** Name of a user whose node gets a new key. */
  rekeyed: string | undefined
  /** Users who get a new password. */
  renewed: ReadonlySet<string>
  /** Users whose key the person hands over. */
  pasted: ReadonlySet<string>
  /** The policy is written and nothing else, also into somebody else's tailnet. */
  policy?: boolean
  /** The end of these orphans and nothing else. */
  orphans?: readonly string[] | undefined
  /** Whose limits are set. */
  limits?: LimitWish | undefined
  /** Quotas that are larger than their disk do not stop the command: it promises nobody more. */
  toleratesOvercommit: boolean
  /** Users whom this very command writes into tmgen.yaml. */
  added?: ReadonlySet<string>
  now: Date
}

export interface Plan {
  /** In the order in which apply takes them. */
  steps: Step[]
  notes: string[]
  /** Why nothing of it may be done: `drift`, `storage`, `control-foreign`, all at once. */
  refusals: TmgenError[]
}

/** What one part of the plan found. */
export interface Part {
  steps: Step[]
  notes: string[]
  errors: readonly TmgenError[]
}
