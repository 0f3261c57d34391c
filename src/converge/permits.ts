import type { Command, Stage } from './command.ts'
import type { Step } from './types.ts'

type Kinds = ReadonlySet<Step['kind']>

/** Steps that stay on this machine: what `generate` may do. */
const local: readonly Step['kind'][] = ['write-file', 'remove-file', 'make-password', 'copy-database', 'storage']
/** Steps in the control plane that a command may take which neither removes nor moves anybody. */
export const enrolling = [
  'create-login',
  'write-policy',
  'mint-key',
  'expire-key',
  'paste-key',
  'record-node',
] as const satisfies readonly Step['kind'][]
const end: readonly Step['kind'][] = ['archive-storage', 'mark-storage', 'delete-node', 'forget-user']
const move: readonly Step['kind'][] = [
  'tag-node',
  'rename-node',
  'move-file',
  'move-storage',
  'delete-node',
  'forget-node',
]
const all: readonly Step['kind'][] = [...local, ...enrolling, 'stop-container']

const kinds = (...some: readonly Step['kind'][]): Kinds => new Set(some)

/** What a command may do, by its `permits`. */
export interface Permits {
  kinds: Kinds
  /**
   * It looks at the host's networks and disks, and stops at their faults. The policy and orphans have nothing to do with
   * them; a restore must be possible also where something is wrong with them.
   */
  looksAtHost: boolean
  /** Quotas that are larger than their disk do not stop it: it ends access, or promises nobody more. */
  toleratesOvercommit: boolean
}

export const permits: Readonly<Record<Command['permits'], Permits>> = {
  local: { kinds: kinds(...local), looksAtHost: true, toleratesOvercommit: false },
  access: {
    kinds: kinds(...local, 'create-login', 'write-policy', 'stop-container'),
    looksAtHost: true,
    toleratesOvercommit: true,
  },
  all: { kinds: kinds(...all), looksAtHost: true, toleratesOvercommit: false },
  import: { kinds: kinds(...all, 'import-storage'), looksAtHost: true, toleratesOvercommit: false },
  limits: { kinds: kinds('limit-storage'), looksAtHost: true, toleratesOvercommit: true },
  policy: { kinds: kinds('write-policy'), looksAtHost: false, toleratesOvercommit: false },
  orphans: { kinds: kinds('delete-node', 'expire-key'), looksAtHost: false, toleratesOvercommit: false },
  restore: { kinds: kinds('open-restore', 'close-restore'), looksAtHost: false, toleratesOvercommit: true },
}

/** What the further runs of a verb may do that takes several. */
export const permittedIn: Readonly<Record<Stage['phase'], Kinds>> = {
  // Not the policy: tmgen.yaml still has the user when it would be written, and a killed run could not take it back.
  cut: kinds(...local, 'create-login', 'stop-container'),
  end: kinds(...local, 'write-policy', 'expire-key', 'stop-container', ...end),
  // Not the policy, which a killed run could not take back.
  check: kinds(...local, 'stop-container'),
  move: kinds(...local, 'write-policy', 'expire-key', 'stop-container', ...move),
  back: kinds(...all),
  purge: kinds('purge-storage'),
}
