import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Run, withExamples } from './run.ts'
import { collect, quota } from './values.ts'

/** The verbs about disks: storage show, storage limit, import, restore-access. */
export function storageVerbs(program: Command, run: Run): void {
  const storage = withExamples(
    program.command('storage').description('limits that the filesystem keeps, so that nobody fills the disk for all'),
    'tmgen storage show',
    'tmgen storage limit alice',
  )
  withExamples(
    storage
      .command('show')
      .description('show what each storage lies on, and whether a limit is enforced or the quota is advisory')
      .option('--json', 'print JSON')
      .action((options, command) =>
        run(command, async (context) => (await import('../storage-show.ts')).storageShow(context, options)),
      ),
    'tmgen storage show',
    'tmgen storage show --json',
  )
  withExamples(
    storage
      .command('limit [user]')
      .description(
        'limit the storage of one person, or of all, to the quotas and a reserve of 5 %: shows the commands, and runs ' +
          'them as root once confirmed (docs/how-to/storage.md)',
      )
      .addOption(
        new Option('--by <what>', 'an image file with a filesystem, where the disk itself cannot count').choices([
          'image',
        ]),
      )
      .option('--script', 'print the commands as a script for root to read and run; change nothing')
      .option('-y, --yes', 'do not ask')
      .option('--json', 'print what is enforced as JSON')
      .action((user, options, command) =>
        run(command, async (context) => (await import('../storage-limit.ts')).storageLimit(context, user, options)),
      ),
    'tmgen storage limit alice',
    'tmgen storage limit alice --by image',
    'tmgen storage limit --script > limit.sh',
  )
  withExamples(
    program
      .command('import <path>')
      .description(
        'take over a folder of sparse bundles that another Samba served, without copying: a new user with the UID of ' +
          'the files; shows first what will be done (docs/how-to/storage.md)',
      )
      .requiredOption('--user <name>', 'name of the new user')
      .requiredOption('--mac <mac>', 'the Mac, or MAC=BUNDLE where there are several bundles (repeatable)', collect)
      .option('--login <login>', 'login in the tailnet that may connect (repeatable)', collect)
      .option('--tag <tag>', 'tag of managed Macs that may connect (repeatable)', collect)
      .option('--quota <quota>', 'size limit of each Mac, for example 500G or 1T; default: defaults.quota', quota)
      .option('--smb-conf <file>', 'smb.conf of the former Samba: its fruit and streams settings are compared')
      .option('--smb-share <name>', 'which share of --smb-conf it was, where there are several')
      .option('--auth-key-file <file>', 'take the auth key from FILE (- is standard input) instead of minting one')
      .option('-y, --yes', 'do not ask')
      .option('--json', 'print what was done as JSON')
      .action((path, options, command) =>
        run(command, async (context) => (await import('../import.ts')).importFolder(context, path, options)),
      ),
    'tmgen import /srv/old/alice --user alice --mac macbook --login alice@example.com',
    'tmgen import /srv/tm --user bob --mac imac=iMac.sparsebundle --mac air=Air.sparsebundle --login bob --smb-conf smb.conf',
  )
  withExamples(
    program
      .command('restore-access <name>')
      .description(
        "open one person's backups, read-only, to a LAN for a while: for a whole-Mac restore from Recovery, where there " +
          'is no Tailscale (docs/how-to/restore.md)',
      )
      .option('--lan <cidr>', 'private network that the Mac is in, for example 192.168.1.0/24')
      .option('--for <time>', 'how long: 30m, 24h, 3d; at most 7d', duration, 86_400)
      .option('--address <ip>', 'address of this host in that network, where it has several')
      .option('--port <port>', 'TCP port on it', tcpPort, 445)
      .option('--end', 'end it now')
      .option('-y, --yes', 'do not ask')
      .option('--json', 'print what was done as JSON')
      .action((name, options, command) =>
        run(command, async (context) => (await import('../restore-access.ts')).restoreAccess(context, name, options)),
      ),
    'tmgen restore-access alice --lan 192.168.1.0/24 --for 24h',
    'tmgen restore-access alice --end',
  )
}

/** Seconds of 30m, 24h, 3d. */
function duration(text: string): number {
  const [, count, unit = ''] = /^(\d{1,5})([smhd])$/.exec(text) ?? []
  const seconds = Number(count) * ({ s: 1, m: 60, h: 3600, d: 86_400 }[unit] ?? Number.NaN)
  if (seconds > 0 && seconds <= 7 * 86_400) return seconds
  throw new InvalidArgumentError('write 30m, 24h or 3d; 7d at most')
}

function tcpPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port > 0 && port < 65_536) return port
  throw new InvalidArgumentError('write a port from 1 to 65535')
}
