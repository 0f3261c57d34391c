import { join } from 'node:path'
import { z } from 'zod'
import type { Lock } from '../resolve/types.ts'
import type { World } from '../world.ts'
import { sha256 } from './hash.ts'
import type { Desired } from './plan-types.ts'
import { nodeOwner, readState, relativePath, stateFiles, writeState } from './state-files.ts'
import type { Step } from './types.ts'

const hash = z.string().regex(/^[0-9a-f]{64}$/)
const userName = z.string().regex(/^[a-z][a-z0-9-]{0,29}$/)
const userId = z.string().regex(/^u[1-9]\d{0,8}$/)

const journalSchema = z.strictObject({
  version: z.literal(1),
  /** The command, for the person. */
  command: z.string(),
  at: z.string(),
  /** `begun`: control plane and secrets; `local`: all of that is done, files are being written. */
  phase: z.enum(['begun', 'local']),
  workspace: z.string(),
  /** Hashes of tmgen.yaml; equal where the command edits nothing. */
  yaml: z.strictObject({ before: hash, after: hash }),
  lock: z.strictObject({ before: hash.nullable(), after: z.string() }),
  hadControl: z.boolean(),
  /** Users that get their numbers in this run. */
  newUsers: z.array(z.strictObject({ id: userId, name: userName })),
  /** Nodes for which a key is minted: what an unused key must carry to be ours. */
  minted: z.array(z.strictObject({ id: nodeOwner, name: userName, tag: z.string() })),
  /** Users who get a key file or a password. */
  keyFiles: z.array(userName),
  passwords: z.array(userName),
  /** Paths that the run writes -> what, as far as tmgen owns them (generated/). */
  files: z.record(relativePath, z.strictObject({ sha256: hash, mode: z.number().int() })),
  /** The command that goes on with what had begun, where nothing of it is taken back: `remove user alice`. */
  again: z.string().max(200).optional(),
  /** What was to be done, for the person; no secrets. */
  titles: z.array(z.string()),
})
export type Journal = z.infer<typeof journalSchema>

/** What a run is about to do, without secrets. */
export function journalOf(
  run: {
    command: string
    desired: Desired
    lockBefore: Lock | undefined
    lock: Lock
    yamlHash: string
    hadControl: boolean
    again: string | undefined
    at: Date
  },
  steps: readonly Step[],
): Journal {
  const { desired, lockBefore, lock } = run
  const isNew = ([id]: [string, unknown]) => lockBefore?.users[id] === undefined
  const of = <K extends Step['kind']>(kind: K) =>
    steps.filter((step): step is Extract<Step, { kind: K }> => step.kind === kind)
  const generated = of('write-file').filter((step) => step.path.startsWith('generated/'))
  return {
    version: 1,
    command: run.command,
    at: run.at.toISOString(),
    phase: 'begun',
    workspace: lock.workspace,
    yaml: {
      before: run.yamlHash,
      after: desired.yaml.before === desired.yaml.after ? run.yamlHash : sha256(desired.yaml.after),
    },
    lock: { before: desired.lock.before === undefined ? null : sha256(desired.lock.before), after: desired.lock.after },
    hadControl: run.hadControl,
    newUsers: Object.entries(lock.users)
      .filter(isNew)
      .map(([id, user]) => ({ id, name: user.name })),
    minted: of('mint-key').map((step) => ({ id: step.userId, name: step.user, tag: step.tag })),
    keyFiles: [...of('mint-key'), ...of('paste-key')].map((step) => step.user),
    passwords: of('make-password').map((step) => step.user),
    files: Object.fromEntries(generated.map((step) => [step.path, { sha256: sha256(step.content), mode: step.mode }])),
    ...(run.again === undefined ? {} : { again: run.again }),
    titles: steps.map((step) => step.title),
  }
}

/** The journal of a run that did not end; `undefined` when there is none. */
export const readJournal = (world: World, dir: string) => readState(world, dir, stateFiles.journal, journalSchema)

export const writeJournal = (world: World, dir: string, journal: Journal) =>
  writeState(world, dir, stateFiles.journal, journal)

export const removeJournal = (world: World, dir: string) => world.disk.removeFile(join(dir, stateFiles.journal))
