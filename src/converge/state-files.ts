import { join } from 'node:path'
import { z } from 'zod'
import { TmgenError } from '../errors.ts'
import { dashboardName } from '../resolve/nodes.ts'
import type { World } from '../world.ts'
import type { AllocationMirror, ControlState, Manifest } from './types.ts'

/** Largest state file that is read, in bytes; 1,000 users make about 0.5 MiB of manifest. */
const maxStateBytes = 16 * 1024 * 1024

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const userId = z.string().regex(/^u[1-9]\d{0,8}$/)
/** Who has a node: a user, or the dashboard. */
export const nodeOwner = userId.or(z.literal(dashboardName))
const counter = z.number().int().min(1)
/** A path below the workspace that cannot lead out of it. */
export const relativePath = z
  .string()
  .regex(/^[^/\0]/)
  .refine((path) => path.split('/').every((part) => part !== '' && part !== '.' && part !== '..'))

const controlSchema = z.strictObject({
  version: z.literal(1),
  users: z.record(
    nodeOwner,
    z.strictObject({
      keyId: z.string().min(1).max(200).optional(),
      keyExpires: z.iso.datetime().optional(),
      nodeId: z.string().min(1).max(200).optional(),
      createdUser: z.string().max(300).optional(),
      source: z.enum(['minted', 'pasted']).optional(),
    }),
  ),
})

/** Replaces state/control.json; always in the schema's key order, so that equal states are equal bytes. */
export const writeControl = (world: World, dir: string, control: ControlState): Promise<void> =>
  writeState(world, dir, stateFiles.control, controlSchema.parse(control))

const mirrorSchema = z.strictObject({
  version: z.literal(1),
  workspace: z.string().regex(/^[0-9a-f]{16}$/),
  serial: z.number().int().min(0),
  next: z.strictObject({ user: counter, node: counter, uid: counter }),
})

const manifestSchema = z.strictObject({
  version: z.literal(1),
  files: z.record(relativePath, z.strictObject({ sha256, mode: z.number().int() })),
  storage: z.record(userId, z.string().startsWith('/')),
})

/** Paths of tmgen's own records, from the workspace. */
export const stateFiles = {
  control: 'state/control.json',
  mirror: 'state/allocation.json',
  manifest: 'state/manifest.json',
  journal: 'state/journal.json',
  runLock: 'state/tmgen.run.lock',
} as const

/** Strict read of a JSON record of tmgen's own; `undefined` when absent. Throws TmgenError `disk` naming the file. */
export async function readState<T>(
  world: World,
  dir: string,
  path: string,
  schema: z.ZodType<T>,
): Promise<T | undefined> {
  const bytes = await world.disk.readFile(join(dir, path), maxStateBytes)
  if (bytes === undefined) return undefined
  try {
    return schema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)))
  } catch (cause) {
    const issue = cause instanceof z.ZodError ? `: ${cause.issues[0]?.path.join('.')}: ${cause.issues[0]?.message}` : ''
    throw new TmgenError('disk', `${path} is damaged, or from a newer tmgen${issue}`, {
      hint: `restore ${path} from a backup of the workspace`,
      cause,
    })
  }
}

export const stateText = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

/** Replaces a record, 0600. */
export async function writeState(world: World, dir: string, path: string, value: unknown): Promise<void> {
  await world.disk.writeFile(join(dir, path), stateText(value), 0o600)
}

export const readMirror = (world: World, dir: string): Promise<AllocationMirror | undefined> =>
  readState(world, dir, stateFiles.mirror, mirrorSchema)

/** state/control.json; `undefined` when absent. */
export const readControl = (world: World, dir: string): Promise<ControlState | undefined> =>
  readState(world, dir, stateFiles.control, controlSchema as z.ZodType<ControlState>)

export async function readManifest(world: World, dir: string): Promise<Manifest> {
  return (await readState(world, dir, stateFiles.manifest, manifestSchema)) ?? { version: 1, files: {}, storage: {} }
}
