import { printable } from '../../ui/printable.ts'

/** Markup that is safe to send. Only `html` and `drawn` make it. */
export class Html {
  readonly #text: string
  constructor(text: string) {
    this.#text = text
  }
  toString(): string {
    return this.#text
  }
}

type Value = Html | string | number | undefined | readonly Value[]

// What is between tags is laid out by the style sheet: line ends and indents of the source would be a fifth of a page.
const tight = (markup: string) => markup.replace(/\n\s*/g, '')
const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function textOf(value: Value): string {
  if (value === undefined) return ''
  if (value instanceof Html) return value.toString()
  if (typeof value === 'object') return value.map(textOf).join('')
  return printable(String(value)).replace(/[&<>"']/g, (character) => entities[character] ?? '')
}

/**
 * Markup: every value in it is escaped, but for what `html` made. Values stand between tags or in quoted attributes,
 * never in a tag's name, an address or a style.
 */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(strings.map((part, index) => tight(part) + textOf(values[index])).join(''))
}

/** The path of a drawing, of any length. @throws RangeError where there is more in it than numbers and commands */
export function drawn(path: string): Html {
  if (!/^[\dMmHhVvZ .-]*$/.test(path)) throw new RangeError('this is no path')
  return new Html(path)
}
