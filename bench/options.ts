import { parseArgs } from 'node:util'

/** In their order; first what makes many files, which ext4 does slowly for minutes after many were deleted. */
const parts = [
  'cli',
  'growth',
  'looks',
  'transfer',
  'curve2',
  'curve50',
  'curve200',
  'users',
  'files',
  'latency',
  'nodes200',
  'nodes500',
  'proxy',
  'start',
] as const
export type Part = (typeof parts)[number]

export interface Options {
  /** Parts to run, in their order. */
  parts: readonly Part[]
  /** MiB of the file that is copied. */
  size: number
  /** Rounds over all ways of the transfer, and over starts of an enrolled workspace. */
  rounds: number
  /** Whether docs/performance.md gets the result; parts that did not run keep theirs. */
  write: boolean
}

/** Reads `[--only PART[,PART]] [--size MIB] [--rounds N] [--write]`; throws for anything else. */
export function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string' },
      size: { type: 'string', default: '512' },
      rounds: { type: 'string', default: '3' },
      write: { type: 'boolean', default: false },
    },
  })
  const wanted = values.only?.split(',') ?? [...parts]
  for (const one of wanted)
    if (!parts.some((part) => isOf(part, one))) throw new Error(`--only: ${one} is none of ${parts.join(', ')}`)
  return {
    parts: parts.filter((part) => wanted.some((one) => isOf(part, one))),
    // Beyond 768 MiB the file and what comes back do not fit the client's memory disk.
    size: whole('--size', values.size, 768),
    rounds: whole('--rounds', values.rounds, 99),
    write: values.write,
  }
}

/** Whether a part is the named one, or of the named group: curve50 is of `curve`. */
function isOf(part: Part, name: string): boolean {
  return part === name || part.replace(/\d+$/, '') === name
}

function whole(name: string, text: string, most: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > most) throw new Error(`${name} takes 1 to ${most}`)
  return value
}
