import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileOf, fromFile, Ledger, maxLedgerBytes } from '../verify/ledger.ts'

/** What is remembered of bands, a file a bundle, in a folder that only the reporter writes. */
export interface Ledgers {
  /** An empty one where there is none, or it is not sound. */
  read(name: string): Ledger
  /** Says whether it is written: its disk may be full. */
  write(name: string, ledger: Ledger): boolean
  names(): string[]
  remove(name: string): void
  /** Tells the scanner that a round was taken. */
  touch(name: string): void
  /** Removes those that nothing was added to since; ms since 1970. */
  prune(before: number): void
}

/** @param say a line for the log */
export function ledgersIn(folder: string, say: (line: string) => void): Ledgers {
  const path = (name: string) => join(folder, name)
  /** On a disk that takes nothing what is there stays. @returns whether it took it */
  const tried = (what: string, action: () => void): boolean => {
    try {
      action()
      return true
    } catch (error) {
      say(`${what}: ${(error as Error).message}`)
      return false
    }
  }
  const all = () => (existsSync(folder) ? readdirSync(folder) : [])
  return {
    read: (name) => {
      const entry = statSync(path(name), { throwIfNoEntry: false })
      if (!entry?.isFile() || entry.size > maxLedgerBytes) return Ledger.of([])
      return fromFile(readFileSync(path(name))) ?? Ledger.of([])
    },
    write: (name, ledger) =>
      tried('what was read back is not remembered', () => {
        writeFileSync(path(`.${name}.new`), fileOf(ledger), { mode: 0o600 })
        renameSync(path(`.${name}.new`), path(name))
      }),
    names: () => all().filter((name) => !name.startsWith('.')),
    remove: (name) => tried('what was read back is not removed', () => rmSync(path(name), { force: true })),
    touch: (name) =>
      tried('a round of reading back is not marked', () => {
        const now = new Date()
        if (statSync(path(name), { throwIfNoEntry: false })) utimesSync(path(name), now, now)
      }),
    prune: (before) =>
      tried('what was read back long ago is not removed', () => {
        for (const name of all())
          if ((statSync(path(name), { throwIfNoEntry: false })?.mtimeMs ?? before) < before)
            rmSync(path(name), { force: true })
      }),
  }
}
