import { spawn } from 'node:child_process'
import { printable } from '../../ui/printable.ts'
import { type Line, lineSchema, type Part } from './part.ts'
import type { VerifyRequest } from './share.ts'

/** How the reader of a share is started, and what it may use. */
export interface VerifyLimits {
  /** Arguments of `node`: the reader's program. */
  program: readonly string[]
  /** ms without a word; then it is ended. A disk tries for a minute or two to read a bad sector. */
  silenceMs: number
  /** MiB of its JavaScript heap; the names of 500,000 bands need some 60. */
  heapMiB: number
}

export const verifyLimits = { silenceMs: 180_000, heapMiB: 160 } as const

/** How a round at one share ended. */
export type VerifyEnd =
  | { outcome: 'done'; bundles: string[]; partial?: true }
  /** `reading`: the band at which it was. */
  | { outcome: 'failed'; cause: string; reading: { bundle: string; band: string } | null }

/** Characters of a line, and of all lines of one round; a round over 500,000 bands takes some 60 MiB. */
const most = { line: 256 * 1024, all: 256 * 1024 * 1024 }

/**
 * Reads back one share in a process of its own. Whatever the reader does, this ends, and tells only what is sound. One
 * that hangs in the kernel (a dead disk) is left behind, not waited for.
 */
export function readBack(
  request: VerifyRequest,
  limits: VerifyLimits,
  take: (part: Part) => void,
  signal?: AbortSignal,
): Promise<VerifyEnd> {
  return new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      [`--max-old-space-size=${limits.heapMiB}`, '--disallow-code-generation-from-strings', ...limits.program],
      { env: {}, cwd: '/', stdio: ['pipe', 'pipe', 'ignore'] },
    )
    let reading: { bundle: string; band: string } | null = null
    let size = 0
    let rest = ''
    let isOver = false
    let done: Extract<VerifyEnd, { outcome: 'done' }> | undefined
    const end = (result: VerifyEnd) => {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      child.kill('SIGKILL')
      child.stdout.destroy()
      child.unref()
      resolve(result)
    }
    const fail = (cause: string, at = reading) =>
      end({ outcome: 'failed', cause: printable(cause).slice(0, 400), reading: at })
    const silent = () => fail(`it did not end within ${limits.silenceMs / 1000} s`)
    let timer = setTimeout(silent, limits.silenceMs)
    signal?.addEventListener('abort', () => fail('it was ended', null), { once: true })
    child.on('error', (error) => fail(`the reader does not start: ${error.message}`, null))
    const takeLine = (text: string) => {
      const told = lineOf(text)
      if (told === undefined) fail('the reader told what cannot be understood', null)
      else if ('reading' in told) reading = told.reading
      else if ('part' in told) take(told.part)
      else if ('done' in told)
        done = { outcome: 'done', bundles: told.done, ...(told.partial && { partial: told.partial }) }
      else fail(told.fault, null)
    }
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      clearTimeout(timer)
      timer = setTimeout(silent, limits.silenceMs)
      size += chunk.length
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      if (rest.length > most.line || size > most.all) fail('the reader told too much', null)
      for (const line of lines) if (!isOver) takeLine(line)
    })
    child.on('close', (code, why) => {
      if (code === 0 && done !== undefined) end(done)
      else fail(`the reader ended with ${why ?? `exit ${code}`}`, null)
    })
    // A reader that is dead already does not take the request: its end tells.
    child.stdin.on('error', () => {})
    child.stdin.end(JSON.stringify(request))
  })
}

function lineOf(text: string): Line | undefined {
  try {
    return lineSchema.safeParse(JSON.parse(text)).data
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
