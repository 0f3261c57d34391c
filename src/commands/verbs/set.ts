import { type Command, Option } from 'commander'
import { type Run, withExamples } from './run.ts'
import { collect, quota } from './values.ts'

/** The verbs that change what is there: set, disable, enable, rotate, rename, remove. */
export function setVerbs(program: Command, run: Run): void {
  const set = withExamples(
    program.command('set').description('change a user'),
    'tmgen set user alice --quota 2T',
    'tmgen set user alice --rebind',
  )
  withExamples(
    set
      .command('user <name>')
      .description('change one person; what is not named stays as it is')
      .option('--quota <quota>', 'size limit of each of the Macs, for example 500G or 2T', quota)
      .option('--mac <mac>', 'the one Mac that --quota is for')
      .addOption(
        new Option('--login <login>', 'logins that may connect, in place of those so far (repeatable)')
          .argParser(collect)
          .conflicts(['addLogin', 'removeLogin']),
      )
      .option('--add-login <login>', 'one more login that may connect (repeatable)', collect)
      .option('--remove-login <login>', 'a login that may connect no more (repeatable)', collect)
      .option(
        '--rebind',
        'forget which account in the tailnet each login belongs to: the next that connects with it is the one. For a ' +
          'login that was deleted and made anew, once you know that it is the same person',
      )
      .option('--json', 'print what was done as JSON')
      .action((name, options, command) =>
        run(command, async (context) => (await import('../set-user.ts')).setUser(context, name, options)),
      ),
    'tmgen set user alice --quota 2T',
    'tmgen set user alice --mac imac --quota 500G',
    'tmgen set user alice --add-login alice@new.example.com --remove-login alice@example.com',
    'tmgen set user alice --rebind',
  )
  const disable = withExamples(program.command('disable').description('end access for now'), 'tmgen disable user alice')
  withExamples(
    disable
      .command('user <name>')
      .description('no access from now on; data, password, numbers and the node in the tailnet are kept')
      .option('--json', 'print what was done as JSON')
      .action((name, options, command) =>
        run(command, async (context) => (await import('../enable-user.ts')).disableUser(context, name, options)),
      ),
    'tmgen disable user alice',
  )
  const enable = withExamples(program.command('enable').description('undo disable'), 'tmgen enable user alice')
  withExamples(
    enable
      .command('user <name>')
      .description('give a disabled person access again: the same node, password and data')
      .option('--json', 'print what was done as JSON')
      .action((name, options, command) =>
        run(command, async (context) => (await import('../enable-user.ts')).enableUser(context, name, options)),
      ),
    'tmgen enable user alice',
  )
  withExamples(
    program
      .command('rotate <name>')
      .description("replace a person's secret, and say what to do on the Macs")
      .addOption(new Option('--password', 'a new SMB password').conflicts(['key', 'authKeyFile']))
      .option('--key', 'a new node key: the node enrols anew under the same name')
      .option('--auth-key-file <file>', 'with --key: take the auth key from FILE (- is standard input)')
      .option('--json', 'print what was done as JSON; no secret is ever in it')
      .action((name, options, command) =>
        run(command, async (context) => (await import('../rotate.ts')).rotate(context, name, options)),
      ),
    'tmgen rotate alice --password',
    'tmgen rotate alice --key',
    'tmgen rotate dashboard --key',
  )
  const rename = withExamples(
    program.command('rename').description('give a user another name'),
    'tmgen rename user alice alicia',
  )
  withExamples(
    rename
      .command('user <name> <new-name>')
      .description('data, numbers, password and node are kept; name, host name, tag and folder follow')
      .option('--json', 'print what was done as JSON')
      .action((name, newName, options, command) =>
        run(command, async (context) =>
          (await import('../rename-user.ts')).renameUser(context, name, newName, options),
        ),
      ),
    'tmgen rename user alice alicia',
  )
  const remove = withExamples(program.command('remove').description('remove a user'), 'tmgen remove user alice')
  withExamples(
    remove
      .command('user <name>')
      .description('end access for good: the node goes, the data is kept in an archive folder beside the storage')
      .option('-y, --yes', 'do not ask')
      .option(
        '--purge [name]',
        'also delete the data for good, that of an earlier removal too; asks for the name once more, unless it is ' +
          'given here (--purge=alice)',
      )
      .option('--json', 'print what was done as JSON')
      .action((name, options, command) =>
        run(command, async (context) => (await import('../remove-user.ts')).removeUser(context, name, options)),
      ),
    'tmgen remove user alice',
    'tmgen remove user alice --yes --json',
    'tmgen remove user alice --purge',
    'tmgen remove user alice --yes --purge=alice',
  )
}
