import type { Database } from 'node-sqlite3-wasm'
import { isBroken, isFull, mostPages, openDatabase, putAside, whyNotKept } from './database.ts'

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
  /** Told in a sentence, once: what was kept is lost and a new database begun; nothing can be kept; it can again. */
  onLoss: (why: string) => void
  /** Pages of 4 KiB that the database may have. */
  pages?: number
}

/**
 * Every look, for charts and for "when did it stop"; and what the rules remember. Looks that saw the same are one row.
 * A database that is broken or full is never an end: what is needed to judge is seen anew on the disk, so it is put
 * aside, or its older half dropped. While its disk takes nothing (full, read-only, gone) nothing is added and what is there
 * stays; what is remembered is then held in memory alone.
 */
export class History {
  readonly #file: string
  readonly #options: HistoryOptions
  #db: Database | undefined
  /** It was open once. */
  #wasOpen = false
  /** It did not open: that is tried again with the next look at everybody, and not for each subject. */
  #isShut = false
  #trouble = ''
  /** Looks at everybody, which are one transaction: `lost` when a part of it was not taken, and so nothing is. */
  #transaction: 'none' | 'empty' | 'written' | 'lost' = 'none'
  /** Names that were given and are not kept yet: what is kept gets them before anything else. */
  readonly #relabels: LabelOf[] = []
  /** What was remembered or asked for since the start: while its disk takes nothing it is nowhere else. */
  readonly #memory = new Map<string, string>()

  constructor(file: string, options: HistoryOptions) {
    this.#file = file
    this.#options = options
    this.#write(() => undefined)
  }

  /** Why nothing is kept at present, in a sentence; `''`: all is. */
  get trouble(): string {
    return this.#trouble
  }

  /** Adds one look. `at` before the last one (the clock was set): a row of its own. */
  record(subject: string, at: number, body: unknown, latest: unknown = null): void {
    const text = JSON.stringify(body)
    this.#write((db) => {
      const last = db.get('SELECT id, last, body FROM runs WHERE subject = ? ORDER BY id DESC LIMIT 1', [subject])
      if (last && last.body === text && Number(last.last) <= at)
        return db.run('UPDATE runs SET last = ?, looks = looks + 1, latest = ? WHERE id = ?', [
          at,
          JSON.stringify(latest),
          last.id as number,
        ])
      return db.run('INSERT INTO runs (subject, first, last, looks, body, latest) VALUES (?, ?, ?, 1, ?, ?)', [
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
    if (row === undefined || row === null) return undefined
    this.#memory.set(subject, String(row.body))
    return JSON.parse(String(row.body))
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
  relabel(labelOf: LabelOf): void {
    const held = [...this.#memory]
    this.#memory.clear()
    for (const [subject, body] of held) {
      const label = labelOf(subject)
      if (label !== undefined) this.#memory.set(label, body)
    }
    this.#relabelKept(labelOf)
    if (this.#transaction !== 'none') this.#relabels.push(labelOf)
  }

  #relabelKept(labelOf: LabelOf): void {
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
      return { changes: changed.length }
    })
  }

  /** All of it, or nothing: one look at everybody is one transaction. */
  together<T>(action: () => T): T {
    this.#isShut = false
    this.#transaction = 'empty'
    this.#read((db) => db.exec('BEGIN'))
    try {
      for (const labelOf of this.#relabels) this.#relabelKept(labelOf)
      const result = action()
      this.#commit()
      return result
    } catch (error) {
      this.#rollBack()
      throw error
    } finally {
      this.#transaction = 'none'
    }
  }

  /** Drops what ended before a time; the last row of each subject stays. */
  prune(before: number): void {
    this.#write((db) =>
      db.run('DELETE FROM runs WHERE last < ? AND id NOT IN (SELECT max(id) FROM runs GROUP BY subject)', [before]),
    )
  }

  close(): void {
    const db = this.#db
    this.#db = undefined
    try {
      db?.close()
    } catch (error) {
      // Its lock stays behind, which whoever opens it takes away.
      if (whyNotKept(error, this.#file) === undefined) throw error
    }
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
    if (this.#db) return this.#db
    this.#db = openDatabase(this.#file, this.#options.pages ?? mostPages)
    // What was made up while it could not be read gives way to what was kept, as after a start; in a new one is nothing.
    if (!this.#wasOpen && this.#db.get('SELECT 1 FROM memory LIMIT 1')) {
      this.#memory.clear()
      this.#relabels.length = 0
    }
    this.#wasOpen = true
    return this.#db
  }

  /** Where the disk does not take it, it is not kept. */
  #write(action: (db: Database) => unknown): void {
    if (this.#isShut || this.#transaction === 'lost') return
    // What has another name by now is not mixed with what is kept under the old ones.
    if (this.#transaction === 'none' && this.#relabels.length > 0) return
    try {
      const done = this.#try(action)
      if (this.#transaction === 'empty' && isChange(done)) this.#transaction = 'written'
    } catch (error) {
      this.#putUp(error)
      this.#rollBack()
      if (this.#transaction !== 'none') this.#transaction = 'lost'
    }
  }

  #commit(): void {
    if (this.#db?.inTransaction) this.#write((db) => db.exec('COMMIT'))
    if (this.#db && this.#transaction !== 'lost') this.#relabels.length = 0
    // One that changed nothing shows nothing, and a row that still fits does not either.
    if (this.#transaction !== 'written' || this.#trouble === '') return
    this.#trouble = ''
    this.#options.onLoss('the history is kept again')
  }

  /** `undefined` where there is no database that can be read. */
  #read<T>(action: (db: Database) => T): T | undefined {
    if (this.#isShut) return undefined
    try {
      return this.#try(action)
    } catch (error) {
      this.#putUp(error)
      this.close()
      this.#isShut = true
      return undefined
    }
  }

  /** Puts up with a disk that does not take it, which is told once. @throws what is another fault */
  #putUp(error: unknown): void {
    const why = whyNotKept(error, this.#file)
    if (why === undefined) throw error
    this.#isShut = this.#db === undefined
    if (this.#trouble === '') this.#options.onLoss(why)
    this.#trouble = why
  }

  #rollBack(): void {
    try {
      if (this.#db?.inTransaction) this.#db.exec('ROLLBACK')
    } catch (error) {
      if (whyNotKept(error, this.#file) === undefined) throw error
      this.close()
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

type LabelOf = (subject: string) => string | undefined

/** What no subject is called. */
const aside = (label: string) => `\u0001${label}`
const isChange = (done: unknown) => done instanceof Object && 'changes' in done && Number(done.changes) > 0
