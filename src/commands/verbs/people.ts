import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Run, withExamples } from './run.ts'
import { collect, quota } from './values.ts'

function since(text: string): string {
  const isTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?$/.test(text)
  if (/^\d{1,6}[smhd]$/.test(text) || (isTime && !Number.isNaN(Date.parse(text)))) return text
  throw new InvalidArgumentError('write 30m, 2h, 7d, or a time such as 2026-11-21T08:00:00Z')
}

function tail(text: string): number {
  if (/^\d{1,7}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('write a number of lines')
}

const keyFile = '--auth-key-file <file>'
const keyFileText = 'take the auth key from FILE (- is standard input) instead of minting one'

/** The verbs about people: add, list, status, logs, provision, invite, guide. */
export function peopleVerbs(program: Command, run: Run): void {
  const add = withExamples(
    program.command('add').description('add a user, or a Mac to a user'),
    'tmgen add user alice --login alice@example.com',
    'tmgen add mac alice imac',
  )
  withExamples(
    add
      .command('user <name>')
      .description('add a person: share, password, and the auth key of the node tm-NAME')
      .option('--login <login>', 'login in the tailnet that may connect (repeatable)', collect)
      .option('--tag <tag>', 'tag of managed Macs that may connect (repeatable)', collect)
      .option('--mac <mac>', 'a Mac of this person (repeatable); default: one named "mac"', collect)
      .option('--quota <quota>', 'size limit of each Mac, for example 500G or 1T; default: defaults.quota', quota)
      .option('--storage <path>', 'storage folder of this user; default: storage.root/NAME')
      .option(keyFile, keyFileText)
      .option('--json', 'print what was done as JSON')
      .action((name, options, command) =>
        run(command, async (context) => (await import('../add-user.ts')).addUser(context, name, options)),
      ),
    'tmgen add user alice --login alice@example.com --quota 500G --mac macbook --mac imac',
    'tmgen add user bob --login bob@example.com --auth-key-file bob.key',
  )
  withExamples(
    add
      .command('mac <user> <mac>')
      .description('add a Mac to a user: a share of its own')
      .option('--quota <quota>', 'size limit, for example 500G; default: defaults.quota', quota)
      .option('--json', 'print what was done as JSON')
      .action((user, mac, options, command) =>
        run(command, async (context) => (await import('../add-mac.ts')).addMac(context, user, mac, options)),
      ),
    'tmgen add mac alice imac --quota 500G',
  )
  withExamples(
    program
      .command('list')
      .description('show users, nodes, Macs, keys, and whether the tailnet policy isolates them')
      .option('--offline', 'do not ask the control plane')
      .option('--json', 'print JSON')
      .action((options, command) =>
        run(command, async (context) => (await import('../list.ts')).list(context, options)),
      ),
    'tmgen list',
    'tmgen list --offline --json',
  )
  withExamples(
    program
      .command('status')
      .description(
        'show how everybody does: node, path, key, Samba, open connections, space used (an estimate), last write, last ' +
          'complete backup; warnings below',
      )
      .option('--watch', 'look again every 5 s')
      .option('--json', 'print JSON; with --watch an object a line')
      .action((options, command) =>
        run(command, async (context) => (await import('../status.ts')).status(context, options)),
      ),
    'tmgen status',
    'tmgen status --watch',
    'tmgen status --json',
  )
  withExamples(
    program
      .command('logs <name>')
      .description("show one person's log: what the gateway says of the node and its connections, and Samba's own")
      .option('-f, --follow', 'go on with what comes')
      .option('--since <when>', 'only newer lines: 30m, 2h, 7d, or a time such as 2026-11-21T08:00:00Z', since)
      .option('-n, --tail <lines>', 'how many of the newest lines; 0 is all', tail, 100)
      .addOption(new Option('--gateway', "the gateway's lines alone").conflicts('samba'))
      .option('--samba', "Samba's lines alone")
      .option('--json', 'print a JSON object a line')
      .action((name, options, command) =>
        run(command, async (context) => (await import('../logs.ts')).logs(context, name, options)),
      ),
    'tmgen logs alice',
    'tmgen logs alice --follow --since 10m',
    'tmgen logs alice --gateway --json --tail 0',
  )
  withExamples(
    program
      .command('provision [name]')
      .description('see to auth keys: for one user, or for all whose key ran out before the node enrolled')
      .option(keyFile, keyFileText)
      .option('--json', 'print what was done as JSON')
      .action((name, options, command) =>
        run(command, async (context) => (await import('../provision.ts')).provision(context, name, options)),
      ),
    'tmgen provision',
    'tmgen provision alice --auth-key-file alice.key',
  )
  withExamples(
    program
      .command('invite <name>')
      .description("make a single-use key that joins a person's Mac to the tailnet (headscale and embedded)")
      .option('--login <login>', "which of the person's logins; default: the first")
      .option('--key-file <file>', 'write the key to FILE, readable by you alone, instead of the terminal')
      .action((name, options, command) =>
        run(command, async (context) => (await import('../invite.ts')).invite(context, name, options)),
      ),
    'tmgen invite alice',
    'tmgen invite alice --key-file alice-join.key',
  )
  withExamples(
    program
      .command('guide <name>')
      .description('print what a person does on the Mac: join, add the disk, restore')
      .option('--restore', 'how to restore: files, a whole Mac, a dead Mac')
      .option('--password', "show the person's password (on a terminal only)")
      .addOption(
        new Option('--invite', 'make a join key for one Mac and show it (on a terminal only)').conflicts('restore'),
      )
      .action((name, options, command) =>
        run(command, async (context) => (await import('../guide.ts')).showGuide(context, name, options)),
      ),
    'tmgen guide alice',
    'tmgen guide alice --restore',
  )
}
