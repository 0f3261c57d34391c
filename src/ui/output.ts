import type { Io } from './io.ts'
import { printable } from './printable.ts'

type Paint = (text: string) => string
type Work<T> = (show: (text: string) => void) => Promise<T>

/** What commands print with: data on stdout, everything else on stderr. */
export interface Ui {
  /** Data; a line end is added. */
  data(text: string): void
  /** Data as JSON. */
  json(value: unknown): void
  /** A message; a line end is added. */
  say(text: string): void
  /** Something done, said as a line with a mark. */
  done(text: string): void
  /** Something the person should know. */
  note(text: string): void
  /** Runs long work and shows that it runs: a spinner on a terminal (`show` changes its text), a line elsewhere. */
  progress<T>(title: string, work: Work<T>): Promise<T>
  paint: { bold: Paint; dim: Paint; red: Paint; yellow: Paint; green: Paint }
}

/** Colour codes where the stream is a terminal, NO_COLOR is unset or empty, and TERM is not dumb. */
function painter(io: Io): (open: number, close: number) => Paint {
  const on = io.stderr.isTTY === true && !io.env.NO_COLOR && io.env.TERM !== 'dumb'
  return (open, close) => (on ? (text) => `\u001b[${open}m${text}\u001b[${close}m` : (text) => text)
}

export function makeUi(io: Io): Ui {
  const colour = painter(io)
  const paint = {
    bold: colour(1, 22),
    dim: colour(2, 22),
    red: colour(31, 39),
    yellow: colour(33, 39),
    green: colour(32, 39),
  }
  const say = (text: string) => void io.stderr.write(`${text}\n`)
  return {
    data: (text) => void io.stdout.write(text.endsWith('\n') ? text : `${text}\n`),
    json: (value) => void io.stdout.write(`${JSON.stringify(value, null, 2)}\n`),
    say,
    done: (text) => say(`${paint.green('✓')} ${text}`),
    note: (text) => say(`${paint.yellow('note:')} ${text}`),
    progress: (title, work) => (io.stderr.isTTY === true ? spin(io, title, work) : tell(say, title, work)),
    paint,
  }
}

async function tell<T>(say: (text: string) => void, title: string, work: Work<T>): Promise<T> {
  say(`${title} ...`)
  return await work(() => undefined)
}

/** Redraw interval of the spinner in milliseconds. */
const frameMs = 120

async function spin<T>(io: Io, title: string, work: Work<T>): Promise<T> {
  const frames = ['-', '\\', '|', '/']
  let frame = 0
  let text = title
  const draw = () => io.stderr.write(`\r\u001b[2K${frames[frame++ % frames.length]} ${printable(text)} `)
  draw()
  const timer = setInterval(draw, frameMs)
  try {
    return await work((next) => {
      text = next
    })
  } finally {
    clearInterval(timer)
    io.stderr.write('\r\u001b[2K')
  }
}

/** Lines up rows under their header with two spaces between columns; the last column is not padded. */
export function table(header: string[], rows: string[][]): string {
  const all = [header, ...rows]
  const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)))
  return all
    .map((row) =>
      row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column]!))).join('  '),
    )
    .join('\n')
}
