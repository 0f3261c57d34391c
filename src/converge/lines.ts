import { StringDecoder } from 'node:string_decoder'

/** What is kept of one line, in characters: Docker itself cuts at 16 KiB. */
const maxLine = 64 * 1024

/** Cuts a stream of bytes into lines. An overlong line is cut short; a last line without its end counts too. */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8')
  readonly #onLine: (line: string) => void
  #rest = ''

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine
  }

  write(chunk: Uint8Array): void {
    const parts = this.#decoder.write(Buffer.from(chunk)).split('\n')
    parts[0] = this.#rest + parts[0]
    this.#rest = (parts.pop() ?? '').slice(0, maxLine)
    for (const part of parts) this.#onLine(part.slice(0, maxLine).replace(/\r$/, ''))
  }

  end(): void {
    const last = this.#rest + this.#decoder.end()
    this.#rest = ''
    if (last !== '') this.#onLine(last)
  }
}
