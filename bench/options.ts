import { parseArgs } from 'node:util'

const parts = ['cli', 'transfer', 'start'] as const
export type Part = (typeof parts)[number]

export interface Options {
  /** Parts to run, in the order of the table. */
  parts: readonly Part[]
  /** MiB of the file that is copied. */
  size: number
  /** Rounds over all ways of the transfer, and over starts of an enrolled workspace. */
  rounds: number
  /** Whether docs/performance.md gets the result. */
  write: boolean
}

/** Reads `[--only PART[,PART]] [--size MIB] [--rounds N] [--write]`; throws for anything else. */
export function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', default: parts.join() },
      size: { type: 'string', default: '512' },
      rounds: { type: 'string', default: '3' },
      write: { type: 'boolean', default: false },
    },
  })
  const wanted = values.only.split(',')
  for (const one of wanted)
    if (!parts.some((part) => part === one)) throw new Error(`--only: ${one} is none of ${parts}`)
  if (values.write && wanted.length < parts.length) throw new Error('--write puts all parts into the page: no --only')
  return {
    parts: parts.filter((part) => wanted.includes(part)),
    // Beyond 768 MiB the file and what comes back do not fit the client's memory disk.
    size: whole('--size', values.size, 768),
    rounds: whole('--rounds', values.rounds, 99),
    write: values.write,
  }
}

function whole(name: string, text: string, most: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > most) throw new Error(`${name} takes 1 to ${most}`)
  return value
}
