import type { PolicyEdit } from '../control/policy-own.ts'
import type { KeyInfo, NodeInfo, PolicyDocument, PolicyFeatures } from '../control/types.ts'
import type { TmgenError } from '../errors.ts'
import type { Argv, SeenFolder, SeenStorage } from '../limits/index.ts'
import type { Lock } from '../resolve/types.ts'
import type { SeenImport } from './importing.ts'

/** What state/control.json has of one node. */
export interface ControlRecord {
  /** Id of the key last minted for the node. */
  keyId?: string
  /** RFC 3339, UTC. */
  keyExpires?: string
  /** Id of the node in the control plane, once seen enrolled. */
  nodeId?: string
  /** Login user that tmgen made in the control plane. */
  createdUser?: string
  /** How the key got there. */
  source?: 'minted' | 'pasted'
}

/** state/control.json, keyed by who has the node: a user's id (`u1`), or `dashboard`. */
export interface ControlState {
  version: 1
  users: Record<string, ControlRecord>
}

/** state/allocation.json: what the lock has dealt, to notice a lost or older lock. */
export interface AllocationMirror {
  version: 1
  workspace: string
  serial: number
  next: Lock['next']
}

/** state/manifest.json: what tmgen owns under the workspace: path -> sha256 of what it wrote last. */
export interface Manifest {
  version: 1
  files: Record<string, { sha256: string; mode: number }>
  /** Storage folders that tmgen has made and marked: user id -> path. One that is gone means a disk that is not mounted. */
  storage: Record<string, string>
}

/** `empty`: a folder without anything in it; `renamed`: ours, with the user's former name in the marker. */
export type StorageState = 'absent' | 'empty' | 'unmarked' | 'ours' | 'renamed' | 'foreign'

/** A container of the compose project. */
export interface SeenContainer {
  service: string
  /** Compose's hash of the service's definition that it was made from. */
  hash: string
  /** As Docker says: running, exited, created, paused, restarting, dead. */
  state: string
}

/** The running stack beside what compose.yaml says; hashes are compose's own, by service. */
export interface StackView {
  containers: readonly SeenContainer[]
  /** Of the files as they lie there now. */
  now: ReadonlyMap<string, string>
  /** Of the files as they are to be. */
  wanted: ReadonlyMap<string, string>
}

/** A Samba container of this workspace whose user is not served, disabled or gone from tmgen.yaml. */
export interface Stray {
  /** Id of the container. */
  container: string
  user: string
}

/** A user who is being removed: in the lock, and no longer in tmgen.yaml. */
export interface Leaver {
  id: string
  name: string
  uid: number
  hostname: string
  tag: string
  /** Where the data lies, as configured. */
  storage: string
}

/** What is still there of a leaver. */
export interface Leaving {
  user: Leaver
  /** Id of the node that state/gateway holds. */
  enrolled: string | undefined
  /**
   * `archive`: the folder goes to `to` by one rename; `mark`: it cannot be moved (`why`); `none`: nothing of ours lies
   * there (`why`); `elsewhere`: the data is on another host.
   */
  data:
    | { kind: 'archive'; from: string; to: string }
    | { kind: 'mark'; path: string; why: string }
    | { kind: 'none'; why: string }
    | { kind: 'elsewhere' }
}

/** What is still there under the former name of a user who is being renamed. */
export interface Renaming {
  id: string
  from: string
  to: string
  hostname: string
  /** Tag of the node before, and to be. */
  oldTag: string
  tag: string
  /** Id of the node that state/gateway holds. */
  enrolled: string | undefined
  /** Files and folders of the workspace, by path from it. */
  files: { from: string; to: string }[]
  /** The storage folder goes with the name by one rename; absent: it stays, or has gone already. */
  storage?: { from: string; to: string }
}

/** A folder that holds what a removed user left. */
export interface Purgeable {
  userId: string
  path: string
  /** It could not be moved into the archive when its user was removed: a mount point, say. */
  isInPlace: boolean
}

/** The embedded Headscale as the files of the workspace name it. */
export interface HeadscaleSeen {
  image: string | undefined
  /** `0.29.3`, where its image or build context says it. */
  version: string | undefined
  hasDatabase: boolean
}

/** What is to be said of a look at one part of the host. */
export interface Said {
  /** What speaks against any change. */
  faults: TmgenError[]
  notes: string[]
}

/** A look at one part of the host. */
export interface Looked<T> extends Said {
  seen: T
}

/** What observe saw; plan reads nothing else. */
export interface Observed {
  manifest: Manifest
  control: ControlState
  /** Paths of the manifest and of the tree -> what is on disk now. */
  files: ReadonlyMap<string, { sha256: string; mode: number }>
  /** User names that have a password / an auth key file (not empty) on disk. */
  passwords: ReadonlySet<string>
  authKeys: ReadonlySet<string>
  /** User names whose gateway state holds an enrolled node -> the node's stable id. */
  enrolled: ReadonlyMap<string, string>
  /** Storage per user id: what lies at its path (local host only). */
  storage: ReadonlyMap<string, StorageState>
  /** Filesystem and limit per user id, of those who are served (local host only). */
  limits: ReadonlyMap<string, SeenStorage>
  /** More of those whose limit this command sets, by user id. */
  folders?: ReadonlyMap<string, SeenFolder>
  /** Data that this command takes over. */
  importing?: SeenImport
  /** Absent where the command did not ask the control plane. */
  remote:
    | {
        keys: KeyInfo[]
        nodes: NodeInfo[]
        users: string[] | undefined
        policy: PolicyDocument | undefined
        /** Absent: grants and tests. */
        features?: PolicyFeatures
      }
    | undefined
  /** Absent where the command did not ask, Docker does not answer, or the Docker host is elsewhere. */
  stack?: StackView | undefined
  /** Containers that should not run; absent: nobody is unserved, or Docker was not asked or did not answer. */
  strays?: readonly Stray[] | undefined
  /** Absent: no embedded Headscale on this host. */
  headscale?: HeadscaleSeen | undefined
  /** Who is being removed by this command. */
  leaving?: Leaving | undefined
  /** Who is amid a rename that this command goes on with. */
  renaming?: Renaming | undefined
  /** What of a removed user is to be deleted. */
  purge?: { user: string; found: Purgeable[] } | undefined
  /** Notes of what could not be looked at, for the person. */
  notes: string[]
}

/** Whose limits are to be set, by name, and how: by an image file, or by what the filesystem can count. */
export interface LimitWish {
  users: readonly string[]
  by: 'filesystem' | 'image'
}

/** Absolute path and content of the file that marks data as a removed user's. */
export interface Mark {
  path: string
  text: string
}

/** A policy that is not ours alone: what was read, and what the change does to everybody else. */
export interface SharedPolicy {
  /** undefined: the server had none. */
  before: string | undefined
  everybody: PolicyEdit['everybody']
}

/** One permitted change; idempotent. `title` is what the person reads. */
export type Step =
  | { kind: 'write-file'; path: string; content: string | Uint8Array; mode: number; title: string }
  | { kind: 'remove-file'; path: string; title: string }
  /** `renew`: in place of one that there is. */
  | { kind: 'make-password'; user: string; renew: boolean; title: string }
  | { kind: 'create-login'; user: string; login: string; title: string }
  | { kind: 'write-policy'; text: string; etag: string | undefined; over?: SharedPolicy; title: string }
  | { kind: 'mint-key'; user: string; userId: string; tag: string; title: string }
  | { kind: 'expire-key'; keyId: string; title: string }
  | { kind: 'paste-key'; user: string; userId: string; title: string }
  | { kind: 'record-node'; user: string; userId: string; nodeId: string; title: string }
  | { kind: 'stop-container'; container: string; user: string; title: string }
  /** `mark`: what is written where the folder cannot be moved after all. */
  | { kind: 'archive-storage'; user: string; from: string; to: string; mark: Mark; title: string }
  | { kind: 'mark-storage'; user: string; mark: Mark; title: string }
  | { kind: 'delete-node'; user: string; nodeId: string; title: string }
  /** Key and state of a node are removed, so that it enrols as a new one. */
  | { kind: 'forget-node'; user: string; userId: string; title: string }
  | { kind: 'tag-node'; user: string; nodeId: string; tags: string[]; title: string }
  | { kind: 'rename-node'; user: string; nodeId: string; hostname: string; title: string }
  /** `from` and `to` from the workspace; `node`: the gateway has let go of this node before. */
  | { kind: 'move-file'; user: string; from: string; to: string; node?: string; title: string }
  | { kind: 'move-storage'; user: string; userId: string; from: string; to: string; title: string }
  | { kind: 'purge-storage'; user: string; userId: string; path: string; isInPlace: boolean; title: string }
  | { kind: 'forget-user'; user: string; userId: string; title: string }
  | { kind: 'open-restore'; user: string; files: readonly { path: string; content: string }[]; title: string }
  | { kind: 'close-restore'; user: string; title: string }
  /** Programs that root runs, in their order. */
  | { kind: 'limit-storage'; user: string; commands: readonly Argv[]; title: string }
  | {
      kind: 'import-storage'
      user: string
      userId: string
      path: string
      data: SeenImport
      marker: string
      title: string
    }
  /** `path` from the workspace. */
  | { kind: 'copy-database'; path: string; title: string }
  | { kind: 'storage'; userId: string; path: string; marker: string; title: string }
