import { z } from 'zod'
import type { History, Run } from './history/index.ts'
import { type MacLook, shareSchema } from './observation/index.ts'
import { time } from './observation/schema.ts'
import { type Around, advance, type MacMemory, macMemorySchema } from './rules/index.ts'

const bodySchema = z.strictObject({
  share: shareSchema,
  open: z.boolean().nullable(),
  wrote: time.nullable().default(null),
  present: z.boolean().nullable(),
})

/** Looks of one run that are gone through anew; more saw the same, and tell no more. */
const mostLooks = 1000

/** Adds one look at a Mac to the history and to what is remembered, and tells what is remembered now. */
export function enter(history: History, user: string, mac: string, look: MacLook, around: Around): MacMemory {
  const subject = `mac:${user}/${mac}`
  const memory = advance(recall(history, user, mac, around.every), look, around)
  const { at, share, open, wrote } = look
  history.record(subject, at, { share, open, wrote, present: around.present })
  history.remember(subject, memory)
  return memory
}

/** What is remembered of a Mac; where that is lost or of another version, made anew out of the looks. */
export function recall(history: History, user: string, mac: string, every: number): MacMemory | undefined {
  const subject = `mac:${user}/${mac}`
  const kept = macMemorySchema.safeParse(history.remembered(subject))
  if (kept.success) return kept.data
  let memory: MacMemory | undefined
  for (const run of history.runs(subject)) memory = again(memory, run, every)
  return memory
}

function again(before: MacMemory | undefined, { first, last, looks, body }: Run, every: number): MacMemory | undefined {
  const seen = bodySchema.safeParse(body)
  if (!seen.success) return before
  const { share, open, wrote, present } = seen.data
  const count = Math.min(looks, mostLooks)
  // Each stands for those that are left out.
  const each = (every * looks) / count
  let memory = before
  for (let index = 0; index < count; index++) {
    const at = count === 1 ? first : Math.round(first + ((last - first) * index) / (count - 1))
    memory = advance(memory, { at, share, open, wrote }, { every: each, present })
  }
  return memory
}
