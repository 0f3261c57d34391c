import type { ParsedConfig } from '../config/index.ts'
import type { makeProvider } from '../control/index.ts'
import type { TmgenError } from '../errors.ts'
import type { RestoreAccess } from '../render/index.ts'
import type { Deployment, Lock } from '../resolve/index.ts'
import type { Secret } from '../secret.ts'
import type { ImportWish } from './importing.ts'
import type { PurgeRequest } from './purge.ts'
import type { LimitWish, Observed, Step } from './types.ts'

/** One of the runs of a verb that takes several. */
export type Stage =
  | { phase: 'cut' | 'end'; storage?: string | undefined }
  | { phase: 'check' | 'move' | 'back' }
  | { phase: 'purge'; request: PurgeRequest }

/** A run of the pipeline as part of such a verb. */
export type Once = (command: Command, stage: Stage) => Promise<Outcome>

/** What a command asks of the pipeline. */
export interface Command {
  /** As the person typed it, without secrets: for the run lock and the journal. */
  name: string
  /** Returns the new text of tmgen.yaml; every byte outside the edit stays. */
  edit?: (parsed: ParsedConfig) => string
  /** Users whose nodes forget which account each login belongs to. */
  rebind?: readonly string[]
  /**
   * `local`: what `generate` may do, without the control plane; `access`: also who may connect, and the end of
   * containers that nobody needs; `all`: what `add user` and `provision` may do; `policy`: the policy alone, also in
   * somebody else's tailnet; `orphans`: the end of those that `orphans` names; `limits`: programs that limit storage;
   * `import`: `all`, and taking over data; `restore`: a restore access.
   */
  permits: 'local' | 'access' | 'all' | 'policy' | 'orphans' | 'limits' | 'import' | 'restore'
  /** `no`: the network is not touched; `read`: a control plane that does not answer is a note; `write`: it is an error. */
  remote: 'no' | 'read' | 'write'
  /** Users whose logins and keys are seen to; absent: all. */
  users?: readonly string[]
  /** Name of a user who is removed, in two runs: access ends by `edit`, then all else. */
  remove?: string
  /** With `remove`: then what the user left is deleted, also of one who was removed before. */
  purge?: boolean
  /** A user gets another name, in three runs: the route is cut, all that has the old name follows, the route comes back. */
  rename?: { from: string; to: string }
  /** Changes the lock before it is resolved with. */
  editLock?: (lock: Lock) => Lock
  /** A user whose node gets a new key, in three runs: the route is cut, the former node goes, the route comes back. */
  rekey?: string
  /** Users who get a new SMB password. */
  newPasswords?: readonly string[]
  /** Whose storage gets a limit, with `permits: 'limits'`. */
  limits?: LimitWish
  /** Data that was there before, of a user whom `edit` adds. */
  importing?: ImportWish
  /** Access from a LAN to open, or the name of the user whose is closed, with `permits: 'restore'`. */
  restore?: RestoreAccess | string
  /** Goes on where quotas are larger than their disk; always so for commands that end access. */
  toleratesOvercommit?: boolean
  /** Auth keys that the person hands over, by user name. */
  keys?: ReadonlyMap<string, Secret>
  /** The lock says afterwards that this version of tmgen wrote it. */
  upgrade?: boolean
  /** Takes over a workspace that another host had, or that comes from a backup; all else is refused there. */
  adopt?: boolean
  /** Nodes and keys of ours that belong to nobody, as findOrphans names them: these alone are removed. */
  orphans?: readonly string[]
  /** Plan only: nothing is written, no lock is taken. */
  checkOnly?: boolean
  /** With `checkOnly`: what would be refused is in the outcome beside the rest, instead of thrown. */
  tellRefusals?: boolean
  /** Looks at the running containers too; where Docker does not answer that is a note. */
  stack?: boolean
  /** Shown what will be done before anything is; when it throws, every file is as it was. */
  review?: (planned: Outcome) => Promise<void>
  /** Told of each step as it begins, and at once of what an interrupted run left. */
  onStep?: (step: Step) => void
  onNote?: (note: string) => void
}

export interface Outcome {
  dir: string
  parsed: ParsedConfig
  deployment: Deployment
  lock: Lock
  /** As it was; undefined in a workspace that had none yet. */
  lockBefore: Lock | undefined
  observed: Observed
  /** Done, or with `checkOnly` what would be done. */
  steps: Step[]
  notes: string[]
  /** Why a command that writes would refuse all of it; empty unless `tellRefusals`. */
  refusals: TmgenError[]
}

/** What tests put in place of the real control planes. */
export interface Dependencies {
  makeProvider: typeof makeProvider
}
