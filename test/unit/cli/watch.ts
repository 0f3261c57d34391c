import { tempOf } from '../../../src/world.ts'
import type { Moment } from '../../support/world.ts'
import type { Scene } from './scene.ts'

/** The one folder of a workspace where secrets may lie; each file and folder of it for its owner alone. */
const isSecretPlace = (path: string) => /\/secrets\//.test(path)

type Fetch = (input: unknown, init?: RequestInit) => Promise<Response>

/** Looks over the shoulder of the commands of a scene: what they print, write, ask and start. */
export class Watch {
  /** Everything that can be seen of the runs: where, and what it held. */
  readonly seen: { where: string; text: string }[] = []
  /** What was written where secrets belong. */
  readonly kept = new Set<string>()
  /** Files that a secret was written to on request. */
  readonly handedOut = new Set<string>()
  /** Command lines of programs, as a process list shows them. */
  readonly ran: string[] = []
  readonly #scene: Scene

  constructor(scene: Scene) {
    this.#scene = scene
  }

  /** For MemoryWorldOptions.hook: takes down every content that a file ever has, half written ones too. */
  readonly hook = (what: string, path: string, moment: Moment): void => {
    if (what !== 'write' || moment === 'before') return
    for (const at of [path, tempOf(path)]) {
      const node = this.#scene.disk.nodes.get(at)
      if (node === undefined) continue
      const text = node.content.toString('latin1')
      if (!isSecretPlace(at) && !this.handedOut.has(path)) this.seen.push({ where: at, text })
      else {
        this.kept.add(text.trim())
        if ((node.mode & 0o077) !== 0) this.seen.push({ where: `${at}, open to others`, text })
      }
    }
  }

  /** Programs that do nothing but these effects on the disk, by name; each command line is taken down. */
  programs(effects: Readonly<Record<string, (args: string[]) => void>>) {
    return (name: string, args: string[]) => {
      if (args.length > 0) {
        this.ran.push([name, ...args].join('\n'))
        effects[name]?.(args)
      }
      return { exitCode: 0, stdout: '', stderr: '' }
    }
  }

  /** A fetch that takes down every URL. */
  fetch(real: Fetch): Fetch {
    return async (input, init) => {
      this.seen.push({ where: 'a URL', text: `${init?.method ?? 'GET'} ${String(input)}` })
      return real(input, init)
    }
  }

  /** Where one of these secrets can be read, plain or in a usual encoding. */
  leaks(secrets: Iterable<string>): string[] {
    const all = [
      ...this.seen,
      { where: 'what was printed', text: this.#scene.printed },
      ...this.#scene.docker.map((args) => ({ where: 'arguments of docker', text: args.join('\n') })),
      ...this.ran.map((text) => ({ where: 'arguments of a program', text })),
    ]
    const forms = new Set([...secrets].flatMap(formsOf))
    return all
      .filter(({ text }) => [...forms].some((form) => text.includes(form)))
      .map(({ where, text }) => `${where}: ${text.slice(0, 300)}`)
  }
}

/** Shorter words are no secrets: `Bearer`. */
const shortest = 8

/** A secret as it could turn up: whole, its words (`Bearer KEY`), in base64, hex, a URL or JSON. */
function formsOf(secret: string): string[] {
  const words = [secret, ...secret.split(/\s+/)].map((word) => word.trim()).filter((word) => word.length >= shortest)
  return words.flatMap((word) => [
    word,
    Buffer.from(word).toString('base64').replace(/=+$/, ''),
    Buffer.from(word).toString('base64url'),
    Buffer.from(word).toString('hex'),
    encodeURIComponent(word),
    JSON.stringify(word).slice(1, -1),
  ])
}
