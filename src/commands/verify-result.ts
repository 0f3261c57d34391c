import { bytesText } from '../bytes.ts'
import { faultText } from '../monitor/rules/verified.ts'
import type { AskedLine, Stand } from '../monitor/verify/part.ts'
import { faultyBands } from '../monitor/verify/stand.ts'
import { table } from '../ui/output.ts'
import { printable } from '../ui/printable.ts'

/** What came of one Mac. */
export interface MacResult {
  mac: string
  /** Of each bundle the last that was told. */
  stands: Stand[]
  /** `undefined`: it was not begun, or ended without a word. */
  end: Extract<AskedLine, { end: unknown }>['end'] | undefined
}

export function resultsOf(lines: readonly AskedLine[], macs: readonly string[]): MacResult[] {
  return macs.map((mac) => {
    const stands = new Map<string, Stand>()
    let end: MacResult['end']
    for (const line of lines) {
      if (!('mac' in line) || line.mac !== mac) continue
      if ('stand' in line) stands.set(line.stand.bundle, line.stand)
      else end = line.end
    }
    return { mac, stands: [...stands.values()], end }
  })
}

const isSound = (stand: Stand) => faultyBands(stand) === 0 && stand.files.length === 0

/** Whether something was read, and all of that is as it should be. What was not read is not well. */
export const isWell = ({ stands, end }: MacResult): boolean =>
  end?.outcome === 'done' && stands.every(isSound) && stands.some(({ read }) => read > 0)

export function jsonOf(result: MacResult) {
  const { mac, stands, end } = result
  const cause = end === undefined ? 'it did not end' : end.outcome === 'failed' ? end.cause : null
  return { mac, ok: isWell(result), cause, bundles: stands }
}

export function resultTable(results: readonly MacResult[]): string {
  const rows = results.flatMap(({ mac, stands, end }) => {
    if (stands.length === 0) return [[mac, '-', '-', '-', end?.outcome === 'done' ? 'no backup yet' : 'not read']]
    return stands.map((stand) => [
      mac,
      stand.bundle,
      `${stand.read} bands, ${bytesText(stand.readBytes)}`,
      `${stand.covered} of ${stand.bands}`,
      isSound(stand) ? (stand.read > 0 ? 'sound' : 'nothing read') : faultText(stand),
    ])
  })
  return table(
    ['MAC', 'BUNDLE', 'READ NOW', 'READ LATELY', 'RESULT'],
    rows.map((row) => row.map(printable)),
  )
}

/** What a person should know beside the table. */
export function notesOf({ mac, stands, end }: MacResult): string[] {
  const notes: string[] = []
  if (end === undefined) notes.push(`${mac}: it did not end: docker compose logs monitor-scanner`)
  else if (end.outcome === 'failed') notes.push(`${mac}: ${end.cause}`)
  for (const { bundle, busy, examples } of stands) {
    if (busy > 0) notes.push(`${mac}: ${bundle}: ${busy} bands were being written, and were left out`)
    for (const { band, why } of examples) notes.push(`${mac}: ${bundle}/bands/${band}: ${why}`)
  }
  if (stands.every(({ read }) => read === 0)) notes.push(`${mac}: nothing was read: this proves nothing`)
  return notes
}
