import type { Command } from 'commander'
import type { Context } from '../context.ts'

/** Runs what a verb does and takes its exit code; tests put a stub here and look at what commander parsed. */
export type Run = (command: Command, action: (context: Context) => Promise<number | undefined>) => Promise<void>

const examples = new WeakMap<Command, string[]>()

/** The example command lines of a command, as its --help shows them. */
export function examplesOf(command: Command): string[] {
  return examples.get(command) ?? []
}

/** Puts examples below a command's --help. */
export function withExamples(command: Command, ...lines: string[]): Command {
  examples.set(command, lines)
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`)
}
