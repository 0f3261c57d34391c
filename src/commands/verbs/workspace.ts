import { type Command, Option } from 'commander'
import { type Run, withExamples } from './run.ts'

/** The verbs about the workspace: generate, policy, config, doctor, demo. */
export function workspaceVerbs(program: Command, run: Run): void {
  withExamples(
    program
      .command('generate')
      .description('write generated/ from tmgen.yaml; never asks the network')
      .option('--check', 'change nothing; exit 1 when something would change')
      .option('--json', 'print what was done, or would be, as JSON')
      .action((options, command) =>
        run(command, async (context) => (await import('../generate.ts')).generate(context, options)),
      ),
    'tmgen generate',
    'tmgen generate --check',
  )
  const policy = withExamples(
    program.command('policy').description('the tailnet policy that this workspace needs'),
    'tmgen policy check',
    'tmgen policy apply',
  )
  withExamples(
    policy
      .command('show')
      .description('print the rules and tag owners, and say where to paste them')
      .option('--json', 'print JSON with the place to paste it')
      .action((options, command) =>
        run(command, async (context) => (await import('../policy.ts')).policyShow(context, options)),
      ),
    'tmgen policy show',
    'tmgen policy show --json',
  )
  withExamples(
    policy
      .command('check')
      .description(
        "look for rules of the tailnet's policy that are broader than ours, with their line; changes nothing. Exit 0 " +
          'when it isolates, 2 when it is open, 1 when it could not be looked at',
      )
      .option('--json', 'print JSON')
      .action((options, command) =>
        run(command, async (context) => (await import('../policy-check.ts')).policyCheck(context, options)),
      ),
    'tmgen policy check',
    'tmgen policy check --json',
  )
  withExamples(
    policy
      .command('apply')
      .description(
        "write the rules, tag owners and tests into the tailnet's policy and leave all else in it as it is; shows the " +
          'difference first. Without users it takes them out again',
      )
      .option('-y, --yes', 'do not ask')
      .option('--tailnet-wide', 'agree to a change for everybody: the first rule of a policy, or the last one gone')
      .option('--json', 'print what was done as JSON')
      .action((options, command) =>
        run(command, async (context) => (await import('../policy-apply.ts')).policyApply(context, options)),
      ),
    'tmgen policy apply',
    'tmgen policy apply --yes --json',
  )
  const config = withExamples(
    program.command('config').description('about the format of tmgen.yaml'),
    'tmgen config schema',
  )
  withExamples(
    config
      .command('schema')
      .description('print the JSON Schema of tmgen.yaml')
      .action((_options, command) =>
        run(command, async (context) => (await import('../config.ts')).configSchema(context)),
      ),
    'tmgen config schema',
  )
  withExamples(
    config
      .command('reference')
      .description('print the reference page of tmgen.yaml, in Markdown')
      .action((_options, command) =>
        run(command, async (context) => (await import('../config.ts')).configReference(context)),
      ),
    'tmgen config reference',
  )
  withExamples(
    program
      .command('doctor')
      .description(
        'look for every known cause of "it does not work", and say what to do; changes nothing without --fix. Exit 1 ' +
          'when something fails (docs/reference/doctor.md)',
      )
      .option('--fix', 'repair what is safe to repair: each thing is shown and asked about first')
      .option('-y, --yes', 'with --fix: do not ask')
      .option('--json', 'print JSON')
      .action((options, command) =>
        run(command, async (context) => (await import('../doctor.ts')).doctor(context, options)),
      ),
    'tmgen doctor',
    'tmgen doctor --json',
    'tmgen doctor --fix',
  )
  withExamples(
    program
      .command('demo')
      .description('run the whole thing with two make-believe people on this machine (from a checkout)')
      .option('--keep', 'leave it running afterwards')
      .addOption(new Option('--clean', 'remove what a kept demo left behind').conflicts('keep'))
      .action((options, command) =>
        run(command, async (context) => (await import('../demo.ts')).demo(context, options)),
      ),
    'tmgen demo',
    'tmgen demo --clean',
  )
}
