import { z } from 'zod'
import { most } from './bounds.ts'

/*
 * What one look saw, as it goes from the scanner to the rules and into the history. All times are ms since 1970, UTC;
 * all sizes bytes. Strict and bounded in everything: what is told of a share was read out of files that others wrote.
 */

/** ms since 1970. */
export const time = z.number().int().min(0).max(8.64e15)
const bytes = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const count = z
  .number()
  .int()
  .min(0)
  .max(2 ** 21)
const text = (most: number) => z.string().max(most)
const fingerprint = z.string().regex(/^[0-9a-f]{16}$/)

const bandsSchema = z.strictObject({
  count,
  /** When they were counted, and the ctime of their folder then. */
  countedAt: time,
  folderChanged: time,
  /** Whether none was made or removed since they were counted. */
  exact: z.boolean(),
  /** By the server's clock, when something was last written to them. */
  changed: time,
})

export const bundleSchema = z.strictObject({
  name: text(most.nameLength),
  /** Its name says that the first backup is not complete. */
  incomplete: z.boolean(),
  /** Completed backups that its history lists; null: there is none, or it cannot be read. */
  listed: z.number().int().min(0).max(1_000_000).nullable(),
  /** When the newest of them ended, as the Mac says; oldest first. */
  completed: z.array(time).max(most.completed),
  /** Backups that are dated in the future. */
  future: z.number().int().min(0).max(1_000_000),
  bands: bandsSchema.nullable(),
  bandSize: bytes.nullable(),
  size: bytes.nullable(),
  encrypted: z.boolean().nullable(),
  token: fingerprint.nullable(),
  machine: fingerprint.nullable(),
  verification: z.number().int().min(0).max(1000).nullable(),
  lastWrite: time,
  /** What of it could not be read, and why. */
  notes: z.array(text(most.noteLength)).max(most.notes),
})
export type BundleSeen = z.output<typeof bundleSchema>

/** What came out of one look at one share. */
export const shareSchema = z.discriminatedUnion('outcome', [
  z.strictObject({
    outcome: z.literal('seen'),
    bundles: z.array(bundleSchema).max(most.bundles),
    notes: z.array(text(most.noteLength)).max(most.notes),
    /** There is, or may be, more than was looked at: of what is not seen only these bundles are known to be gone. */
    partial: z.strictObject({ gone: z.array(text(most.nameLength)).max(most.gone) }).optional(),
  }),
  /** The folder of the share is not there. */
  z.strictObject({ outcome: z.literal('absent') }),
  /** It could not be looked at: the cause in a line. */
  z.strictObject({ outcome: z.literal('unreadable'), cause: text(most.noteLength) }),
])
export type ShareSeen = z.output<typeof shareSchema>

/** What Samba says of one share. */
export const sambaSchema = z.strictObject({
  /** Connections to the share, and since when the oldest of them. */
  sessions: count,
  since: time.nullable(),
  /** Files and folders that are open, in whatever way. */
  files: count,
  /** Files of a bundle are open to be written. */
  open: z.boolean(),
  /** By the disk, when the bands that are open to be written were changed last; null: none is open so. */
  wrote: time.nullable(),
})
export type SambaSeen = z.output<typeof sambaSchema>

/** One look at one Mac's share. */
export const macLookSchema = z.strictObject({
  at: time,
  share: shareSchema,
  /** Samba has files of a bundle open to be written; null: it does not say. */
  open: z.boolean().nullable(),
  /** When the bands among them were changed last; null: none is open, or it does not say. */
  wrote: time.nullable(),
})
export type MacLook = z.output<typeof macLookSchema>

/** One look at one user's node and container. */
export const nodeLookSchema = z.strictObject({
  at: time,
  /** As the gateway says, for example `running`; null: the gateway does not answer. */
  state: text(40).nullable(),
  keyNeeded: z.boolean(),
  error: text(most.noteLength),
  /** Open connections. */
  sessions: count,
  /** Whether one of the person's machines is there: connected, or online; null: not known. */
  present: z.boolean().nullable(),
  path: z.enum(['direct', 'relay']).nullable(),
  bytesIn: bytes,
  bytesOut: bytes,
  /** Health of the Samba container in a word, `healthy` being well; null: not known. */
  samba: text(40).nullable(),
})
export type NodeLook = z.output<typeof nodeLookSchema>

/** One look at the host. */
export const hostLookSchema = z.strictObject({
  at: time,
  gateway: z.enum(['answers', 'silent']),
  /** Filesystems that hold shares. */
  disks: z
    .array(z.strictObject({ path: text(4096), users: z.array(text(30)).max(1024), total: bytes, free: bytes }))
    .max(1024),
})
export type HostLook = z.output<typeof hostLookSchema>
