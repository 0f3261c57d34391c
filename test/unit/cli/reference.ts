import type { Command, Option } from 'commander'
import { examplesOf } from '../../../src/commands/verbs/run.ts'

/** Every command that does something, parents first, with its full name (`tmgen add user`). */
export function commandsOf(program: Command): { name: string; command: Command }[] {
  const walk = (command: Command, before: string): { name: string; command: Command }[] => {
    const name = `${before}${command.name()}`
    return [{ name, command }, ...command.commands.flatMap((child) => walk(child, `${name} `))]
  }
  return walk(program, '')
}

/** docs/reference/cli.md as it must be. */
export function cliReference(program: Command): string {
  const sections = commandsOf(program).map(({ name, command }) => section(name, command))
  return `# Command line

Data goes to stdout, messages to stderr. Exit code: 0 done, 1 failed (or, for \`generate --check\`, something would
change), 2 wrong usage, 130 interrupted. Colour and spinners appear on a terminal only; \`NO_COLOR=1\` switches colour off.
\`TMGEN_DEBUG=1\` adds a stack to an error that is a bug. This page is made from the definitions that \`--help\` prints.

${sections.join('\n')}`
}

function section(name: string, command: Command): string {
  const help = command.createHelp()
  const lines = [`## \`${name}\``, '', `${sentence(command.description())}`, '']
  lines.push(`Usage: \`${help.commandUsage(command)}\``, '')
  const options = command.options.filter((option) => !option.hidden)
  if (options.length > 0) {
    lines.push(
      '| option | what |',
      '| --- | --- |',
      ...options.map((option) => row(help.optionDescription(option), option)),
      '',
    )
  }
  lines.push('```', ...examplesOf(command).map((line) => `$ ${line}`), '```', '')
  return lines.join('\n')
}

const row = (text: string, option: Option) => `| \`${option.flags}\` | ${text.replaceAll('|', '\\|')} |`

function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1)
  return first.endsWith('.') ? first : `${first}.`
}
