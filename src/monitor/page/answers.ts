import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import type { History } from '../history/index.ts'
import type { Report } from '../report/index.ts'
import type { Answer, Known, Site } from './site.ts'

/** An answer as it is sent. */
export interface Made {
  answer: Answer
  body: Buffer
  zipped: Buffer
  /** Its entity tag. */
  tag: string
}

/** Answers that are kept until the next report. */
const most = 64

/** Answers, each made once a report, and anew each minute that a report is late. */
export class Answers {
  readonly #known: Known
  readonly #kept = new Map<string, Made>()

  readonly #site: Site

  constructor(history: History, site: Site) {
    this.#site = site
    this.#known = { report: undefined, history }
  }

  show(report: Report): void {
    this.#known.report = report
    this.#kept.clear()
  }

  /** What is at a path. @param now ms since 1970 */
  at(path: string, now: number): Made {
    const late = Math.floor((now - (this.#known.report?.at ?? now)) / 60_000)
    const key = `${late} ${path}`
    const known = this.#kept.get(key)
    if (known) return known
    const answer = this.#site(this.#known, path, now)
    const body = Buffer.from(answer.body)
    const tag = `W/"${createHash('sha256').update(body).digest('hex').slice(0, 16)}"`
    const made = { answer, body, zipped: gzipSync(body), tag }
    if (answer.status !== 200) return made
    const [oldest] = this.#kept.keys()
    if (this.#kept.size >= most && oldest !== undefined) this.#kept.delete(oldest)
    this.#kept.set(key, made)
    return made
  }
}
