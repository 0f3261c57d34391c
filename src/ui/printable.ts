/** C0 and C1 controls, line separators and direction marks: what could drive or mislead a terminal. */
const unsafe = /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\p{Cs}/gu

/** One line of text from outside (an API, a container) as it may be shown: at most 400 characters, controls escaped. */
export function printable(text: string): string {
  const safe = text.replace(unsafe, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`)
  return safe.length > 400 ? `${safe.slice(0, 400)}...` : safe
}

/** JSON on one line that a terminal may show: what printable escapes is escaped here as JSON does it. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(unsafe, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
