import { span } from '../rules/problems.ts'
import { type Item, mostItems, type Notification } from './decide.ts'

/**
 * A notification as plain text, without anything that a terminal or a mail client would take for its own.
 * @param bytes the body has at most, as JSON has it in UTF-8, which is never shorter than the text itself
 */
export function textOf(
  { items, at, severity, isShort = false }: Notification,
  workspace: string,
  bytes = Number.POSITIVE_INFINITY,
): { title: string; body: string } {
  const [first] = items
  const rest = items.length > 1 ? ` and ${items.length - 1} more` : ''
  const word = severity === 'recovery' ? 'well again' : first?.what === 'reminder' ? 'still' : severity
  const title = `[${workspace}] ${word}: ${first?.finding.about ?? ''}: ${first ? short(first, isShort) : ''}${rest}`
  const body = isShort ? 'the rest of it was refused here: tmgen status' : bodyOf(items, at, bytes)
  return { title: title.slice(0, 200), body }
}

const short = ({ what, finding }: Item, isShort: boolean) =>
  what === 'recovery' || isShort ? finding.kind : finding.reason

/** As many items as there is room for, and how many more there are. */
function bodyOf(items: readonly Item[], at: number, bytes: number): string {
  const lines = items.slice(0, mostItems).map((item) => line(item, at))
  for (;;) {
    const left = items.length - lines.length
    const body = [...lines, ...(left > 0 ? [`and ${left} more: tmgen status`] : [])].join('\n\n')
    if (lines.length === 0 || Buffer.byteLength(JSON.stringify(body)) <= bytes) return body
    lines.pop()
  }
}

function line({ what, finding }: Item, at: number): string {
  const { about, kind, reason, todo, since } = finding
  const lasted = span(Math.max(0, at - since))
  if (what === 'recovery') return `${about}: well again (${kind}, for ${lasted})`
  const again = what === 'reminder' ? `, for ${lasted}` : ''
  return `${about}: ${reason}${again}${todo === '' ? '' : `\n  ${todo}`}`
}
