import { TmgenError, TmgenErrors } from '../errors.ts'
import { formatError } from '../format-error.ts'
import { Interrupted } from './interrupted.ts'
import type { Io } from './io.ts'
import { printable } from './printable.ts'

/** Exit codes: 1 the work failed, 2 the command line is wrong; 128 + signal number for SIGINT and SIGTERM. */
export const exitCodes = { failed: 1, usage: 2, interrupted: 130, terminated: 143 } as const

/** Prints an error on stderr and says the exit code for it. */
export function report(io: Io, error: unknown): number {
  if (error instanceof Interrupted) {
    io.stderr.write('interrupted\n')
    return exitCodes.interrupted
  }
  if (error instanceof TmgenError || error instanceof TmgenErrors) {
    const bare = error instanceof TmgenError && error.place === undefined
    io.stderr.write(`${bare ? `error[${error.code}]: ` : ''}${formatError(error)}\n`)
    return error instanceof TmgenError && error.code === 'usage' ? exitCodes.usage : exitCodes.failed
  }
  const debug = io.env.TMGEN_DEBUG === '1'
  const message = error instanceof Error ? error.message.split('\n')[0] : String(error)
  io.stderr.write(`error: this is a bug in tmgen: ${printable(message ?? '')}\n`)
  if (debug) io.stderr.write(`${error instanceof Error ? error.stack : ''}\n`)
  else io.stderr.write('hint: run it again with TMGEN_DEBUG=1 and report what it prints\n')
  return exitCodes.failed
}
