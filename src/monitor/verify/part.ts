import { z } from 'zod'
import { most } from '../observation/bounds.ts'
import { time } from '../observation/schema.ts'
import { mostExamples, mostOfPart } from './bounds.ts'
import { type Fault, faultKinds } from './ledger.ts'

const count = z
  .number()
  .int()
  .min(0)
  .max(2 ** 21)
const bytes = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const text = z.string().max(most.noteLength)

/** Base64 of so many times 16 bytes. */
const recordsText = z
  .string()
  .max(Math.ceil((mostOfPart * 16) / 3) * 4)
  .regex(/^[A-Za-z0-9+/]*={0,2}$/)

const perFault = z.strictObject({ rot: count, unreadable: count, oversize: count }) satisfies z.ZodType<
  Record<Fault, number>
>

/** Where the reading of one bundle stands. */
export const standSchema = z.strictObject({
  bundle: z.string().max(most.nameLength),
  /** Bands that lie there, and of them those that were read well within the time that is asked for. */
  bands: count,
  covered: count,
  /** What was read in this round. */
  read: count,
  readBytes: bytes,
  /** Bands that were being written, and left for the next round. */
  busy: count,
  /** Bands that have a fault, also of earlier rounds. */
  faults: perFault,
  examples: z
    .array(z.strictObject({ band: z.string().max(8), fault: z.enum(faultKinds as [Fault, ...Fault[]]), why: text }))
    .max(mostExamples),
  /** What is wrong with its plists and token. */
  files: z.array(text).max(most.notes),
  /** Why it ended: all was read that was to be read, a bound was reached; null: it goes on. */
  ended: z.enum(['whole', 'bytes', 'time']).nullable(),
})
export type Stand = z.output<typeof standSchema>

/** What the reading of one bundle tells: now and then, and at its end. */
export const partSchema = z.strictObject({
  stand: standSchema,
  /** Records of the bands that were read since the part before. */
  records: recordsText,
  /** Bands that are remembered and no longer there, 4 bytes each. */
  gone: recordsText,
})
export type Part = z.output<typeof partSchema>

/** There are, or may be, more bundles than were gone through. */
const partial = z.literal(true).optional()

/** A line of the reader: that it is alive, and with which band; a part; that it is done, and with which bundles. */
export const lineSchema = z.union([
  z.strictObject({ reading: z.strictObject({ bundle: z.string().max(most.nameLength), band: z.string().max(8) }) }),
  z.strictObject({ part: partSchema }),
  z.strictObject({ done: z.array(z.string().max(most.nameLength)).max(most.bundles), partial }),
  z.strictObject({ fault: text }),
])
export type Line = z.output<typeof lineSchema>

/** A part as the scanner hands it on; `id` tells it from others. */
export const handedSchema = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{16}$/),
  at: time,
  user: z.string().max(64),
  mac: z.string().max(64),
  what: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('part'), part: partSchema }),
    /** The share was gone through, and has these bundles. */
    z.strictObject({
      kind: z.literal('done'),
      bundles: z.array(z.string().max(most.nameLength)).max(most.bundles),
      partial,
    }),
    /** It was not; `band`: where reading did not end. */
    z.strictObject({
      kind: z.literal('failed'),
      cause: text,
      reading: z.strictObject({ bundle: z.string().max(most.nameLength), band: z.string().max(8) }).nullable(),
    }),
  ]),
})
export type Handed = z.output<typeof handedSchema>
/** The scanner's files for the reporter. */
export const outboxSchema = z.array(handedSchema).max(512)
export const isOutbox = (name: string) => /^verified(-\d{1,9})?\.json$/.test(name)
/** Bytes of one such file. */
export const maxOutbox = 6 * 1024 * 1024

/** A line that `tmgen verify` reads: where it stands, how it ended, or why it did not begin. */
export const askedLineSchema = z.union([
  z.strictObject({ mac: z.string(), stand: standSchema }),
  z.strictObject({
    mac: z.string(),
    end: z.discriminatedUnion('outcome', [
      z.object({ outcome: z.literal('done'), bundles: z.array(z.string()) }),
      z.object({ outcome: z.literal('failed'), cause: z.string() }),
    ]),
  }),
  z.strictObject({ refused: z.string() }),
])
export type AskedLine = z.output<typeof askedLineSchema>
