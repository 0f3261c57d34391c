import { z } from 'zod'
import { TmgenError } from '../errors.ts'
import type { About } from './types.ts'

const aboutSchema = z.strictObject({
  version: z.literal(1),
  tmgen: z
    .string()
    .max(40)
    .regex(/^\d+\.\d+\.\d+/),
  at: z.iso.datetime(),
  workspace: z.string().regex(/^[0-9a-f]{16}$/),
  name: z.string().max(100),
  provider: z.string().max(40),
  serial: z.number().int().min(0),
  users: z.array(z.strictObject({ name: z.string().max(100), node: z.string().max(200).nullable() })).max(10_000),
})

export const aboutText = (about: About): string => `${JSON.stringify(aboutSchema.parse(about), null, 2)}\n`

/** @throws TmgenError `backup`, with the version where a newer tmgen made it */
export function parseAbout(text: string): About {
  let data: unknown
  try {
    data = JSON.parse(text)
  } catch {
    data = undefined
  }
  const version = (data as { version?: unknown } | undefined)?.version
  if (typeof version === 'number' && version > 1)
    throw new TmgenError(
      'backup',
      `the backup is of version ${version}, made by a newer tmgen; this one knows version 1`,
      {
        hint: 'upgrade tmgen',
      },
    )
  const parsed = aboutSchema.safeParse(data)
  if (parsed.success) return parsed.data
  throw new TmgenError('backup', 'the backup does not say what it is: tmgen did not make it')
}
