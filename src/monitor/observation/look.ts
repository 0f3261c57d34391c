import { z } from 'zod'
import { hostLookSchema, sambaSchema, shareSchema, time } from './schema.ts'

/** What the scanner saw in one look at everybody, as it tells the reporter. */
export const lookSchema = z.strictObject({
  version: z.literal(1),
  at: time,
  disks: hostLookSchema.shape.disks,
  /** Whose Samba has said of late that it serves; a scanner of another version may say nothing. */
  serving: z.array(z.string().max(64)).max(4096).optional(),
  shares: z
    .array(
      z.strictObject({
        user: z.string().max(64),
        mac: z.string().max(64),
        share: shareSchema,
        /** `undefined`: nothing is known. */
        samba: sambaSchema.optional(),
      }),
    )
    .max(16_384),
})
export type Look = z.output<typeof lookSchema>

/** Name of the scanner's file, and the bytes that it may have: 1,000 shares whose owners tell all that they may. */
export const lookFile = 'look.json'
/** Its time of change is the time until which the last look is good: the container is unhealthy then. */
export const dueFile = 'due'
export const maxLookBytes = 32 * 1024 * 1024
