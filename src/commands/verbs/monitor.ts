import type { Command } from 'commander'
import { type Run, withExamples } from './run.ts'

/** The verbs about the monitor: monitor show, monitor test-alert. */
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
      .description('send a test by every way in monitor.alerts, and say what came of it; exit 1 when one fails')
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
}
