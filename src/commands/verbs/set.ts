import type { Command } from 'commander'
import { type Run, withExamples } from './run.ts'

/** The verbs that change what is there: set. */
export function setVerbs(program: Command, run: Run): void {
  const set = withExamples(program.command('set').description('change a user'), 'tmgen set user alice --rebind')
  withExamples(
    set
      .command('user <name>')
      .description('change one person; what is not named stays as it is')
      .option(
        '--rebind',
        'forget which account in the tailnet each login belongs to: the next that connects with it is the one. For a ' +
          'login that was deleted and made anew, once you know that it is the same person',
      )
      .option('--json', 'print what was done as JSON')
      .action((name, options, command) =>
        run(command, async (context) => (await import('../set-user.ts')).setUser(context, name, options)),
      ),
    'tmgen set user alice --rebind',
  )
}
