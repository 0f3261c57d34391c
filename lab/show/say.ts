import { execa } from 'execa'

/** Seconds between two signs of life of a step that takes long. */
const beat = 10

const started = Date.now()
let steps = 0
/** Last lines of whatever ran, for the report of a failure. */
const log: string[] = []

export const say = (line = '') => console.log(line)
export const seconds = (since = started) => `${Math.round((Date.now() - since) / 1000)} s`

/** Prints lines below the step, indented. */
export function quote(text: string): void {
  for (const line of text.trimEnd().split('\n')) say(`    ${line}`)
}

/** One step of the demo: a heading, a sign of life while it lasts, the time it took if that was long. */
export async function step<T>(title: string, action: () => Promise<T>): Promise<T> {
  const since = Date.now()
  say()
  say(`${++steps}. ${title}`)
  const alive = setInterval(
    () => say(`    ... ${seconds(since)}: ${(log.at(-1) ?? 'working').slice(0, 90)}`),
    beat * 1000,
  )
  try {
    return await action()
  } finally {
    clearInterval(alive)
    if (Date.now() - since > 5_000) say(`    (${seconds(since)})`)
  }
}

export interface Typed {
  cwd: string
  /** What a person would type; the command itself names programs by path. */
  shown: string
  env?: Record<string, string>
  /** Whether its output is shown; it is kept for failures anyway. */
  quiet?: boolean
}

/** Shows a command as typed, runs it (15 minutes at most), and gives its stdout. */
export async function type([program, ...args]: [string, ...string[]], options: Typed): Promise<string> {
  say(`    $ ${options.shown}`)
  const child = execa(program, args, {
    cwd: options.cwd,
    env: options.env ?? {},
    all: true,
    reject: false,
    timeout: 900_000,
    stdin: 'ignore',
  })
  child.all.on('data', (chunk) =>
    log.push(
      ...String(chunk)
        .split(/[\r\n]+/)
        .filter(Boolean),
    ),
  )
  const done = await child
  log.splice(0, log.length - 200)
  if (done.exitCode !== 0) throw new Error(`${options.shown} exited ${done.exitCode ?? done.shortMessage}`)
  if (!options.quiet) quote(done.all)
  return done.stdout
}

/** What a failed demo prints last: the reason, and the end of what ran. */
export function tellFailure(error: unknown): void {
  say()
  say(`The demo failed: ${error instanceof Error ? error.message : String(error)}`)
  if (log.length > 0) say('The last lines of what ran:')
  for (const line of log.slice(-20)) say(`    ${line}`)
}
