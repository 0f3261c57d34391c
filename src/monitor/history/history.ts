import type { Database } from 'node-sqlite3-wasm'
import { hasNoRoom, isBroken, isFull, mostPages, openDatabase, putAside } from './database.ts'

/** Looks one after the other that saw the same. Times in ms since 1970. */
export interface Run {
  first: number
  last: number
  looks: number
  body: unknown
  /** What may change from look to look, as the last one saw it. */
  latest: unknown
}

export interface HistoryOptions {
  /** Told in a sentence when what was kept is lost, and a new database begun. */
  onLoss: (why: string) => void
  /** Pages of 4 KiB that the database may have. */
  pages?: number
}

/**
 * Every look, for charts and for "when did it stop"; and what the rules remember. Looks that saw the same are one row.
 * A database that is broken or full is never an end: what is needed to judge is seen anew on the disk, so it is put
 * aside, or its older half dropped. While its disk is full nothing is added, and what is there stays.
 */
export class History {
  readonly #file: string
  readonly #options: HistoryOptions
  #db: Database | undefined
  #noRoom = false
  /** What was remembered since the start: on a full disk it is nowhere else. */
  readonly #memory = new Map<string, string>()

  constructor(file: string, options: HistoryOptions) {
    this.#file = file
    this.#options = options
    this.#write(() => undefined)
  }

  /** Adds one look. `at` before the last one (the clock was set): a row of its own. */
  record(subject: string, at: number, body: unknown, latest: unknown = null): void {
    const text = JSON.stringify(body)
    this.#write((db) => {
      const last = db.get('SELECT id, last, body FROM runs WHERE subject = ? ORDER BY id DESC LIMIT 1', [subject])
      if (last && last.body === text && Number(last.last) <= at)
        db.run('UPDATE runs SET last = ?, looks = looks + 1, latest = ? WHERE id = ?', [
          at,
          JSON.stringify(latest),
          last.id as number,
        ])
      else
        db.run('INSERT INTO runs (subject, first, last, looks, body, latest) VALUES (?, ?, ?, 1, ?, ?)', [
          subject,
          at,
          at,
          text,
          JSON.stringify(latest),
        ])
    })
  }

  /** The looks at one subject since a time, oldest first; at most `most`, the newest ones. */
  runs(subject: string, since = 0, most = 10_000): Run[] {
    const rows = this.#read((db) =>
      db.all(
        'SELECT first, last, looks, body, latest FROM runs WHERE subject = ? AND last >= ? ORDER BY id DESC LIMIT ?',
        [subject, since, most],
      ),
    )
    return (rows ?? []).reverse().map((row) => ({
      first: Number(row.first),
      last: Number(row.last),
      looks: Number(row.looks),
      body: JSON.parse(String(row.body)),
      latest: JSON.parse(String(row.latest)),
    }))
  }

  /** What was last remembered under a name; `undefined`: nothing, or it is lost. */
  remembered(subject: string): unknown {
    const held = this.#memory.get(subject)
    if (held !== undefined) return JSON.parse(held)
    const row = this.#read((db) => db.get('SELECT body FROM memory WHERE subject = ?', [subject]))
    return row ? JSON.parse(String(row.body)) : undefined
  }

  remember(subject: string, body: unknown): void {
    const text = JSON.stringify(body)
    this.#memory.set(subject, text)
    this.#write((db) => db.run('INSERT OR REPLACE INTO memory (subject, body) VALUES (?, ?)', [subject, text]))
  }

  /**
   * Gives subjects other names, all at once, so that two may change places.
   * @param labelOf the new name of a subject; `undefined`: all that is known of it is dropped
   */
  relabel(labelOf: (subject: string) => string | undefined): void {
    const held = [...this.#memory]
    this.#memory.clear()
    for (const [subject, body] of held) {
      const label = labelOf(subject)
      if (label !== undefined) this.#memory.set(label, body)
    }
    const rows = this.#read((db) => db.all('SELECT subject FROM memory UNION SELECT subject FROM runs')) ?? []
    const changed = rows
      .map((row) => [String(row.subject), labelOf(String(row.subject))] as const)
      .filter(([subject, label]) => subject !== label)
    this.#write((db) => {
      for (const table of ['memory', 'runs']) {
        for (const [subject, label] of changed)
          if (label === undefined) db.run(`DELETE FROM ${table} WHERE subject = ?`, [subject])
          else db.run(`UPDATE ${table} SET subject = ? WHERE subject = ?`, [aside(label), subject])
        for (const [, label] of changed)
          if (label !== undefined)
            db.run(`UPDATE OR REPLACE ${table} SET subject = ? WHERE subject = ?`, [label, aside(label)])
      }
    })
  }

  /** All of it, or nothing: one look at everybody is one transaction. */
  together<T>(action: () => T): T {
    this.#read((db) => db.exec('BEGIN'))
    try {
      const result = action()
      if (this.#db?.inTransaction) this.#write((db) => db.exec('COMMIT'))
      return result
    } catch (error) {
      if (this.#db?.inTransaction) this.#db.exec('ROLLBACK')
      throw error
    }
  }

  /** Drops what ended before a time; the last row of each subject stays. */
  prune(before: number): void {
    this.#write((db) =>
      db.run('DELETE FROM runs WHERE last < ? AND id NOT IN (SELECT max(id) FROM runs GROUP BY subject)', [before]),
    )
  }

  close(): void {
    this.#db?.close()
    this.#db = undefined
  }

  /** Does it; where the database is broken or full, does it once more on one that is not. */
  #try<T>(action: (db: Database) => T): T {
    try {
      return action(this.#open())
    } catch (error) {
      if (isFull(error)) return this.#makeRoom(action)
      if (isBroken(error)) return this.#begin(action, `the history was broken (${(error as Error).message})`)
      throw error
    }
  }

  #open(): Database {
    this.#db ??= openDatabase(this.#file, this.#options.pages ?? mostPages)
    return this.#db
  }

  /** Where the disk is full the look is not kept, which is told once. */
  #write(action: (db: Database) => unknown): void {
    try {
      this.#try(action)
      this.#noRoom = false
    } catch (error) {
      if (!hasNoRoom(error, this.#file)) throw error
      if (this.#db?.inTransaction) this.#db.exec('ROLLBACK')
      if (!this.#noRoom) this.#options.onLoss('the disk of the history is full: until there is room nothing is added')
      this.#noRoom = true
    }
  }

  /** `undefined` where there is no database yet, and no room for one. */
  #read<T>(action: (db: Database) => T): T | undefined {
    try {
      return this.#try(action)
    } catch (error) {
      if (this.#db === undefined && hasNoRoom(error, this.#file)) return undefined
      throw error
    }
  }

  /** SQLite reuses the pages of what is deleted. */
  #makeRoom<T>(action: (db: Database) => T): T {
    this.#open().run('DELETE FROM runs WHERE id <= (SELECT (min(id) + max(id)) / 2 FROM runs)')
    const result = action(this.#open())
    this.#options.onLoss('the history was full: its older half was dropped')
    return result
  }

  #begin<T>(action: (db: Database) => T, why: string): T {
    this.close()
    putAside(this.#file)
    const result = action(this.#open())
    this.#options.onLoss(`${why}: a new one was begun`)
    return result
  }
}

/** What no subject is called. */
const aside = (label: string) => `\u0001${label}`
