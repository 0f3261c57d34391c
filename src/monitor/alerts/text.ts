import { span } from '../rules/problems.ts'
import { type Item, mostItems, type Notification } from './decide.ts'

/** A notification as plain text, without anything that a terminal or a mail client would take for its own. */
export function textOf({ items, at, severity }: Notification, workspace: string): { title: string; body: string } {
  const [first] = items
  const rest = items.length > 1 ? ` and ${items.length - 1} more` : ''
  const word = severity === 'recovery' ? 'well again' : first?.what === 'reminder' ? 'still' : severity
  const title = `[${workspace}] ${word}: ${first?.finding.about ?? ''}: ${first ? short(first) : ''}${rest}`
  const lines = items.slice(0, mostItems).map((item) => line(item, at))
  if (items.length > mostItems) lines.push(`and ${items.length - mostItems} more: tmgen status`)
  return { title: title.slice(0, 200), body: lines.join('\n\n') }
}

const short = ({ what, finding }: Item) => (what === 'recovery' ? finding.kind : finding.reason)

function line({ what, finding }: Item, at: number): string {
  const { about, kind, reason, todo, since } = finding
  const lasted = span(Math.max(0, at - since))
  if (what === 'recovery') return `${about}: well again (${kind}, for ${lasted})`
  const again = what === 'reminder' ? `, for ${lasted}` : ''
  return `${about}: ${reason}${again}${todo === '' ? '' : `\n  ${todo}`}`
}
