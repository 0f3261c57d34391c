import type { Command } from 'commander'
import { type Run, withExamples } from './run.ts'

/** The verbs about snapshots: snapshots take, list, restore. */
export function snapshotVerbs(program: Command, run: Run): void {
  const snapshots = withExamples(
    program.command('snapshots').description('what a Mac cannot delete: snapshots on Btrfs and ZFS, taken by root'),
    'tmgen snapshots list',
    'tmgen snapshots restore alice@20260131T120000Z',
  )
  withExamples(
    snapshots
      .command('take')
      .description(
        'take one for each person whose backup completed since the last, and let go of what the rule does not keep; ' +
          'for a timer of root (docs/how-to/snapshots.md)',
      )
      .option('--dry-run', 'print the commands, run none')
      .action((options, command) =>
        run(command, async (context) => (await import('../snapshots.ts')).snapshotsTake(context, options)),
      ),
    'tmgen snapshots take --dry-run',
    'tmgen snapshots take',
  )
  withExamples(
    snapshots
      .command('list')
      .description('show what there is of each person, and where there can be none')
      .option('--json', 'print JSON')
      .action((options, command) =>
        run(command, async (context) => (await import('../snapshots.ts')).snapshotsList(context, options)),
      ),
    'tmgen snapshots list',
    'tmgen snapshots list --json',
  )
  withExamples(
    snapshots
      .command('restore <name>')
      .description('make a copy of one beside the live data, which stays as it is; says how to have it served')
      .option('-y, --yes', 'do not ask')
      .action((name, options, command) =>
        run(command, async (context) =>
          (await import('../snapshots-restore.ts')).snapshotsRestore(context, name, options),
        ),
      ),
    'tmgen snapshots restore alice@20260131T120000Z',
  )
}
