import type { Command } from 'commander'
import { type Run, withExamples } from './run.ts'
import { collect } from './values.ts'

/** The verbs that bring everything in line with tmgen.yaml: plan, apply, orphans, upgrade. */
export function planVerbs(program: Command, run: Run): void {
  withExamples(
    program
      .command('plan')
      .description('show what differs from tmgen.yaml: on disk, in the control plane, in the running stack')
      .option('--detailed-exitcode', 'exit 0 when there is nothing to do, 2 when there is something, 1 on an error')
      .option('--json', 'print the changes as JSON')
      .action((options, command) =>
        run(command, async (context) => (await import('../plan.ts')).showPlan(context, options)),
      ),
    'tmgen plan',
    'tmgen plan --detailed-exitcode --json',
  )
  withExamples(
    program
      .command('apply')
      .description('do what plan shows: files, auth keys and logins, then docker compose up -d')
      .option('--no-up', 'leave the containers alone')
      .option('-y, --yes', 'do not ask before access of somebody ends or a container goes')
      .option('--json', 'print what was done as JSON')
      .action((options, command) =>
        run(command, async (context) => (await import('../apply.ts')).apply(context, options)),
      ),
    'tmgen apply',
    'tmgen apply --no-up && docker compose up -d',
  )
  withExamples(
    program
      .command('orphans')
      .description(
        'list nodes and keys in the control plane that look like ours, by tag and name, and belong to nobody here; ' +
          'remove those that are named',
      )
      .option('--remove <id>', 'remove this one of the list, for example node:12 (repeatable)', collect)
      .option('-y, --yes', 'with --remove: do not ask')
      .option('--json', 'print JSON')
      .action((options, command) =>
        run(command, async (context) => (await import('../orphans.ts')).orphans(context, options)),
      ),
    'tmgen orphans',
    'tmgen orphans --remove node:12 --remove key:3',
  )
  withExamples(
    program
      .command('upgrade')
      .description(
        'bring the workspace to this version of tmgen: shows what changes in files and containers, asks, then does it',
      )
      .option('--no-up', 'leave the containers alone')
      .option('-y, --yes', 'do not ask')
      .option('--json', 'print what was done as JSON')
      .action((options, command) =>
        run(command, async (context) => (await import('../upgrade.ts')).upgrade(context, options)),
      ),
    'tmgen upgrade',
    'tmgen upgrade --yes --no-up',
  )
}
