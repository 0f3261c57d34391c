import type { Bundle, CountedBands, ShareLook } from '../../backups/index.ts'
import { printable } from '../../ui/printable.ts'
import { most } from './bounds.ts'
import type { BundleSeen, ShareSeen } from './schema.ts'

/** A look at a share in the form that is told: bounded, times as numbers, notes as they may be shown. */
export function seenOf(look: ShareLook | undefined): ShareSeen {
  if (look === undefined) return { outcome: 'absent' }
  const own = new Set(look.bundles.flatMap((bundle) => bundle.notes))
  return {
    outcome: 'seen',
    bundles: look.bundles.slice(0, most.bundles).map(bundleSeen),
    notes: notesOf(look.notes.filter((note) => !own.has(note))),
    ...(look.partial && { partial: { gone: look.partial.gone.slice(0, most.gone) } }),
  }
}

function bundleSeen(bundle: Bundle): BundleSeen {
  const { bands } = bundle
  return {
    name: bundle.name.slice(0, most.nameLength),
    incomplete: bundle.incomplete,
    listed: bundle.backups ?? null,
    completed: bundle.completed.map(timeOf).slice(-most.completed),
    future: bundle.future,
    bands: bands
      ? {
          count: bands.count,
          countedAt: timeOf(bands.countedAt),
          folderChanged: timeOf(bands.folderChanged),
          exact: bands.exact,
          changed: timeOf(bands.changed),
        }
      : null,
    bandSize: bundle.bandSize ?? null,
    size: bundle.size ?? null,
    encrypted: bundle.encrypted ?? null,
    token: bundle.token ?? null,
    machine: bundle.machine ?? null,
    verification: bundle.verification ?? null,
    lastWrite: timeOf(bundle.lastWrite),
    notes: notesOf(bundle.notes),
  }
}

/** The bundles that were there at a look, and those that were gone. */
export function knownOf(seen: ShareSeen | undefined): string[] {
  if (seen?.outcome !== 'seen') return []
  return [...seen.bundles.map(({ name }) => name), ...(seen.partial?.gone ?? [])]
}

/** What is known of the bands of a share's bundles, for the next look. */
export function countedOf(seen: ShareSeen | undefined): Map<string, CountedBands> {
  const counted = new Map<string, CountedBands>()
  if (seen?.outcome !== 'seen') return counted
  for (const { name, bands } of seen.bundles) {
    if (bands === null) continue
    counted.set(name, {
      count: bands.count,
      countedAt: new Date(bands.countedAt),
      folderChanged: new Date(bands.folderChanged),
    })
  }
  return counted
}

/** Files can carry times before 1970. */
const timeOf = (date: Date) => Math.max(0, date.getTime())

function notesOf(notes: readonly string[]): string[] {
  return notes.slice(0, most.notes).map((note) => printable(note).slice(0, most.noteLength))
}
