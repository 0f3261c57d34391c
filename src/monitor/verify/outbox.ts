import { randomBytes } from 'node:crypto'
import { renameSync, writeFileSync } from 'node:fs'
import type { Handed } from './part.ts'
import { maxOutbox } from './part.ts'

/** The reporter takes what is new every few seconds; after so long, in ms, it is not there to take it. */
export const keepFor = 10 * 60_000
/** What a file holds at most. */
const mostHanded = 512

/** What reading back found, in a file for the reporter: bounded, the newest last. What is not taken in time is read again. */
export class Outbox {
  readonly #path: string
  #handed: { at: number; text: string }[] = []

  constructor(path: string) {
    this.#path = path
  }

  /** Where the volume is full it is not handed on, and read again another time. */
  add(user: string, mac: string, what: Handed['what'], at: number): void {
    const entry: Handed = { id: randomBytes(8).toString('hex'), at, user, mac, what }
    const all = [...this.#handed, { at, text: JSON.stringify(entry) }].filter((one) => Math.abs(at - one.at) < keepFor)
    let size = 2
    const kept: typeof all = []
    for (const one of all.slice(-mostHanded).reverse()) {
      size += one.text.length + 1
      // Names take up to three bytes a character.
      if (size * 3 > maxOutbox) break
      kept.unshift(one)
    }
    this.#handed = kept
    try {
      writeFileSync(`${this.#path}.new`, `[${kept.map(({ text }) => text).join(',')}]`)
      renameSync(`${this.#path}.new`, this.#path)
    } catch (error) {
      console.error(`what was read back is not handed on: ${(error as Error).message}`)
    }
  }
}
