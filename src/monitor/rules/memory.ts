import { z } from 'zod'
import { time } from '../observation/schema.ts'

/*
 * What the rules keep of all looks before at one Mac's share. It follows from the looks alone, so that it can be made
 * anew out of the history. Times in ms since 1970 by the server's clock, except `completed`, which is what the Mac said.
 */

const when = time.nullable()

const bundleMemory = z.strictObject({
  /** Its name, without the `.incomplete` of a first backup. */
  name: z.string().max(255),
  seenAt: time,
  /** The newest completion that was believed, and the change of its bands that went with it. */
  counted: z.strictObject({ completed: time, proof: time }).nullable(),
  /** The history says that a backup completed, and no band was written for it. */
  unproven: z.strictObject({ completed: time, since: time }).nullable(),
  /** Since when backups are dated in the future. */
  future: when,
  token: z.string().max(16).nullable(),
  machine: z.string().max(16).nullable(),
  bandSize: z.number().nullable(),
  /** What must never change in a bundle, and did. */
  changed: z.array(z.strictObject({ what: z.enum(['token', 'band-size', 'machine']), since: time })).max(3),
  bandsChanged: when,
  bands: z.number().nullable(),
  /** The most bands of the last days, and since when there are fewer. */
  peak: z.strictObject({ bands: z.number(), at: time }).nullable(),
  fell: when,
  damaged: when,
  unread: z.strictObject({ since: time, note: z.string().max(400) }).nullable(),
  /** Since when it is no longer there. */
  lost: when,
})
export type BundleMemory = z.output<typeof bundleMemory>

export const macMemorySchema = z.strictObject({
  firstAt: time,
  lastAt: time,
  outcome: z.enum(['seen', 'absent', 'unreadable']),
  /** Since when that is the outcome. */
  since: time,
  cause: z.string().max(400),
  bundles: z.array(bundleMemory).max(16),
  /** The last backup that counts: when it was complete, as near as the looks tell. */
  success: z.strictObject({ at: time, completed: time }).nullable(),
  /** Writes since then that completed nothing, without a long rest between them. */
  tries: z.strictObject({ first: time, last: time }).nullable(),
  /** How long one of the person's machines was in reach since then, or may have been, for all that is known; ms. */
  reach: z.number().min(0),
  /** A backup runs: bands are written, and files are open as far as Samba tells. */
  running: z.boolean(),
})
export type MacMemory = z.output<typeof macMemorySchema>
