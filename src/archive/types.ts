/** A file of the workspace as a backup holds it; its mode and owner are not kept: restore sets them. */
export interface ArchivedFile {
  /** From the workspace, with slashes. */
  path: string
  content: Uint8Array
}

/** What a backup says of itself: its first entry. */
export interface About {
  version: 1
  /** Version of the tmgen that made it. */
  tmgen: string
  /** ISO 8601, UTC. */
  at: string
  /** Id of the workspace, and its name. */
  workspace: string
  name: string
  provider: string
  /** Serial of the lock. */
  serial: number
  /** `node`: stable id of the node in the tailnet; null: not enrolled yet. */
  users: { name: string; node: string | null }[]
}

/** A backup, opened. */
export interface Archive {
  about: About
  files: ArchivedFile[]
}
