import { type Place, type TmgenError, TmgenErrors } from './errors.ts'

/** Widest piece of a line that is shown: fits an 120-column terminal with room for the marks. */
const window = 110
/** A message may quote a hostile file; this much of it is enough to find the fault. */
const longestMessage = 400
/** More errors than this help nobody; the rest is counted. */
const mostErrors = 50

/** C0, C1, line separators and direction marks: what could drive or mislead a terminal. */
const unsafe = /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\p{Cs}/gu
const wide =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uff01-\uff60]/u

/**
 * What a person reads: `file:line:column: message`, the line, a caret, `hint: …`; no final newline.
 * Several errors are separated by an empty line. Control characters come out escaped, so that no input writes to the terminal.
 */
export function formatError(error: TmgenError | TmgenErrors): string {
  if (!(error instanceof TmgenErrors)) return formatOne(error)
  const shown = error.errors.slice(0, mostErrors).map(formatOne)
  const more = error.errors.length - shown.length
  return [...shown, ...(more > 0 ? [`… and ${more} more`] : [])].join('\n\n')
}

function formatOne(error: TmgenError): string {
  const message = printable(cut(error.message))
  const lines = error.place
    ? [`${printable(error.place.file)}:${error.place.line}:${error.place.column}: ${message}`, ...excerpt(error.place)]
    : [message]
  if (error.hint !== undefined) lines.push(`hint: ${printable(cut(error.hint))}`)
  return lines.join('\n')
}

/** The line (a window of it) and the caret below. Tabs stay tabs in both, so they line up at any tab width. */
function excerpt(place: Place): string[] {
  if (place.text.trim() === '') return []
  const at = Math.min(place.column - 1, place.text.length)
  const from = place.text.length <= window ? 0 : Math.max(0, Math.min(at - 70, place.text.length - window))
  const to = Math.min(place.text.length, from + window)
  const before = (from > 0 ? '…' : '') + printable(place.text.slice(from, at), true)
  const after = printable(place.text.slice(at, to), true) + (to < place.text.length ? '…' : '')
  return [`  ${before}${after}`.trimEnd(), `  ${blank(before)}^`]
}

function blank(text: string): string {
  return Array.from(text, (c) => (c === '\t' ? '\t' : /\p{M}/u.test(c) ? '' : wide.test(c) ? '  ' : ' ')).join('')
}

function printable(text: string, keepTabs = false): string {
  return text.replace(unsafe, (c) =>
    keepTabs && c === '\t' ? c : `\\u{${(c.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}}`,
  )
}

function cut(text: string): string {
  return text.length <= longestMessage ? text : `${text.slice(0, longestMessage)}…`
}
