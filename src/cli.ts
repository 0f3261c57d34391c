import { Command, CommanderError } from 'commander'
import { makeContext } from './commands/context.ts'
import { underHeadings } from './commands/verbs/headings.ts'
import { initVerb } from './commands/verbs/init.ts'
import { monitorVerbs } from './commands/verbs/monitor.ts'
import { moveVerbs } from './commands/verbs/move.ts'
import { peopleVerbs } from './commands/verbs/people.ts'
import { planVerbs } from './commands/verbs/plan.ts'
import { type Run, withExamples } from './commands/verbs/run.ts'
import { setVerbs } from './commands/verbs/set.ts'
import { snapshotVerbs } from './commands/verbs/snapshots.ts'
import { storageVerbs } from './commands/verbs/storage.ts'
import { workspaceVerbs } from './commands/verbs/workspace.ts'
import type { Io } from './ui/io.ts'
import { packageJson } from './ui/package-dir.ts'
import { exitCodes, report } from './ui/report.ts'

/** The whole command line. Every action imports its command when it runs: --help loads commander alone. */
export function buildProgram(run: Run, version: string): Command {
  const program = new Command('tmgen')
    .description('Private Time Machine servers on a tailnet, one per person, from a list of people.')
    .version(version, '-V, --version', 'print the version')
    .option('-w, --workspace <dir>', 'workspace folder', '.')
    .commandsGroup('Help:')
    .helpCommand('help [command]', 'show help for a command')
  withExamples(program, 'tmgen init timemachine --provider manual --storage /srv/timemachine', 'tmgen list')
  initVerb(program, run)
  peopleVerbs(program, run)
  setVerbs(program, run)
  planVerbs(program, run)
  moveVerbs(program, run)
  storageVerbs(program, run)
  snapshotVerbs(program, run)
  monitorVerbs(program, run)
  workspaceVerbs(program, run)
  underHeadings(program)
  return program
}

/** Lets a command and all below it throw instead of ending the process, and write where `io` says. */
function settle(command: Command, io: Io): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => void io.stdout.write(text),
    writeErr: (text) => void io.stderr.write(text),
    getOutHasColors: () => false,
    getErrHasColors: () => false,
  })
  for (const child of command.commands) settle(child, io)
}

/**
 * Runs one command line.
 * @param argv the arguments after the program's name
 * @returns the exit code: 0, 1 (failed), 2 (wrong usage), 130 (interrupted)
 */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  let exitCode = 0
  const run: Run = async (command, action) => {
    const { workspace } = command.optsWithGlobals<{ workspace?: string }>()
    exitCode = (await action(makeContext(io, workspace))) ?? 0
  }
  try {
    const program = buildProgram(run, packageJson(io.packageDir).version ?? '0')
    settle(program, io)
    await program.parseAsync([...argv], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage
    return report(io, error)
  }
}
