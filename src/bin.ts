import { main } from './cli.ts'
import { processIo } from './ui/io.ts'
import { findPackageDir } from './ui/package-dir.ts'
import { exitCodes, report } from './ui/report.ts'

// A reader that goes away early (`tmgen list | head -1`) is no fault.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : exitCodes.failed))
}

// Leaving at once is safe: every write is whole or absent, and the journal tells the next command what was begun.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    process.stderr.write('\ninterrupted; the next tmgen command finishes or undoes what was begun\n')
    process.exit(signal === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated)
  })
}

const io = processIo(findPackageDir(import.meta.url))
try {
  process.exitCode = await main(process.argv.slice(2), io)
} catch (error) {
  process.exitCode = report(io, error)
}
