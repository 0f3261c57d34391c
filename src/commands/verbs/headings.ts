import type { Command } from 'commander'

/** Under which heading `tmgen --help` shows each command, in this order. */
const headings: Readonly<Record<string, readonly string[]>> = {
  'Set up:': ['init', 'demo', 'config'],
  'People:': ['add', 'set', 'disable', 'enable', 'rename', 'rotate', 'remove', 'provision', 'invite', 'guide'],
  'Look:': ['list', 'status', 'monitor', 'verify', 'logs', 'doctor'],
  'Make it so:': ['plan', 'apply', 'generate', 'policy', 'orphans', 'upgrade'],
  'Disks and data:': ['storage', 'snapshots', 'import', 'restore-access'],
  'Keep and move the workspace:': ['backup', 'restore', 'adopt', 'lock'],
}

/**
 * Puts the commands of the program under their headings.
 * @throws Error for a command that no heading has
 */
export function underHeadings(program: Command): void {
  const order = Object.values(headings).flat()
  for (const command of program.commands) {
    const heading = Object.entries(headings).find(([, names]) => names.includes(command.name()))?.[0]
    if (heading === undefined) throw new Error(`the command ${command.name()} has no heading`)
    command.helpGroup(heading)
  }
  // Commander shows headings and commands in the order in which commands were added.
  const commands = program.commands as Command[]
  commands.sort((a, b) => order.indexOf(a.name()) - order.indexOf(b.name()))
}
