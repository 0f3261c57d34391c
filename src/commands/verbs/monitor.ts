import { type Command, Option } from 'commander'
import { type Run, withExamples } from './run.ts'
import { quota } from './values.ts'

/** The verbs about the monitor: monitor show, monitor test-alert, verify. */
export function monitorVerbs(program: Command, run: Run): void {
  const monitor = withExamples(
    program.command('monitor').description('know that every Mac is backed up'),
    'tmgen monitor show',
    'tmgen monitor test-alert',
  )
  withExamples(
    monitor
      .command('show')
      .description('show what the monitor found last: how the backup of each Mac does, since when, and why')
      .option('--json', 'print JSON')
      .action((options, command) =>
        run(command, async (context) => (await import('../monitor-show.ts')).monitorShow(context, options)),
      ),
    'tmgen monitor show',
    'tmgen monitor show --json',
  )
  withExamples(
    monitor
      .command('test-alert')
      .description(
        'send a test by every way in monitor.alerts and by monitor.ping, and say what came of it; exit 1 when one fails',
      )
      .argument('[name]', 'a person: by every way of their own instead')
      .option('--json', 'print JSON')
      .action((name, options, command) =>
        run(command, async (context) =>
          (await import('../monitor-test-alert.ts')).monitorTestAlert(context, name, options),
        ),
      ),
    'tmgen monitor test-alert',
    'tmgen monitor test-alert alice',
    'tmgen monitor test-alert --json',
  )
  withExamples(
    program
      .command('verify <user>')
      .description(
        'read back what lies in the shares of one person, on the server and without a password: bands read longest ago ' +
          'first; exit 1 when something cannot be read or is not what it was (docs/how-to/verify.md)',
      )
      .option('--mac <mac>', 'of this Mac alone')
      .addOption(new Option('--all', 'read all there is, however long it takes').conflicts('bytes'))
      .option('--bytes <size>', 'so much of each Mac, for example 20G; default: monitor.verify.bytes', quota)
      .option('--json', 'print JSON')
      .action((user, options, command) =>
        run(command, async (context) => (await import('../verify.ts')).verify(context, user, options)),
      ),
    'tmgen verify alice',
    'tmgen verify alice --mac macbook --bytes 20G',
    'tmgen verify alice --all --json',
  )
}
