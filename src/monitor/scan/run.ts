import { spawn } from 'node:child_process'
import { type ShareSeen, shareSchema } from '../observation/index.ts'
import { maxBytes, type ScanRequest } from './request.ts'

/** How the scanner is started, and what it may use. */
export interface ScanLimits {
  /** Arguments of `node`: the scanner's program. */
  program: readonly string[]
  /** ms; then it is killed. A share of 500,000 bands takes about a second when they are counted anew. */
  timeoutMs: number
  /** MiB of its JavaScript heap; a history of 2 MiB needs some 40. */
  heapMiB: number
}

export const scanLimits = { timeoutMs: 20_000, heapMiB: 96 } as const

/**
 * Looks at one share in a process of its own. Whatever the scanner does, this ends in time and with a sound answer.
 * A process that hangs in the kernel (a dead disk) is left behind, not waited for.
 */
export function scanShare(request: ScanRequest, limits: ScanLimits): Promise<ShareSeen> {
  return new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      [`--max-old-space-size=${limits.heapMiB}`, '--disallow-code-generation-from-strings', ...limits.program],
      { env: {}, cwd: '/', stdio: ['pipe', 'pipe', 'ignore'] },
    )
    const chunks: Buffer[] = []
    let size = 0
    const end = (seen: ShareSeen) => {
      clearTimeout(timer)
      child.kill('SIGKILL')
      child.stdout.destroy()
      child.unref()
      resolve(seen)
    }
    const tooLong = `looking at it took longer than ${limits.timeoutMs / 1000} s`
    const timer = setTimeout(() => end(unreadable(tooLong)), limits.timeoutMs)
    child.on('error', (error) => end(unreadable(`the scanner does not start: ${error.message}`)))
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > maxBytes.answer) end(unreadable('the scanner told too much'))
      else chunks.push(chunk)
    })
    child.on('close', (code, signal) => {
      if (code === 0) end(answerOf(Buffer.concat(chunks)))
      else end(unreadable(`the scanner ended with ${signal ?? `exit ${code}`}`))
    })
    // A scanner that is dead already does not take the request: its end tells.
    child.stdin.on('error', () => {})
    child.stdin.end(JSON.stringify(request))
  })
}

function answerOf(bytes: Buffer): ShareSeen {
  try {
    const parsed = shareSchema.safeParse(JSON.parse(bytes.toString('utf8')))
    if (parsed.success) return parsed.data
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  return unreadable('the scanner told nothing that can be understood')
}

const unreadable = (cause: string): ShareSeen => ({ outcome: 'unreadable', cause: cause.slice(0, 400) })
