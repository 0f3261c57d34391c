import { existsSync, renameSync, rmSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import sqlite, { type Database } from 'node-sqlite3-wasm'

/** Pages of 4 KiB: 1 GiB, some years of 200 people. */
export const mostPages = 262_144

/** Layout of the tables; another number: made anew. */
const layout = 1

const tables = `
CREATE TABLE IF NOT EXISTS runs (
  id INTEGER PRIMARY KEY,
  subject TEXT NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  looks INTEGER NOT NULL,
  body TEXT NOT NULL,
  latest TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS runs_by_subject ON runs (subject, last);
CREATE INDEX IF NOT EXISTS runs_by_time ON runs (last);
CREATE TABLE IF NOT EXISTS memory (subject TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
PRAGMA user_version = ${layout};
`

/** What SQLite says of a file that it cannot use, as against a disk that it cannot write. */
const broken = /malformed|not a database|disk image|no such (table|column)|file is encrypted/i
const full = /is full/i

export const isBroken = (error: unknown) => error instanceof sqlite.SQLite3Error && broken.test(error.message)
/** The database has all the pages that it may. */
export const isFull = (error: unknown) => error instanceof sqlite.SQLite3Error && full.test(error.message)

/**
 * Why nothing can be kept, in a sentence: its disk is full, read-only, out of inodes or gone. `undefined`: it is another
 * fault, of the program.
 */
export function whyNotKept(error: unknown, file: string): string | undefined {
  if (!(error instanceof sqlite.SQLite3Error) && (error as NodeJS.ErrnoException).syscall === undefined)
    return undefined
  const why = (error as Error).message
  // SQLite tells a full disk as an I/O error here.
  return /disk i\/o error/i.test(why) && hasNoRoom(dirname(file))
    ? 'the disk of the history is full: until there is room nothing is added'
    : `the history cannot be written (${why}): until it can nothing is added`
}

function hasNoRoom(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder)
    return bavail * bsize < leastFree
  } catch {
    return false
  }
}

/** Bytes free on a disk, below which it counts as full: a transaction's journal takes some pages. */
const leastFree = 1024 * 1024

/**
 * Opens the database, and makes it where there is none. There is one monitor, so nobody else has it open: the lock of
 * one that was killed is taken away.
 * @throws SQLite3Error where it is no sound database, or an error of the system where its disk does not take it
 */
export function openDatabase(file: string, pages: number): Database {
  rmSync(`${file}.lock`, { recursive: true, force: true })
  const db = new sqlite.Database(file)
  try {
    db.exec(`PRAGMA locking_mode = EXCLUSIVE; PRAGMA max_page_count = ${pages}; PRAGMA cell_size_check = ON;`)
    const version = db.get('PRAGMA user_version')?.user_version
    if (version !== 0 && version !== layout) throw new sqlite.SQLite3Error('not a database of this layout')
    const check = db.get('PRAGMA quick_check(1)')?.quick_check
    if (check !== 'ok') throw new sqlite.SQLite3Error('malformed')
    db.exec(tables)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Puts a broken database aside, as FILE.broken, so that a new one can be made; only the last is kept. */
export function putAside(file: string): void {
  for (const rest of ['-journal', '.lock']) rmSync(`${file}${rest}`, { recursive: true, force: true })
  if (existsSync(file)) renameSync(file, `${file}.broken`)
}
