import { printable } from '../ui/printable.ts'

/**
 * Runs a service. What it throws is a fault of the program: it ends with one line that names it, and Docker starts it
 * anew, each time a little later.
 */
export function runService(main: () => Promise<void>): void {
  main().catch((error: unknown) => {
    const [, where = ''] = (error instanceof Error ? error.stack : undefined)?.match(/\n\s+(at .*)/) ?? []
    process.stderr.write(`${printable(`ended by a fault: ${String(error)} ${where}`.trimEnd())}\n`)
    process.exit(1)
  })
}
