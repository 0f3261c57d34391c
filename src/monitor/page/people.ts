import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { History } from '../history/index.ts'
import type { Report } from '../report/index.ts'
import type { Settings } from '../settings.ts'
import { isNodeHost } from './hosts.ts'
import type { NamesOf } from './names.ts'
import { personSite } from './own.ts'
import { PageServer, type PageServerWorld } from './server.ts'
import { isSocket } from './socket.ts'

type Person = Settings['users'][number]

/** People's own pages, each on a socket of its own: `NAME.sock` in one folder, and nothing else there. */
export class PeoplePages {
  readonly #history: History
  readonly #world: PageServerWorld
  readonly #folder: string
  readonly #names: NamesOf
  /** By person: whoever has a former one's name is somebody else. */
  readonly #served = new Map<string, { name: string; server: PageServer }>()
  #wanted: string | undefined
  #fault = ''

  constructor(history: History, world: PageServerWorld, folder: string, names: NamesOf) {
    this.#history = history
    this.#world = world
    this.#folder = folder
    this.#names = names
  }

  /** Sees to it that there is a socket for each whose page is on their node, and for nobody else. */
  async ensure(users: readonly Person[]): Promise<void> {
    const people = users.flatMap(({ id, name, page }) => (page ? [{ key: `${id} ${name}`, name, ...page }] : []))
    const keys = new Set(people.map(({ key }) => key))
    for (const [key, { server }] of this.#served) {
      if (keys.has(key)) continue
      this.#served.delete(key)
      await server.close()
    }
    if (!this.#tidy(people.map(({ name }) => name))) return
    for (const { key, name, hostname } of people) {
      const isOwnHost = (host: string) => isNodeHost({ hostname, ...this.#names(name) })(host)
      const kind = { answer: personSite(name), isOwnHost }
      const served = this.#served.get(key) ?? { name, server: new PageServer(this.#history, this.#world, kind) }
      this.#served.set(key, served)
      await served.server.ensure(join(this.#folder, `${name}.sock`))
    }
  }

  show(report: Report): void {
    for (const { server } of this.#served.values()) server.show(report)
  }

  async close(): Promise<void> {
    for (const { server } of this.#served.values()) await server.close()
    this.#served.clear()
  }

  /** Makes the folder, and removes the sockets of people who have none any more, also those of a monitor that was killed. */
  #tidy(names: readonly string[]): boolean {
    const wanted = names.join()
    try {
      if (names.length > 0) mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
      if (wanted === this.#wanted) return true
      const sockets = new Set(names.map((name) => `${name}.sock`))
      for (const name of namesIn(this.#folder))
        if (!sockets.has(name) && isSocket(join(this.#folder, name))) rmSync(join(this.#folder, name))
      this.#wanted = wanted
      this.#fault = ''
      return true
    } catch (error) {
      const fault = `there are no pages for people: ${(error as Error).message}`
      if (fault !== this.#fault) this.#world.say(fault)
      this.#fault = fault
      return false
    }
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
