import { isUtf8 } from 'node:buffer'
import { type ErrorCode, type Place, TmgenError, TmgenErrors } from '../errors.ts'
import { withoutSecrets } from './slips.ts'

/** Text with the start of each line, to name places in it. */
export interface Source {
  readonly file: string
  readonly text: string
  /** Place of an offset in UTF-16 units; its line ends where a secret may begin. */
  place(offset: number): Place
}

/** Reads bytes as strict UTF-8 of limited size; throws TmgenErrors with `code` and the place of the first bad byte or character. */
export function readText(bytes: Uint8Array, file: string, code: ErrorCode, maxBytes: number): Source {
  if (bytes.length > maxBytes) {
    const [size, limit] = [bytes.length, maxBytes].map((n) => `${Number((n / 1024 ** 2).toFixed(1))} MiB`)
    const place = { file, line: 1, column: 1, text: '' }
    const hint = 'this does not look like a file for tmgen; 1,000 users need about 0.2 MiB'
    throw new TmgenErrors([new TmgenError(code, `the file has ${size}; the limit is ${limit}`, { place, hint })])
  }
  if (!isUtf8(bytes)) {
    const good = decodable(bytes)
    const before = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, good))
    const source = makeSource(file, before + new TextDecoder('utf-8').decode(bytes.subarray(good, good + 80)))
    const byte = (bytes[good] ?? 0).toString(16).padStart(2, '0')
    throw new TmgenErrors([
      new TmgenError(code, `the file is not valid UTF-8: byte 0x${byte} at offset ${good}`, {
        place: source.place(before.length),
        hint: 'save the file as UTF-8',
      }),
    ])
  }
  // The BOM stays in the text, so that an edit gives it back.
  const source = makeSource(file, new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  const bad = /(?![\t\n\r])\p{Cc}|\r(?!\n)/u.exec(source.text)
  if (bad) {
    const name = `U+${bad[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`
    throw new TmgenErrors([
      new TmgenError(code, `the file holds the control character ${name}`, {
        place: source.place(bad.index),
        hint: bad[0] === '\r' ? 'end lines with LF or CRLF' : 'delete it',
      }),
    ])
  }
  return source
}

/** Length of the longest prefix that is UTF-8, in bytes. */
function decodable(bytes: Uint8Array): number {
  const begins = (length: number): boolean => {
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length), { stream: true })
      return true
    } catch {
      return false
    }
  }
  let [low, high] = [0, bytes.length + 1]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (begins(middle)) low = middle
    else high = middle
  }
  // A streaming decoder lets an unfinished sequence (at most 3 bytes) at the end pass.
  while (low > 0 && !isUtf8(bytes.subarray(0, low))) low--
  return low
}

/** A Source over text that is known to be good. */
export function makeSource(file: string, text: string): Source {
  let starts: number[] | undefined
  const lines = (): number[] => {
    if (starts) return starts
    starts = [0]
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
    return starts
  }
  // A line is looked through once: a hostile file is one long line with an error at each word.
  const shown = new Map<number, string>()
  const show = (number: number, line: string): string => {
    const known = shown.get(number)
    if (known !== undefined) return known
    const made = withoutSecrets(line)
    shown.set(number, made)
    return made
  }
  return {
    file,
    text,
    place(offset) {
      const all = lines()
      let [low, high] = [0, all.length]
      while (high - low > 1) {
        const middle = (low + high) >> 1
        if ((all[middle] ?? 0) <= offset) low = middle
        else high = middle
      }
      const start = all[low] ?? 0
      const end = all[low + 1] ?? text.length + 1
      const line = text.slice(start, text[end - 2] === '\r' ? end - 2 : end - 1)
      // The BOM of the first line has no width and is no column.
      const bom = start === 0 && line.startsWith('\ufeff') ? 1 : 0
      return { file, line: low + 1, column: Math.max(1, offset - start + 1 - bom), text: show(low, line.slice(bom)) }
    },
  }
}
