import { z } from 'zod'
import { count } from '../../count.ts'
import { printable } from '../../ui/printable.ts'
import { most } from '../observation/bounds.ts'
import { time } from '../observation/schema.ts'
import type { VerifySettings } from '../settings.ts'
import { type Handed, standSchema } from '../verify/part.ts'
import { faultyBands } from '../verify/stand.ts'
import { bundleKey } from './advance-bundle.ts'
import { type Problem, problem, span } from './problems.ts'

/** What is remembered of reading back one Mac's share. */
export const verifiedSchema = z.strictObject({
  /** When it was gone through last; null: never. */
  at: time.nullable(),
  failed: z.strictObject({ since: time, cause: z.string().max(most.noteLength) }).nullable(),
  bundles: z
    .array(
      z.strictObject({
        name: z.string().max(most.nameLength),
        at: time,
        stand: standSchema,
        /** Since when something is wrong with it. */
        corrupt: time.nullable(),
      }),
    )
    .max(most.bundles * 2),
})
export type Verified = z.output<typeof verifiedSchema>

const nothing: Verified = { at: null, failed: null, bundles: [] }

/** Adds what reading back told. */
export function advanceVerified(before: Verified = nothing, { at, what }: Handed): Verified {
  switch (what.kind) {
    case 'failed':
      return { ...before, failed: { since: Math.min(before.failed?.since ?? at, at), cause: what.cause } }
    case 'done': {
      const names = new Set(what.bundles.map(bundleKey))
      // A bundle that was not looked for may be there, with what is wrong with it.
      return { at, failed: null, bundles: before.bundles.filter(({ name }) => what.partial || names.has(name)) }
    }
    case 'part': {
      const { stand } = what.part
      const name = bundleKey(stand.bundle)
      const known = before.bundles.find((one) => one.name === name)
      const corrupt = isCorrupt(stand) ? Math.min(known?.corrupt ?? at, at) : null
      const others = before.bundles.filter((one) => one !== known)
      const bundles = [...others, { name, at, stand, corrupt }].slice(-most.bundles * 2)
      return { ...before, bundles: bundles.sort((a, b) => (a.name < b.name ? -1 : 1)) }
    }
  }
}

const isCorrupt = (stand: Verified['bundles'][number]['stand']) => faultyBands(stand) > 0 || stand.files.length > 0

/** How long it may be that nothing was read back, in ms: some rounds, and two days at least. */
const patience = { rounds: 4, least: 2 * 86_400_000 }

/**
 * What is wrong with what was read back.
 * @param since ms since 1970: since when there are bands to be read, and somebody who could
 */
export function judgeVerified(
  verified: Verified | undefined,
  since: number | null,
  verify: VerifySettings | null,
  now: number,
): Problem[] {
  const problems = (verified?.bundles ?? []).flatMap(({ name, stand, corrupt }) => {
    if (corrupt === null) return []
    const todo = 'look after the disk (docs/how-to/verify.md), and let the Mac check its backup'
    return [problem('corrupt', corrupt, `${printable(name)}: ${faultText(stand)}`, todo)]
  })
  if (verify === null || since === null) return problems
  const last = Math.max(verified?.at ?? 0, since)
  if (now - last > Math.max(patience.rounds * verify.every, patience.least)) {
    const why = verified?.failed ? `: ${printable(verified.failed.cause)}` : ''
    const reason = `nothing of the backup has been read back for ${span(now - last)}${why}`
    problems.push(problem('unverified', last, reason, 'see docker compose logs monitor-scanner'))
  }
  return problems
}

/** `2 bands cannot be read (3f, 40); Info.plist: cut short` */
export function faultText({ faults, examples, files }: Verified['bundles'][number]['stand']): string {
  const text = {
    rot: 'changed on the disk without a write',
    unreadable: 'cannot be read',
    oversize: 'over the size of a band',
  }
  const kinds = (['rot', 'unreadable', 'oversize'] as const).flatMap((kind) => {
    const found = faults[kind]
    if (found === 0) return []
    const names = examples.filter(({ fault }) => fault === kind).map(({ band }) => band)
    const more = found > names.length ? `${names.length === 0 ? '' : ' '}and others` : ''
    return [`${count(found, 'band')} ${text[kind]} (${names.join(', ')}${more})`]
  })
  return [...kinds, ...files.map(printable)].join('; ')
}
